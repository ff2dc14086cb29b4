#include "base/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>

namespace hone {
namespace {

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

// The number after `key` at the start of a line; several kernel files have the form "key: number unit".
std::optional<uint64_t> field(const char* path, std::string_view key) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    uint64_t value = 0;
    if (word == key) {
      if (file >> value) return value;
      return std::nullopt;
    }
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

std::optional<uint64_t> number(const char* path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value) return value;  // "max" does not parse: no limit
  return std::nullopt;
}

}  // namespace

uint64_t peak_rss_bytes() {
  return field("/proc/self/status", "VmHWM:").value_or(0) * 1024;
}

uint64_t resident_bytes() {
  return field("/proc/self/status", "VmRSS:").value_or(0) * 1024;
}

uint64_t available_memory_bytes() {
  uint64_t available = kUnknown;
  if (const auto system = field("/proc/meminfo", "MemAvailable:")) available = *system * 1024;
  // Control group v2. Inactive file pages count as used there but are given back on demand.
  const auto limit = number("/sys/fs/cgroup/memory.max");
  const auto used = number("/sys/fs/cgroup/memory.current");
  if (limit && used) {
    const uint64_t cache = field("/sys/fs/cgroup/memory.stat", "inactive_file").value_or(0);
    const uint64_t taken = *used - std::min(*used, cache);
    available = std::min(available, *limit - std::min(*limit, taken));
  }
  return available;
}

std::string format_bytes(uint64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.2f} GB", value / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.0f} MB", value / 1e6);
  if (bytes >= 1'000) return fmt::format("{:.0f} kB", value / 1e3);
  return fmt::format("{} bytes", bytes);
}

}  // namespace hone
