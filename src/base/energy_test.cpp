#include "base/energy.h"

#include <fstream>

#include "base/folder_test_support.h"

namespace hone {
namespace {

// The kernel's files, played by a folder.
class Powercap : public FolderTest {
 protected:
  void domain(const std::string& folder, const std::string& name, uint64_t energy) const {
    std::filesystem::create_directories(folder_ / folder);
    std::ofstream(folder_ / folder / "name") << name << "\n";
    std::ofstream(folder_ / folder / "energy_uj") << energy << "\n";
    std::ofstream(folder_ / folder / "max_energy_range_uj") << 1'000'000'000 << "\n";
  }
};

TEST_F(Powercap, NotEveryMachineTells) {
  EnergyMeter meter((folder_ / "missing").string());
  EXPECT_FALSE(meter.available());
  EXPECT_FALSE(meter.joules());
}

TEST_F(Powercap, PackagesAreAddedUpAndCountersGoAround) {
  domain("intel-rapl:0", "package-0", 5'000'000);
  domain("intel-rapl:1", "package-1", 999'000'000);
  domain("intel-rapl:0:0", "core", 1);
  EnergyMeter meter(folder_.string());
  ASSERT_TRUE(meter.available());
  EXPECT_DOUBLE_EQ(*meter.joules(), 0);
  domain("intel-rapl:0", "package-0", 7'500'000);
  domain("intel-rapl:1", "package-1", 3'000'000);
  domain("intel-rapl:0:0", "core", 900'000'000);
  EXPECT_DOUBLE_EQ(*meter.joules(), 2.5 + 4);
  EXPECT_DOUBLE_EQ(*meter.joules(), 0);
}

}  // namespace
}  // namespace hone
