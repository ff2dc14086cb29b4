#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/leftovers.h"

namespace hone {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kReadBytes = size_t{64} << 10;

struct OpenFile {
  int fd;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

void write_all(int fd, const char* data, size_t size, int* error) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      *error = errno;
      return;
    }
    data += n;
    size -= static_cast<size_t>(n);
  }
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored) || !path_.has_filename())
    fail(ErrorCode::kInvalidArgument, "{}: cannot write: this is a folder; name a file", path_.string());
  remove_leftovers_of(path_);
  temporary_ = path_;
  temporary_ += fmt::format(".{}.tmp", ::getpid());
  fd_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    const int error = errno;
    fail(ErrorCode::kIo, "{}: cannot write: {}", path_.string(), std::strerror(error));
  }
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail_io(const char* action, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  fail(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo,
       "{}: cannot {} after {} bytes: {}; nothing was left behind", path_.string(), action, offset_,
       std::strerror(error));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::write(std::string_view text) {
  offset_ += text.size();
  if (buffer_.size() + text.size() < kBufferBytes) {
    buffer_.append(text);
    return;
  }
  flush();
  int error = 0;
  write_all(fd_, text.data(), text.size(), &error);
  if (error != 0) fail_io("write", error);
}

void AtomicFile::flush() {
  int error = 0;
  write_all(fd_, buffer_.data(), buffer_.size(), &error);
  if (error != 0) fail_io("write", error);
  buffer_.clear();
}

void AtomicFile::write_at(size_t offset, std::span<const std::byte> bytes) {
  flush();
  HONE_CHECK(offset + bytes.size() <= offset_);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno != EINTR) fail_io("write", errno);
    if (n > 0) done += static_cast<size_t>(n);
  }
}

void AtomicFile::commit() {
  flush();
  if (::fsync(fd_) != 0) fail_io("sync", errno);
  ::close(fd_);
  fd_ = -1;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_io("rename into place", error);
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

// By system calls: a stream would turn an allocation that fails into a file that cannot be read.
std::string read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    fail(ErrorCode::kInvalidArgument, "{}: is a folder, expected a file", path.string());
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    const int error = errno;
    fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, "{}: cannot open: {}", path.string(),
         std::strerror(error));
  }
  std::string text;
  for (size_t size = 0;;) {
    text.resize(std::max(size + kReadBytes, 2 * size));
    const ssize_t n = ::read(file.fd, text.data() + size, text.size() - size);
    if (n < 0) {
      const int error = errno;
      if (error == EINTR) continue;
      fail(ErrorCode::kIo, "{}: cannot read: {}", path.string(), std::strerror(error));
    }
    size += static_cast<size_t>(n);
    if (n > 0) continue;
    text.resize(size);
    return text;
  }
}

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || ::access(path.c_str(), W_OK) != 0)
    fail(ErrorCode::kIo, "{}: cannot create or write this folder: {}", path.string(),
         error ? error.message() : std::strerror(errno));
}

}  // namespace hone
