// The n-th allocation fails, for n over the whole of loading, generating, quantizing, tuning and merging.
// Each time either the work is done all the same, or std::bad_alloc or hone::Error comes out; nothing
// half-written is left, an earlier result is as it was, and the same work then succeeds.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "allocations.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "base/progress.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "io/gguf.h"
#include "models/convert.h"
#include "models/hf_source.h"
#include "pipeline/loaded_model.h"
#include "quantize/mix_list.h"
#include "quantize/quantize.h"
#include "runtime/generate.h"
#include "tune/merge.h"
#include "tune/testing.h"
#include "tune/trainer.h"

namespace hone::hardening {
namespace {

namespace fs = std::filesystem;

// Destroying a JSON value allocates, where nothing may be thrown (nlohmann's json_value::destroy): where JSON
// is read or written, only what is larger than its values here fails. The program itself ends with one line
// then (apps/hone/main.cpp).
constexpr size_t kBeyondJson = 1024, kBeyondRows = 96;

class OutOfMemory : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_thread_count(2);
    Progress::set_quiet(true);
    folder_ = std::make_unique<TestFolder>();
    HfSource source(fs::path(HONE_TEST_DATA) / "data" / "stories260K");
    convert_to_gguf(source, model_path(), "f16",
                    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}");
    std::ofstream(folder_->path() / "chats.jsonl")
        << R"({"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "A big dog."}]})"
        << "\n";
    tune(folder_->path() / "adapter");
  }
  static void TearDownTestSuite() {
    folder_.reset();
    set_thread_count(0);
  }

  static fs::path model_path() { return folder_->path() / "model.gguf"; }
  static fs::path output() { return folder_->path() / "output"; }
  static void tune(const fs::path& to) {
    LoadedModel loaded(model_path().string());
    const Dataset data = load_dataset(folder_->path() / "chats.jsonl", loaded.codec(), 64);
    TrainConfig config;
    config.adapter.rank = 2;
    config.steps = 1;
    config.max_length = 64;
    config.restart = true;
    train(loaded.model(), {.train = data}, {.name = "m", .fingerprint = ""}, config, to);
  }

  // Files below the output folder, by content; what is written under a passing name must not be among them.
  // The state of a stopped tuning run may.
  static std::map<std::string, std::string> left() {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(output()))
      if (entry.is_regular_file() && entry.path().filename() != "resume.safetensors")
        files[entry.path().lexically_relative(output()).string()] = read_file(entry.path());
    return files;
  }
  static bool unchanged(const std::map<std::string, std::string>& earlier, const std::string& when);

  // About `points` moments over all allocations of the work of at least `smallest` bytes, the first ones
  // closely.
  template <typename Work>
  void sweep(size_t points, size_t smallest, const Work& work);

  static std::unique_ptr<TestFolder> folder_;
};
std::unique_ptr<TestFolder> OutOfMemory::folder_;

// What came out of the work; empty when it succeeded.
template <typename Work>
std::string outcome(const Work& work) {
  try {
    work();
    return "";
  } catch (const std::bad_alloc&) {
    return "bad_alloc";
  } catch (const Error& error) {
    return error.code() == ErrorCode::kResourceExhausted || error.code() == ErrorCode::kIo
               ? "error"
               : fmt::format("unexpected: {}", error.what());
  } catch (const std::exception& error) {
    return fmt::format("unexpected: {}: {}", typeid(error).name(), error.what());
  }
}

bool OutOfMemory::unchanged(const std::map<std::string, std::string>& earlier, const std::string& when) {
  const std::map<std::string, std::string> now = left();
  for (const auto& [name, bytes] : now)
    if (!earlier.contains(name)) ADD_FAILURE() << when << ": left " << name;
  for (const auto& [name, bytes] : earlier)
    if (!now.contains(name) || now.at(name) != bytes) ADD_FAILURE() << when << ": changed " << name;
  return now == earlier;
}

