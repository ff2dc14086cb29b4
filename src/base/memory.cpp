#include "base/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace hone {
namespace {

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

// The number after `key` at the start of a line; several kernel files have the form "key: number unit".
std::optional<uint64_t> field(const std::string& path, std::string_view key) {
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

std::optional<uint64_t> number(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value) return value;  // "max" does not parse: no limit
  return std::nullopt;
}

uint64_t less(uint64_t a, uint64_t b) {
  return a - std::min(a, b);
}

// Where a version of control groups keeps its numbers.
struct ControlGroups {
  const char *controllers, *root, *limit, *used, *reclaimable;
};
constexpr ControlGroups kControlGroups[] = {
    {"", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"},
    {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file"},
};

// This process's group: lines of the form "number:controllers:path". In a container the path may be one of
// the host's; what is mounted is then the container's own group, at the root.
std::string group_path(const ControlGroups& groups) {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == groups.controllers) return line.substr(second + 1);
  }
  return "/";
}

// What this process's group and those around it leave. Inactive file pages count as used there but are given
// back on demand.
uint64_t left_by(const ControlGroups& groups) {
  uint64_t left = kUnknown;
  std::string path = group_path(groups);
  for (;;) {
    while (path.ends_with('/')) path.pop_back();
    const std::string folder = groups.root + path + "/";
    const auto limit = number(folder + groups.limit), used = number(folder + groups.used);
    if (limit && used) {
      const uint64_t cache = field(folder + "memory.stat", groups.reclaimable).value_or(0);
      left = std::min(left, less(*limit, less(*used, cache)));
    }
    if (path.empty()) return left;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

// What `ulimit -v` leaves.
uint64_t left_of_address_space() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnknown;
  return less(limit.rlim_cur, field("/proc/self/status", "VmSize:").value_or(0) * 1024);
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
  for (const ControlGroups& groups : kControlGroups) available = std::min(available, left_by(groups));
  return std::min(available, left_of_address_space());
}

std::string format_bytes(uint64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.2f} GB", value / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.0f} MB", value / 1e6);
  if (bytes >= 1'000) return fmt::format("{:.0f} kB", value / 1e3);
  return fmt::format("{} bytes", bytes);
}

}  // namespace hone
