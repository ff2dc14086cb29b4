#include "base/control_group.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace hone {
namespace {

bool lists(const std::string& controllers, const std::string& wanted) {
  if (wanted.empty()) return controllers.empty();
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');)
    if (name == wanted) return true;
  return false;
}

// Lines of the process's file have the form "number:controllers:path".
std::string group_path(const std::string& controller, const std::string& process) {
  std::ifstream file(process);
  std::string line;
  while (std::getline(file, line)) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    if (lists(line.substr(first + 1, second - first - 1), controller)) return line.substr(second + 1);
  }
  return "/";
}

std::optional<double> quota_of(double quota, double period) {
  if (quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

// "max 100000" or "150000 100000".
std::optional<double> quota_v2(const std::string& folder) {
  std::ifstream file(folder + "cpu.max");
  double quota = 0, period = 0;
  if (file >> quota >> period) return quota_of(quota, period);
  return std::nullopt;
}

// -1 without a quota.
std::optional<double> quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "cpu.cfs_quota_us"), period_file(folder + "cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (quota_file >> quota && period_file >> period) return quota_of(quota, period);
  return std::nullopt;
}

}  // namespace

std::vector<std::string> control_group_folders(const std::string& controller,
                                               const ControlGroupRoots& roots) {
  const std::string root = controller.empty() ? roots.groups : roots.groups + "/" + controller;
  std::vector<std::string> folders;
  std::string path = group_path(controller, roots.process);
  for (;;) {
    while (path.ends_with('/')) path.pop_back();
    folders.push_back(root + path + "/");
    if (path.empty()) return folders;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

std::optional<double> cpu_quota(const ControlGroupRoots& roots) {
  std::optional<double> least;
  const auto take = [&](const std::optional<double>& quota) {
    if (quota && (!least || *quota < *least)) least = quota;
  };
  for (const std::string& folder : control_group_folders("", roots)) take(quota_v2(folder));
  for (const std::string& folder : control_group_folders("cpu", roots)) take(quota_v1(folder));
  return least;
}

}  // namespace hone
