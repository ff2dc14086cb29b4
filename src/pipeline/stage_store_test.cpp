#include "pipeline/stage_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

class StageStoreTest : public FolderTest {};

TEST_F(StageStoreTest, FindsOnlyTheSameKey) {
  StageStore store(folder_);
  EXPECT_FALSE(store.find("merge", "k1"));
  store.save("merge", "k1", {{"answer", 42}});
  ASSERT_TRUE(store.find("merge", "k1"));
  EXPECT_EQ(store.find("merge", "k1")->at("answer"), 42);
  EXPECT_FALSE(store.find("merge", "k2"));
  EXPECT_FALSE(store.find("tune", "k1"));
}

TEST_F(StageStoreTest, SecondsAreOfAllStagesThatCount) {
  double first = 0;
  {
    StageStore store(folder_);
    store.save("tune", "k", {{"a", 1}}, {}, 100);  // stopped and gone on: more than this process saw
    store.save("merge", "k", {{"a", 1}});
    first = store.seconds();
    EXPECT_GE(first, 100);
    EXPECT_LT(first, 110);
  }
  StageStore again(folder_);
  EXPECT_EQ(again.seconds(), 0);
  EXPECT_TRUE(again.find("tune", "k"));
  EXPECT_TRUE(again.find("merge", "k"));
  EXPECT_TRUE(again.find("merge", "k"));  // counts once
  EXPECT_DOUBLE_EQ(again.seconds(), first);
}

TEST_F(StageStoreTest, ArtifactsMustBeIntact) {
  StageStore store(folder_);
  fs::create_directories(folder_ / "adapter");
  write_file(folder_ / "adapter" / "a.bin", "weights");
  write_file(folder_ / "m.gguf", "model");
  store.save("tune", "k", {}, {"adapter", "m.gguf"});
  EXPECT_TRUE(store.find("tune", "k"));
  write_file(folder_ / "adapter" / "a.bin", "weightz");
  EXPECT_FALSE(store.find("tune", "k"));
  write_file(folder_ / "adapter" / "a.bin", "weights");
  EXPECT_TRUE(store.find("tune", "k"));
  write_file(folder_ / "adapter" / "b.bin", "");  // a file more
  EXPECT_FALSE(store.find("tune", "k"));
  fs::remove(folder_ / "adapter" / "b.bin");
  fs::remove(folder_ / "m.gguf");
  EXPECT_FALSE(store.find("tune", "k"));
}

TEST_F(StageStoreTest, DamagedRecordsAreNoRecords) {
  StageStore store(folder_);
  for (const char* text :
       {"", "{", "[]", "{\"key\": 3}", "{\"key\": \"k\"}", "{\"key\": \"k\", \"artifacts\": [1]}"}) {
    write_file(folder_ / "stages" / "x.json", text);
    EXPECT_FALSE(store.find("x", "k")) << text;
  }
}

TEST_F(StageStoreTest, OneRunAtATime) {
  {
    const StageStore first(folder_);
    try {
      const StageStore second(folder_);
      FAIL() << "two locks";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("another hone run"), std::string::npos) << error.what();
    }
  }
  const StageStore again(folder_);
}

}  // namespace
}  // namespace hone
