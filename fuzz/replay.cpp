// fuzz_replay TARGET FOLDER…: every file of the folders through a target, without libFuzzer, in any build.
// What once failed must not fail again.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "targets.h"

namespace {

struct Row {
  std::string_view name;
  hone::FuzzTarget run;
};
#define X(name) {#name, hone::fuzz_##name},
constexpr Row kTargets[] = {HONE_FUZZ_TARGETS};
#undef X

size_t replay(const Row& target, const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    std::printf("%s\n", file.filename().c_str());
    std::fflush(stdout);  // the last name said is the one that aborted
    target.run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  return files.size();
}

}  // namespace

int main(int argc, char** argv) {
  hone::set_thread_count(1);
  const auto* target = std::find_if(std::begin(kTargets), std::end(kTargets),
                                    [&](const Row& row) { return argc > 2 && row.name == argv[1]; });
  if (target == std::end(kTargets)) {
    std::fprintf(stderr, "usage: fuzz_replay TARGET FOLDER…; targets:");
    for (const Row& row : kTargets) std::fprintf(stderr, " %s", std::string(row.name).c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  size_t n = 0;
  for (int i = 2; i < argc; ++i) n += replay(*target, argv[i]);
  std::printf("%zu inputs\n", n);
  return n > 0 ? 0 : 1;
}
