#include "base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/leftovers.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

// True when `path` is still the file that is open: its last holder removes it.
bool still_there(int fd, const fs::path& path) {
  struct stat held {
  }, named{};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder, const char* hint) : path_(folder / ".lock") {
  do {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) fail(ErrorCode::kIo, "{}: cannot write: {}", path_.string(), std::strerror(errno));
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) continue;
    const int error = errno;
    ::close(fd_);
    if (error != EWOULDBLOCK)
      fail(ErrorCode::kIo, "{}: cannot lock: {}", path_.string(), std::strerror(error));
    fail(ErrorCode::kIo, "{}: another hone run is working in this folder; {}", folder.string(), hint);
  } while (!still_there(fd_, path_));
  remove_leftovers(folder);
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());  // before it is let go: nobody locks a file that is then removed
  ::close(fd_);
}

}  // namespace hone
