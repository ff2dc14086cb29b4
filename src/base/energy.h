// Energy that the processor packages have used, as the kernel's powercap interface (RAPL) tells it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hone {

class EnergyMeter {
 public:
  // Finds the packages; many machines, virtual ones above all, have none or let only root read them.
  explicit EnergyMeter(const std::string& root = "/sys/class/powercap");
  bool available() const noexcept { return !packages_.empty(); }
  // Joules of all packages since the last call (the first: since construction); nullopt when not available.
  // Counters that went around once in between are put right.
  std::optional<double> joules();

 private:
  struct Package {
    std::string file;
    uint64_t range = 0, last = 0;  // microjoules
  };
  std::vector<Package> packages_;
};

}  // namespace hone
