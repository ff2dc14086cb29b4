#include "base/hash.h"

#include <xxhash.h>

#include "base/error.h"
#include "base/mapped_file.h"

namespace hone {
namespace {

std::string hex(XXH128_hash_t hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

Hasher::Hasher() : state_(XXH3_createState()) {
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_));
}
Hasher::~Hasher() {
  XXH3_freeState(static_cast<XXH3_state_t*>(state_));
}

Hasher& Hasher::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size());
  return *this;
}

Hasher& Hasher::add(std::string_view text) {
  return add(std::as_bytes(std::span(text)));
}

std::string Hasher::digest() const {
  return hex(XXH3_128bits_digest(static_cast<XXH3_state_t*>(state_)));
}

std::string hash_bytes(std::span<const std::byte> bytes) {
  return hex(XXH3_128bits(bytes.data(), bytes.size()));
}
std::string hash_text(std::string_view text) {
  return hash_bytes(std::as_bytes(std::span(text)));
}

std::string hash_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  return hash_bytes(file.bytes());
}

}  // namespace hone
