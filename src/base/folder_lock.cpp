#include "base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

// The process id in "NAME.PID.tmp", "NAME.PID.old" and ".PID.partial"; 0 in other names.
pid_t writer_of(std::string_view name) {
  const size_t suffix = name.rfind('.');
  if (suffix == std::string_view::npos || suffix == 0) return 0;
  const std::string_view kind = name.substr(suffix), rest = name.substr(0, suffix);
  const size_t dot = rest.rfind('.');
  if (dot == std::string_view::npos) return 0;
  const bool beside = kind == ".tmp" || kind == ".old";
  if (!(beside && dot > 0) && !(kind == ".partial" && dot == 0)) return 0;
  const std::string_view digits = rest.substr(dot + 1);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return error == std::errc() && end == digits.data() + digits.size() && pid > 0 ? pid : 0;
}

// A file under the name of this process is from an earlier one: nothing has been written yet.
bool is_gone(pid_t pid) {
  return pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH);
}

// True when `path` is still the file that is open: its last holder removes it.
bool still_there(int fd, const fs::path& path) {
  struct stat held {
  }, named{};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
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
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const pid_t writer = writer_of(entry.path().filename().string());
    if (writer != 0 && is_gone(writer)) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) put_back_or_remove(path);
}

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
