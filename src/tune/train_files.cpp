#include "tune/train_files.h"

#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/replace.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

// A folder beside the results; gone at the end, whatever happens.
struct Aside {
  explicit Aside(const fs::path& output) : path(output / fmt::format(".{}.partial", ::getpid())) {}
  ~Aside() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  fs::path path;
};

void write_best(const AdapterSet& adapters, const AdapterPapers& papers, const fs::path& aside,
                const fs::path& output) {
  save_peft(adapters, papers, aside / "peft");
  if (has_gguf_form(adapters.kind())) save_adapter_gguf(adapters, papers, aside / "adapter.gguf");
  for (const char* name : {"peft", "adapter.gguf", "last"}) {
    if (fs::exists(aside / name)) {
      replace_whole(aside / name, output / name);
    } else {
      fs::remove_all(output / name);  // of an earlier training
    }
  }
}

}  // namespace

void check_disk(const fs::path& output, uint64_t n_parameters) {
  constexpr uint64_t kPapers = 1 << 20;
  // The state to resume from; PEFT folders of the best and last step, and GGUF.
  constexpr uint64_t kCopies = 4 + 3;
  const uint64_t needed = kCopies * n_parameters * sizeof(float) + kPapers;
  std::error_code error;
  const fs::space_info space = fs::space(output, error);
  if (!error && space.available < needed)
    fail(ErrorCode::kResourceExhausted, "{}: disk: got {} free, expected {} for the adapter; free some space",
         output.string(), format_bytes(space.available), format_bytes(needed));
}

void place_adapters(AdapterSet& adapters, const AdapterPapers& papers, const std::vector<Tensor>& best,
                    const fs::path& output) {
  const Aside aside(output);
  if (best.empty()) return write_best(adapters, papers, aside.path, output);
  save_peft(adapters, papers, aside.path / "last");
  const std::vector<Tensor> last = adapters.snapshot();
  adapters.restore(best);
  try {
    write_best(adapters, papers, aside.path, output);
  } catch (...) {
    adapters.restore(last);
    throw;
  }
}

}  // namespace hone
