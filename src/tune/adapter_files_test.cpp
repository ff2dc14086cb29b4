// Adapters to files and back, and files that should not load.
#include "tune/adapter_files.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "io/gguf.h"
#include "io/safetensors.h"
#include "tune/testing.h"

namespace hone {
namespace {

using nlohmann::json;

struct Saved {
  explicit Saved(AdapterSettings s = {.rank = 4, .alpha = 8})
      : source(testing::tiny_llama()), model(source), settings(std::move(s)) {
    AdapterSet set = AdapterSet::create(model, settings);
    testing::randomize(set.parameters(), 0.2, 3);
    values = set.snapshot();
    save_peft(set, papers, folder.path() / "peft");
    save_adapter_gguf(set, papers, folder.path() / "adapter.gguf");
    set.detach();
  }
  std::filesystem::path peft() const { return folder.path() / "peft"; }
  json config() const { return json::parse(read_file(peft() / "adapter_config.json")); }
  void set_config(const char* key, const json& value) const {
    json changed = config();
    changed[key] = value;
    write_file(peft() / "adapter_config.json", changed.dump());
  }
  // Loading fails with this code, and the message names this.
  void refused(ErrorCode code, const std::string& part, const LoadAdapterOptions& options = {}) {
    try {
      load_adapter(model, peft(), options);
      ADD_FAILURE() << "loaded, expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
  TestFolder folder;
  MemorySource source;
  Model model;
  AdapterSettings settings;
  AdapterPapers papers{.base_name = "tiny", .base_fingerprint = "abc", .training = {{"lr", 0.1}}};
  std::vector<Tensor> values;
};

void expect_values(const std::vector<Tensor>& expected, const AdapterSet& set) {
  const std::vector<Tensor> got = set.snapshot();
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(std::memcmp(got[i].data(), expected[i].data(), got[i].size() * sizeof(float)), 0) << i;
}

TEST(AdapterFiles, PeftFolderComesBackBitForBit) {
  Saved saved;
  // The folder that training writes is accepted too, not only peft/ in it.
  for (const auto& path : {saved.peft(), saved.folder.path()}) {
    const LoadedAdapter loaded = load_adapter(saved.model, path, {.fingerprint = "abc"});
    expect_values(saved.values, loaded.adapters);
    EXPECT_EQ(loaded.adapters.settings().rank, 4u);
    EXPECT_EQ(loaded.adapters.settings().alpha, 8);
    EXPECT_EQ(loaded.papers.base_fingerprint, "abc");
    EXPECT_TRUE(loaded.notes.empty());
  }
}

TEST(AdapterFiles, GgufComesBackBitForBit) {
  for (const bool rslora : {false, true}) {
    Saved saved({.rank = 4, .alpha = 8, .rslora = rslora});
    const LoadedAdapter loaded =
        load_adapter(saved.model, saved.folder.path() / "adapter.gguf", {.fingerprint = "abc"});
    expect_values(saved.values, loaded.adapters);
    EXPECT_NEAR(adapter_scaling(loaded.adapters.settings()), rslora ? 4.0 : 2.0, 1e-6);
    GgufFile file(saved.folder.path() / "adapter.gguf");
    EXPECT_EQ(file.metadata().string("general.type"), "adapter");
    EXPECT_EQ(file.metadata().string("general.architecture"), "llama");
    EXPECT_EQ(file.metadata().string("adapter.type"), "lora");
    EXPECT_FLOAT_EQ(static_cast<float>(file.metadata().number("adapter.lora.alpha")), rslora ? 16.0f : 8.0f);
    const auto a = file.find("blk.0.ffn_down.weight.lora_a");
    ASSERT_TRUE(a);
    EXPECT_EQ(file.tensors()[*a].shape, (std::vector<uint64_t>{96, 4}));
    EXPECT_EQ(file.tensors()[*file.find("blk.0.ffn_down.weight.lora_b")].shape,
              (std::vector<uint64_t>{4, 64}));
  }
}

TEST(AdapterFiles, PeftHasItsNamesAndRowOrder) {
  Saved saved;
  const SafetensorsFile file(saved.peft() / "adapter_model.safetensors");
  EXPECT_EQ(file.tensors().size(), 28u);
  const SafeTensor* b = file.find("base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->shape, (std::vector<uint64_t>{64, 4}));
  // Head of 16: GGUF row 1 is Hugging Face's row 8 (the second half's first).
  const Tensor& q = saved.values[15];  // layer 1, attn_q, B
  EXPECT_EQ(std::memcmp(b->data.data() + 8 * 16, q.row(1), 16), 0);
  EXPECT_EQ(std::memcmp(b->data.data() + 1 * 16, q.row(2), 16), 0);
  const json config = saved.config();
  EXPECT_EQ(config.at("peft_type"), "LORA");
  EXPECT_EQ(config.at("task_type"), "CAUSAL_LM");
  EXPECT_EQ(config.at("r"), 4);
  EXPECT_EQ(config.at("lora_alpha"), 8);
  EXPECT_EQ(config.at("target_modules").size(), 7u);
  EXPECT_EQ(config.at("inference_mode"), true);
}

TEST(AdapterFiles, TargetsMayBeNamedEitherWay) {
  Saved saved({.rank = 2, .alpha = 4, .targets = {"attn_q", "v_proj"}});
  EXPECT_EQ(saved.config().at("target_modules"), json({"q_proj", "v_proj"}));
  const LoadedAdapter loaded = load_adapter(saved.model, saved.peft(), {});
  EXPECT_EQ(loaded.adapters.entries().size(), 4u);
  EXPECT_THROW(AdapterSet::create(saved.model, {.targets = {"query_key_value"}}), Error);
  EXPECT_THROW(AdapterSet::create(saved.model, {.targets = {"q_proj", "attn_q"}}), Error);
}

TEST(AdapterFiles, OtherWeightsAreRefusedUnlessAskedFor) {
  Saved saved;
  saved.refused(ErrorCode::kInvalidArgument, "base", {.fingerprint = "def"});
  const LoadedAdapter loaded =
      load_adapter(saved.model, saved.peft(), {.fingerprint = "def", .ignore_base = true});
  EXPECT_EQ(loaded.notes.size(), 1u);
}

TEST(AdapterFiles, ForeignAdaptersLoadWithANote) {
  Saved saved;
  std::filesystem::remove(saved.peft() / "hone_adapter.json");
  const LoadedAdapter loaded = load_adapter(saved.model, saved.peft(), {.fingerprint = "def"});
  EXPECT_EQ(loaded.notes.size(), 1u);
  expect_values(saved.values, loaded.adapters);
}

// Alpha of one layer, 2 of the other down projections, 8 of the rest.
void expect_alphas(const AdapterSet& adapters, std::string_view one, double alpha) {
  for (const AdapterSet::Entry& entry : adapters.entries()) {
    const std::string& name = entry.linear->name();
    EXPECT_EQ(entry.alpha, name == one ? alpha : name.ends_with("ffn_down.weight") ? 2 : 8) << name;
  }
}

TEST(AdapterFiles, PatternsRuleOverRankAndAlpha) {
  Saved saved;
  saved.set_config("alpha_pattern", {{"layers.1.self_attn.q_proj", 32}, {"down_proj", 2}});
  const LoadedAdapter loaded = load_adapter(saved.model, saved.peft(), {});
  expect_alphas(loaded.adapters, "blk.1.attn_q.weight", 32);
  // Saved again, the pattern is kept; and the GGUF form carries the scaling in B.
  save_peft(loaded.adapters, loaded.papers, saved.folder.path() / "again");
  const LoadedAdapter again = load_adapter(saved.model, saved.folder.path() / "again", {});
  EXPECT_EQ(again.adapters.entries()[7].alpha, 32);
  save_adapter_gguf(again.adapters, again.papers, saved.folder.path() / "again.gguf");
  const LoadedAdapter gguf = load_adapter(saved.model, saved.folder.path() / "again.gguf", {});
  const Tensor& b = gguf.adapters.entries()[7].adapter->parameters()[1]->value;
  EXPECT_FLOAT_EQ(b.data()[0], saved.values[15].data()[0] * 4);
  saved.set_config("rank_pattern", {{"k_proj", 9}});
  saved.refused(ErrorCode::kCorruption,
                "rank of model.layers.0.self_attn.k_proj: got tensors of rank 4, expected 9");
  saved.set_config("rank_pattern", {{"(a*)*b", 9}});
  saved.refused(ErrorCode::kNotSupported, "(a*)*b");
}

// PEFT takes the file's first pattern that matches.
TEST(AdapterFiles, TheFirstOfSeveralPatternsCounts) {
  Saved saved;
  std::string text = read_file(saved.peft() / "adapter_config.json");
  const std::string_view none = "\"alpha_pattern\": {}";
  const size_t at = text.find(none);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, none.size(), R"("alpha_pattern": {"model.layers.0.mlp.down_proj": 64, "down_proj": 2})");
  write_file(saved.peft() / "adapter_config.json", text);
  const LoadedAdapter loaded = load_adapter(saved.model, saved.peft(), {});
  expect_alphas(loaded.adapters, "blk.0.ffn_down.weight", 64);
}

// Of some layers only: what is saved must load again.
TEST(AdapterFiles, AdaptersOfSomeLayersComeBack) {
  Saved saved;
  saved.set_config("layers_to_transform", {1});
  const std::filesystem::path weights = saved.peft() / "adapter_model.safetensors";
  {
    const SafetensorsFile file(weights);
    std::vector<SafeTensor> kept;
    for (const SafeTensor& tensor : file.tensors())
      if (tensor.name.find("layers.1.") != std::string::npos) kept.push_back(tensor);
    write_safetensors(saved.folder.path() / "some", kept, {{"format", "pt"}});
  }
  std::filesystem::rename(saved.folder.path() / "some", weights);
  const LoadedAdapter loaded = load_adapter(saved.model, saved.peft(), {});
  EXPECT_EQ(loaded.adapters.entries().size(), 7u);
  const std::filesystem::path again = saved.folder.path() / "again";
  save_peft(loaded.adapters, loaded.papers, again);
  const json config = json::parse(read_file(again / "adapter_config.json"));
  EXPECT_EQ(config.at("target_modules").size(), 7u);
  EXPECT_EQ(config.at("target_modules")[0], "model.layers.1.mlp.down_proj");
  EXPECT_EQ(load_adapter(saved.model, again, {}).adapters.entries().size(), 7u);
}

TEST(AdapterFiles, TargetModulesAsTextAreTakenFromTheTensors) {
  Saved saved;
  saved.set_config("target_modules", "all-linear");
  EXPECT_EQ(load_adapter(saved.model, saved.peft(), {}).adapters.entries().size(), 14u);
  saved.set_config("target_modules", ".*(q|k)_proj");
  EXPECT_EQ(load_adapter(saved.model, saved.peft(), {}).adapters.entries().size(), 14u);
}

TEST(AdapterFiles, WhatIsNotSupportedIsRefusedWithTheReason) {
  struct Case {
    const char* key;
    json value;
    ErrorCode code;
    const char* part;
  };
  const Case cases[] = {
      {"peft_type", "IA3", ErrorCode::kNotSupported, "IA3"},
      {"peft_type", "ADALORA", ErrorCode::kNotSupported, "ADALORA"},
      {"peft_type", 3, ErrorCode::kCorruption, "type"},
      {"use_dora", true, ErrorCode::kNotSupported, "use_dora"},
      {"modules_to_save", {"lm_head"}, ErrorCode::kNotSupported, "modules_to_save"},
      {"bias", "all", ErrorCode::kNotSupported, "bias"},
      {"init_lora_weights", "pissa", ErrorCode::kNotSupported, "changes the base"},
      {"init_lora_weights", "pissa_niter_16", ErrorCode::kNotSupported, "pissa_niter_16"},
      {"init_lora_weights", "olora", ErrorCode::kNotSupported, "olora"},
      {"fan_in_fan_out", true, ErrorCode::kNotSupported, "fan_in_fan_out"},
      {"task_type", "SEQ_CLS", ErrorCode::kNotSupported, "task_type"},
      {"r", 5, ErrorCode::kCorruption, "rank"},
      {"r", -1, ErrorCode::kCorruption, "r: got -1"},
      {"r", "x", ErrorCode::kCorruption, "type"},
      {"lora_alpha", 0, ErrorCode::kInvalidArgument, "alpha"},
  };
  for (const Case& c : cases) {
    Saved saved;
    saved.set_config(c.key, c.value);
    saved.refused(c.code, c.part);
    EXPECT_EQ(AdapterSet(saved.model, {}).entries().size(), 0u);
  }
}

std::vector<SafeTensor> read_tensors(const SafetensorsFile& file) {
  return file.tensors();
}

TEST(AdapterFiles, OddTensorsAreNamed) {
  const auto with = [](const std::function<void(std::vector<SafeTensor>&)>& change, ErrorCode code,
                       const char* part) {
    Saved saved;
    const auto path = saved.peft() / "adapter_model.safetensors";
    const auto moved = saved.folder.path() / "moved.safetensors";
    std::filesystem::rename(path, moved);
    const SafetensorsFile file(moved);
    std::vector<SafeTensor> tensors = read_tensors(file);
    change(tensors);
    write_safetensors(path, tensors);
    saved.refused(code, part);
  };
  with([](auto& t) { t.erase(t.begin() + 1); }, ErrorCode::kCorruption, "missing");
  with([](auto& t) { t.erase(t.begin(), t.begin() + 2); }, ErrorCode::kCorruption, "target_modules");
  with([](auto& t) { t.clear(); }, ErrorCode::kCorruption, "tensor");
  with([](auto& t) { t[0].name = "base_model.model.lm_head.lora_A.weight"; }, ErrorCode::kNotSupported,
       "lm_head");
  with([](auto& t) { t[0].name = "base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight"; },
       ErrorCode::kNotSupported, "layers.9");
  with([](auto& t) { std::swap(t[0].shape[0], t[0].shape[1]); }, ErrorCode::kCorruption, "rank");
  with([](auto& t) { t[0].shape = {t[0].shape[0] * t[0].shape[1]}; }, ErrorCode::kCorruption, "dimensions");
  with([](auto& t) { t[0].dtype = "I32"; }, ErrorCode::kNotSupported, "I32");
}

TEST(AdapterFiles, ModelsAndMissingPathsAreNotAdapters) {
  Saved saved;
  EXPECT_THROW(load_adapter(saved.model, saved.folder.path() / "nowhere", {}), Error);
  std::filesystem::create_directories(saved.folder.path() / "empty");
  EXPECT_THROW(load_adapter(saved.model, saved.folder.path() / "empty", {}), Error);
  std::vector<TensorInfo> none;
  GgufWriter writer(saved.folder.path() / "model.gguf", saved.source.metadata(), none);
  writer.commit();
  EXPECT_THROW(load_adapter(saved.model, saved.folder.path() / "model.gguf", {}), Error);
}

}  // namespace
}  // namespace hone