template <typename Work>
void OutOfMemory::sweep(size_t points, size_t smallest, const Work& work) {
  fs::create_directories(output());
  work();  // what is made once is made
  const std::map<std::string, std::string> earlier = left();
  count_allocations(smallest);
  work();
  const uint64_t total = allocation_count();
  size_t failures = 0;
  uint64_t n = 1;
  for (size_t i = 0; n <= total; ++i, n = std::max<uint64_t>(n + 1, i < 20 ? n + 1 : n + total / points)) {
    for (const bool all_after : {false, true}) {
      fail_allocation(n, all_after, smallest);
      const std::string came = outcome([&] {
        struct Stop {  // before the exception is looked at: the program has memory for its last words
          ~Stop() { stop_failing(); }
        } stop;
        work();
      });
      const bool failed = stop_failing();
      ASSERT_FALSE(came.starts_with("unexpected")) << "allocation " << n << " of " << total << ": " << came;
      if (!failed) continue;  // threads share the count: it may have been one less this time
      if (!came.empty()) ++failures;
      ASSERT_TRUE(unchanged(earlier, fmt::format("allocation {} of {}: {}", n, total, came)));
    }
  }
  EXPECT_GT(failures, std::min<size_t>(points, total) / 2) << "of " << total << " allocations";
  EXPECT_EQ(outcome(work), "");
  RecordProperty("allocations", std::to_string(total));
  RecordProperty("failures", std::to_string(failures));
}

TEST_F(OutOfMemory, CopyingMetadata) {
  const std::vector<MetaArray> arrays = {
      {MetaType::kU32, std::vector<uint64_t>(100, 1)},
      {MetaType::kI64, std::vector<int64_t>(100, -1)},
      {MetaType::kF64, std::vector<double>(100, 0.5)},
      {MetaType::kString, std::vector<std::string>(20, std::string(50, 'x'))},
  };
  for (const MetaArray& array : arrays) {
    SCOPED_TRACE(meta_type_name(array.element));
    const MetaValue value{MetaType::kArray, array};
    sweep(30, 0, [&] {
      MetaValue copy = value;
      const MetaArray& copied = std::get<MetaArray>(copy.value);
      if (copied.values != array.values) fail(ErrorCode::kInternal, "the copy differs");
      copy = {MetaType::kArray, arrays.front()};  // of another kind and back
      copy = value;
    });
  }
}

TEST_F(OutOfMemory, Loading) {
  sweep(120, 0, [] { LoadedModel(model_path().string()); });
}

TEST_F(OutOfMemory, LoadingAnAdapter) {
  LoadedModel loaded(model_path().string());
  sweep(120, kBeyondJson, [&] { load_adapter(loaded.model(), folder_->path() / "adapter", {}); });
}

TEST_F(OutOfMemory, Generating) {
  const LoadedModel loaded(model_path().string());
  const auto prompt = encode_prompt(loaded.codec(), nlohmann::ordered_json::parse(R"([{"role": "user",
      "content": "Once upon"}])"));
  GenerateOptions options;
  options.max_tokens = 8;
  sweep(48, 0, [&] { generate(loaded.model(), loaded.tokenizer(), prompt, options); });
}

TEST_F(OutOfMemory, Quantizing) {
  GgufFile file(model_path());
  sweep(120, 0, [&] { quantize_file(file, output() / "q.gguf", {.target = &mix_named("q8_0")}); });
}

TEST_F(OutOfMemory, Tuning) {
  sweep(24, kBeyondJson, [] { tune(output() / "adapter"); });
}

TEST_F(OutOfMemory, Merging) {
  GgufFile file(model_path());
  const AdapterChoice adapter{.path = folder_->path() / "adapter"};
  sweep(24, kBeyondJson, [&] { merge(file, "", std::span(&adapter, 1), output() / "m.gguf", {}); });
}

TEST_F(OutOfMemory, ReadingChats) {
  const LoadedModel loaded(model_path().string());
  sweep(120, kBeyondRows, [&] { load_dataset(folder_->path() / "chats.jsonl", loaded.codec(), 64); });
}

}  // namespace
}  // namespace hone::hardening
