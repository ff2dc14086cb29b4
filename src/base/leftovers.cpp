#include "base/leftovers.h"

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hone {
namespace {

namespace fs = std::filesystem;

// "m.gguf.123.tmp": of "m.gguf", process 123, kind ".tmp".
struct Leftover {
  std::string_view of, kind;
  pid_t writer = 0;  // 0: another kind of name
};

Leftover parse(std::string_view name) {
  const size_t suffix = name.rfind('.');
  if (suffix == std::string_view::npos || suffix == 0) return {};
  const size_t dot = name.rfind('.', suffix - 1);
  if (dot == std::string_view::npos) return {};
  const std::string_view digits = name.substr(dot + 1, suffix - dot - 1);
  Leftover out{name.substr(0, dot), name.substr(suffix)};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.writer);
  if (error != std::errc() || end != digits.data() + digits.size() || out.writer < 0) return {};
  return out;
}

bool has_ended(pid_t pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

template <typename Unwanted>
std::vector<fs::path> find(const fs::path& folder, const Unwanted& unwanted) {
  // libstdc++'s iterator ends the program when its noexcept functions find no memory.
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), ::closedir);
  std::vector<fs::path> all;
  if (directory == nullptr) return all;
  while (const dirent* entry = ::readdir(directory.get())) {
    const Leftover leftover = parse(entry->d_name);
    if (leftover.writer != 0 && unwanted(leftover)) all.push_back(folder / entry->d_name);
  }
  return all;
}

// What a killed replace_folder_in_steps moved aside goes back when nothing took its place.
void put_back_or_remove(const fs::path& leftover) {
  std::error_code error;
  if (leftover.extension() == ".old") {
    const fs::path place = leftover.parent_path() / leftover.stem().stem();
    if (!fs::exists(place, error)) {
      fs::rename(leftover, place, error);
      return;
    }
  }
  fs::remove_all(leftover, error);
}

}  // namespace

void remove_leftovers(const fs::path& folder) {
  const auto unwanted = [](const Leftover& it) {
    const bool ours =
        it.kind == ".partial" ? it.of.empty() : !it.of.empty() && (it.kind == ".tmp" || it.kind == ".old");
    // A file under the number of this process is from an earlier one: nothing has been written yet.
    return ours && (it.writer == ::getpid() || has_ended(it.writer));
  };
  for (const fs::path& path : find(folder, unwanted)) put_back_or_remove(path);
}

void remove_leftovers_of(const fs::path& output) {
  const std::string name = output.filename().string();
  const auto unwanted = [&](const Leftover& it) {
    return it.of == name && (it.kind == ".tmp" || it.kind == ".partial") && has_ended(it.writer);
  };
  std::error_code ignored;
  const fs::path folder = output.parent_path();
  for (const fs::path& path : find(folder.empty() ? fs::path(".") : folder, unwanted))
    fs::remove_all(path, ignored);
}

}  // namespace hone
