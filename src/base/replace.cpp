#include "base/replace.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_replacing(const fs::path& to, int error) {
  fail(ErrorCode::kIo, "{}: cannot be put in place: {}; what was there before is untouched", to.string(),
       std::strerror(error));
}

// The names inside a folder reach the disk before the folder takes another's place. A file system that cannot
// sync a folder keeps its own order.
void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

// False when this file system or kernel has no exchange of names.
bool exchange(const fs::path& from, const fs::path& to) {
  constexpr unsigned kExchange = 2;  // RENAME_EXCHANGE; older C libraries have neither name nor function
  if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), kExchange) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return false;
  fail_replacing(to, errno);
}

}  // namespace

void replace_folder_in_steps(const fs::path& from, const fs::path& to) {
  const fs::path aside = fmt::format("{}.{}.old", to.string(), ::getpid());
  std::error_code ignored;
  fs::remove_all(aside, ignored);
  if (::rename(to.c_str(), aside.c_str()) != 0) fail_replacing(to, errno);
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error = errno;
    ::rename(aside.c_str(), to.c_str());
    fail_replacing(to, error);
  }
  fs::remove_all(aside, ignored);
}

void replace_whole(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  const bool folder = fs::is_directory(from, ignored);
  if (folder) sync_folder(from);
  if (!folder || !fs::exists(to, ignored)) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail_replacing(to, errno);
  } else if (exchange(from, to)) {
    fs::remove_all(from, ignored);
  } else {
    replace_folder_in_steps(from, to);
  }
  sync_folder(to.parent_path().empty() ? fs::path(".") : to.parent_path());
}

}  // namespace hone
