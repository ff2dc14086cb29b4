// Files that appear whole or not at all: written under a temporary name in the same folder, synced, renamed.
// Errors: kInvalidArgument (the path is a folder), kIo, kResourceExhausted (disk full). The temporary is
// removed when commit() was not reached; one that a killed process left goes when the same file is next
// written (leftovers.h).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace hone {

class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  // Overwrites bytes at an earlier position (headers whose sizes are known only later).
  void write_at(size_t offset, std::span<const std::byte> bytes);
  size_t offset() const noexcept { return offset_; }
  void commit();

 private:
  void flush();
  [[noreturn]] void fail_io(const char* action, int error);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::string buffer_;
  size_t offset_ = 0;
  int fd_ = -1;
};

void write_file(const std::filesystem::path& path, std::string_view text);
// The whole file as a string; kNotFound, kInvalidArgument (a folder) or kIo.
std::string read_file(const std::filesystem::path& path);
// Creates the folder with its parents, or says why it cannot be written.
void make_directories(const std::filesystem::path& path);

}  // namespace hone
