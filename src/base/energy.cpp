#include "base/energy.h"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace hone {
namespace {

std::optional<uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

}  // namespace

EnergyMeter::EnergyMeter(const std::string& root) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    const std::string folder = entry.path().string();
    std::ifstream name_file(folder + "/name");
    std::string name;
    // "package-0"; cores and memory are parts of it or stand apart, and not every machine tells them.
    if (!(name_file >> name) || !name.starts_with("package")) continue;
    const std::string file = folder + "/energy_uj";
    if (const auto now = read_number(file))
      packages_.push_back({file, read_number(folder + "/max_energy_range_uj").value_or(0), *now});
  }
}

std::optional<double> EnergyMeter::joules() {
  if (packages_.empty()) return std::nullopt;
  double sum = 0;
  for (Package& package : packages_) {
    const auto now = read_number(package.file);
    if (!now) return std::nullopt;
    sum += static_cast<double>(*now) - static_cast<double>(package.last);
    if (*now < package.last) sum += static_cast<double>(package.range);
    package.last = *now;
  }
  return sum * 1e-6;
}

}  // namespace hone
