// Content hashes (XXH3-128, hexadecimal) that key the stage cache and fingerprint base weights. Not for
// secrets.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace hone {

std::string hash_bytes(std::span<const std::byte> bytes);
std::string hash_text(std::string_view text);
std::string hash_file(const std::filesystem::path& path);

// Order-sensitive streaming form.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  Hasher& add(std::span<const std::byte> bytes);
  Hasher& add(std::string_view text);
  std::string digest() const;

 private:
  void* state_;
};

}  // namespace hone
