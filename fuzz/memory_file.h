// Bytes as files that live in memory, for readers that map files and open folders.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (fd_ < 0) std::abort();
  }
  MemoryFile(const uint8_t* bytes, size_t n) : MemoryFile() { append(bytes, n); }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void append(const uint8_t* bytes, size_t n) const {
    while (n > 0) {
      const ssize_t written = ::write(fd_, bytes, n);
      if (written <= 0) std::abort();
      bytes += written;
      n -= static_cast<size_t>(written);
    }
  }
  // Tensor data behind a header, which then is all that an input has to hold: small numbers as f32, f16 and
  // bf16.
  void append_weights(size_t n) const {
    static const std::vector<uint8_t> kPattern = [] {
      std::vector<uint8_t> out(1 << 16);
      for (size_t i = 0; i < out.size(); ++i)
        out[i] =
            static_cast<uint8_t>(i % 2 == 0 ? i * 37 : 0x38 + (i * 5 + i / 64) % 5 + (i % 6 == 1 ? 0x80 : 0));
      return out;
    }();
    for (size_t done = 0; done < n; done += kPattern.size())
      append(kPattern.data(), std::min(kPattern.size(), n - done));
  }
  void clear() const {
    if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) std::abort();
  }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// A folder of names that lead to such files; made once, filled for every input.
class MemoryFolder {
 public:
  MemoryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hone-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;

  const MemoryFile& set(const std::string& name, std::span<const uint8_t> bytes) {
    const auto [place, made] = files_.try_emplace(name);
    if (made) std::filesystem::create_symlink(place->second.path(), path_ / name);
    place->second.clear();
    place->second.append(bytes.data(), bytes.size());
    return place->second;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::map<std::string, MemoryFile> files_;
};

// An input for several files: n parts with kBreak between them; the last takes what is left, missing ones are
// empty.
inline constexpr std::string_view kBreak = "\n%%\n";
inline std::vector<std::span<const uint8_t>> split_parts(const uint8_t* bytes, size_t size, size_t n) {
  std::vector<std::span<const uint8_t>> parts(n);
  std::string_view left(reinterpret_cast<const char*>(bytes), size);
  for (size_t i = 0; i < n; ++i) {
    const size_t end = i + 1 < n ? std::min(left.find(kBreak), left.size()) : left.size();
    parts[i] = {reinterpret_cast<const uint8_t*>(left.data()), end};
    left.remove_prefix(std::min(left.size(), end + kBreak.size()));
  }
  return parts;
}

}  // namespace hone
