#include "base/control_group.h"

#include <fstream>

#include "base/folder_test_support.h"

namespace hone {
namespace {

// Both file systems, played by a folder.
class Groups : public FolderTest {
 protected:
  void SetUp() override { std::filesystem::create_directories(roots_.groups); }
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = folder_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  const ControlGroupRoots roots_{(folder_ / "process").string(), (folder_ / "groups").string()};
};

TEST_F(Groups, NoQuotaWhereNothingIsSaid) {
  EXPECT_FALSE(cpu_quota(roots_));
  write("process", "0::/a\n");
  write("groups/a/cpu.max", "max 100000\n");
  write("groups/cpu/cpu.cfs_quota_us", "-1\n");
  write("groups/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(cpu_quota(roots_));
}

TEST_F(Groups, TheTightestGroupAroundRules) {
  write("process", "0::/a/b\n");
  write("groups/a/b/cpu.max", "400000 100000\n");
  EXPECT_EQ(cpu_quota(roots_), 4.0);
  write("groups/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpu_quota(roots_), 1.5);
  write("groups/cpu.max", "300000 100000\n");
  EXPECT_EQ(cpu_quota(roots_), 1.5);
}

TEST_F(Groups, AContainersOwnGroupIsAtTheRoot) {
  write("process", "0::/the/hosts/path\n");
  write("groups/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpu_quota(roots_), 0.5);
}

TEST_F(Groups, VersionOneListsControllers) {
  write("process", "5:memory:/m\n4:cpu,cpuacct:/job\n0::/\n");
  write("groups/cpu/job/cpu.cfs_quota_us", "200000\n");
  write("groups/cpu/job/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(cpu_quota(roots_), 4.0);
  EXPECT_EQ(control_group_folders("memory", roots_),
            (std::vector<std::string>{roots_.groups + "/memory/m/", roots_.groups + "/memory/"}));
}

}  // namespace
}  // namespace hone
