#include "base/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/control_group.h"
#include "base/error.h"

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

// What a version of control groups calls its numbers.
struct GroupNames {
  const char *controller, *limit, *used, *reclaimable;
};
constexpr GroupNames kGroupNames[] = {
    {"", "memory.max", "memory.current", "inactive_file"},
    {"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
};

// What this process's group and those around it leave. Inactive file pages count as used there but are given
// back on demand.
uint64_t left_by(const GroupNames& names) {
  uint64_t left = kUnknown;
  for (const std::string& folder : control_group_folders(names.controller)) {
    const auto limit = number(folder + names.limit), used = number(folder + names.used);
    if (!limit || !used) continue;
    const uint64_t cache = field(folder + "memory.stat", names.reclaimable).value_or(0);
    left = std::min(left, less(*limit, less(*used, cache)));
  }
  return left;
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
  for (const GroupNames& names : kGroupNames) available = std::min(available, left_by(names));
  return std::min(available, left_of_address_space());
}

uint64_t parse_bytes(const std::string& where, const std::string& text) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr Unit kUnits[] = {{"", 1},         {"B", 1},        {"kB", 1e3},    {"KB", 1e3},
                             {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},   {"KiB", 0x1p10},
                             {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const Unit& u : kUnits)
    if (error == std::errc() && unit == u.name && value * u.bytes >= 1 && value * u.bytes < 0x1p63)
      return static_cast<uint64_t>(value * u.bytes);
  fail(ErrorCode::kInvalidArgument, "{}: got '{}', expected a size such as 6.5GB, 800MB or 4GiB", where,
       text);
}

std::string format_bytes(uint64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.2f} GB", value / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.0f} MB", value / 1e6);
  if (bytes >= 1'000) return fmt::format("{:.0f} kB", value / 1e3);
  return fmt::format("{} bytes", bytes);
}

}  // namespace hone
