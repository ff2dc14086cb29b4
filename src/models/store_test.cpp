#include "models/store.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "models/convert.h"
#include "models/hf_source.h"
#include "models/import_test_support.h"
#include "models/model.h"

namespace hone {
namespace {
namespace fs = std::filesystem;

class Store : public ::testing::Test {
 protected:
  Store() { ::setenv("HONE_HOME", scratch_.path().c_str(), 1); }
  ~Store() override { ::unsetenv("HONE_HOME"); }
  // A GGUF file outside the store.
  fs::path gguf() {
    HfSource source(golden("tiny-tied"));
    convert_to_gguf(source, scratch_ / "outside.gguf", "f32");
    return scratch_ / "outside.gguf";
  }
  TestFolder scratch_;
};

TEST_F(Store, KeepsFilesAndFolders) {
  EXPECT_TRUE(stored_models().empty());
  EXPECT_EQ(pull_file(gguf(), "tiny"), model_store() / "tiny.gguf");
  EXPECT_EQ(pull_file(golden("tiny-untied"), ""), model_store() / "tiny-untied");
  const std::vector<StoredModel> models = stored_models();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "tiny");
  EXPECT_FALSE(models[0].is_folder);
  EXPECT_EQ(models[0].bytes, fs::file_size(gguf()));
  EXPECT_EQ(models[1].name, "tiny-untied");
  EXPECT_TRUE(models[1].is_folder);
  OpenedModel file = open_model("tiny");
  EXPECT_EQ(file.path, model_store() / "tiny.gguf");
  EXPECT_EQ(file.tokenizer.tokens.size(), 288u);
  EXPECT_NE(file.chat_template.find("im_start"), std::string::npos);
  OpenedModel folder = open_model("tiny-untied");
  EXPECT_TRUE(folder.source->find("output.weight"));
  // Again: replaced, nothing half-written beside it.
  pull_file(gguf(), "tiny");
  pull_file(golden("tiny-untied"), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(model_store()), fs::directory_iterator()), 2);
}

TEST_F(Store, OpensPaths) {
  EXPECT_EQ(open_model(gguf().string()).tokenizer.eos, 2);
  EXPECT_EQ(open_model(golden("tiny-tied").string()).tokenizer.eos, 2);
}

TEST_F(Store, SaysWhatItHolds) {
  expect_error(ErrorCode::kNotFound, {"nothere", "is empty", "hone pull"}, [] { open_model("nothere"); });
  pull_file(gguf(), "tiny");
  expect_error(ErrorCode::kNotFound, {"nothere", "holds: tiny"}, [] { open_model("nothere"); });
  expect_error(ErrorCode::kInvalidArgument, {"empty name"}, [] { open_model(""); });
  expect_error(ErrorCode::kNotFound, {"../models/tiny"}, [] { open_model("../models/tiny"); });
}

TEST_F(Store, NothingBrokenGetsIn) {
  write_file(scratch_ / "bad.gguf", "not a model");
  EXPECT_THROW(pull_file(scratch_ / "bad.gguf", "bad"), Error);
  expect_error(ErrorCode::kNotFound, {"missing.gguf"}, [&] { pull_file(scratch_ / "missing.gguf", ""); });
  EXPECT_TRUE(stored_models().empty());
  pull_file(gguf(), "tiny");
  expect_error(ErrorCode::kInvalidArgument, {"tiny", "taken"},
               [] { pull_file(golden("tiny-tied"), "tiny"); });
}

TEST_F(Store, NamesArePlain) {
  EXPECT_EQ(store_name("SmolLM2-135M.Q4_1.gguf"), "SmolLM2-135M.Q4_1");
  EXPECT_EQ(store_name("../../etc/passwd"), "etc-passwd");
  EXPECT_EQ(store_name("a b/c"), "a-b-c");
  EXPECT_EQ(store_name(std::string(500, 'x')).size(), 100u);
  expect_error(ErrorCode::kInvalidArgument, {"model name"}, [] { store_name(".."); });
}

TEST(Fingerprint, ChangesWithOneBit) {
  const TestFolder scratch;
  HfSource source(golden("tiny-tied"));
  const std::string before = weights_fingerprint(source);
  EXPECT_EQ(before.size(), 32u);
  EXPECT_EQ(before, weights_fingerprint(source));
  const fs::path folder = scratch.copy_of(golden("tiny-tied"));
  std::string bytes = read_file(folder / "model.safetensors");
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
  write_file(folder / "model.safetensors", bytes);
  HfSource changed(folder);
  EXPECT_NE(before, weights_fingerprint(changed));
}

}  // namespace
}  // namespace hone
