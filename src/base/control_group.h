// Where the kernel keeps the limits of the control groups (containers) that this process is in.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hone {

// The two files systems that tell; tests have their own.
struct ControlGroupRoots {
  std::string process = "/proc/self/cgroup";
  std::string groups = "/sys/fs/cgroup";
};

// Folders with the settings of one controller, each ending with '/': this process's group and all around it.
// controller: "" for version 2, whose one hierarchy has them all; "memory", "cpu" for version 1. In a
// container the group's path may be one of the host's; its own group is then the last folder, which is always
// there.
std::vector<std::string> control_group_folders(const std::string& controller,
                                               const ControlGroupRoots& roots = {});

// Processors' worth of time that the groups of either version leave this process (1.5 = one and a half);
// nullopt without a quota.
std::optional<double> cpu_quota(const ControlGroupRoots& roots = {});

}  // namespace hone
