#include <gtest/gtest.h>

#include <cmath>

#include "inspect/diff.h"
#include "inspect/roles.h"
#include "io/gguf.h"
#include "io/memory_source.h"
#include "io/safetensors.h"
#include "models/import_test_support.h"

namespace hone {
namespace {
namespace fs = std::filesystem;

std::vector<float> ramp(size_t n, float step) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = step * static_cast<float>(i % 7) - 1;
  return values;
}

void write(const fs::path& path, const std::string& arch, std::vector<MemoryTensor> tensors) {
  Metadata metadata;
  metadata.set_string("general.architecture", arch);
  MemorySource source(metadata, std::move(tensors));
  write_gguf(path, source);
}

TEST(Roles, OfEveryNaming) {
  EXPECT_EQ(role_of("llama", "blk.12.attn_q.weight"), "attn_q");
  EXPECT_EQ(role_of("llama", "blk.12.ffn_down.weight.lora_b"), "ffn_down");
  EXPECT_EQ(role_of("", "model.layers.3.mlp.up_proj.weight"), "ffn_up");
  EXPECT_EQ(role_of("", "base_model.model.model.layers.3.self_attn.k_proj.lora_A.weight"), "attn_k");
  EXPECT_EQ(role_of("gizmo", "blk.0.attn_q.weight"), "other");
  EXPECT_EQ(adapter_matrix("blk.0.attn_q.weight.lora_a"), 'a');
  EXPECT_EQ(adapter_matrix("x.lora_B.weight"), 'b');
  EXPECT_EQ(adapter_matrix("blk.0.attn_q.weight"), 0);
}

TEST(Contents, OfAFolder) {
  const auto contents = open_contents(golden("tiny-tied").string());
  EXPECT_EQ(contents->container, "Hugging Face folder");
  EXPECT_EQ(contents->kind, "model");
  EXPECT_TRUE(contents->runnable);
  EXPECT_GT(contents->context_length, 0u);
  for (const TensorEntry& tensor : contents->tensors) EXPECT_NE(tensor.role, "other") << tensor.name;
}

TEST(Contents, OfAnUnknownArchitecture) {
  const TestFolder scratch;
  write(scratch / "gizmo.gguf", "gizmo",
        {make_tensor("some.weight", {32, 2}, format_named("q8_0"), ramp(64, 1))});
  const auto contents = open_contents((scratch / "gizmo.gguf").string());
  EXPECT_FALSE(contents->runnable);
  EXPECT_EQ(contents->tensors.at(0).role, "other");
  EXPECT_EQ(contents->tensors.at(0).n_bytes, 68u);
}

TEST(Contents, OfAPeftFolder) {
  const TestFolder scratch;
  const std::vector<float> values = ramp(64, 0.5f);
  const std::string name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
  fs::create_directories(scratch / "peft");
  write_safetensors(scratch / "peft/adapter_model.safetensors",
                    {{name, "F32", {4, 16}, std::as_bytes(std::span(values))}}, {{"format", "pt"}});
  write_file(scratch / "peft/adapter_config.json",
             R"({"r": 4, "lora_alpha": 8.5, "a": {"b": null}, "t": ["q", "k"]})");
  const auto contents = open_contents(scratch.path().string());
  EXPECT_EQ(contents->kind, "adapter");
  EXPECT_EQ(contents->ranks, std::set<uint64_t>{4});
  EXPECT_EQ(contents->metadata.integer("r"), 4u);
  EXPECT_EQ(contents->metadata.number("lora_alpha"), 8.5);
  EXPECT_EQ(contents->metadata.string("a.b"), "null");
  EXPECT_EQ(contents->metadata.strings("t").size(), 2u);
  EXPECT_EQ(contents->tensors.at(0).shape, (std::vector<uint64_t>{16, 4}));
}

TEST(Diff, ValuesShapesAndNames) {
  const TestFolder scratch;
  const Format &f32 = format_named("f32"), &f16 = format_named("f16");
  const std::vector<float> values = ramp(64, 0.5f);
  std::vector<float> changed = values;
  changed[0] += 3;
  double squares = 0;
  for (const float v : values) squares += v * v;
  write(scratch / "a.gguf", "gizmo",
        {make_tensor("same", {32, 2}, f32, values), make_tensor("changed", {32, 2}, f32, values),
         make_tensor("shape", {64}, f32, values), make_tensor("format", {64}, f32, values),
         make_tensor("zero", {64}, f32, std::vector<float>(64)), make_tensor("mine", {64}, f32, values)});
  write(scratch / "b.gguf", "other",
        {make_tensor("changed", {32, 2}, f32, changed), make_tensor("same", {32, 2}, f32, values),
         make_tensor("shape", {32, 2}, f32, values), make_tensor("format", {64}, f16, values),
         make_tensor("zero", {64}, f32, values), make_tensor("yours", {64}, f32, values)});
  const auto a = open_contents((scratch / "a.gguf").string()),
             b = open_contents((scratch / "b.gguf").string());
  const Diff diff = compare(*a, *b);
  EXPECT_FALSE(diff.identical());
  ASSERT_EQ(diff.metadata.size(), 1u);
  EXPECT_EQ(diff.metadata[0].key, "general.architecture");
  ASSERT_EQ(diff.only_a.size(), 1u);
  EXPECT_EQ(a->tensors[diff.only_a[0]].name, "mine");
  ASSERT_EQ(diff.only_b.size(), 1u);
  EXPECT_EQ(b->tensors[diff.only_b[0]].name, "yours");
  ASSERT_EQ(diff.tensors.size(), 5u);
  const auto of = [&](const char* name) {
    for (const TensorDifference& each : diff.tensors)
      if (a->tensors[each.a].name == name) return each;
    return TensorDifference{};
  };
  EXPECT_TRUE(of("same").identical);
  EXPECT_NEAR(of("changed").relative_rms, 3 / std::sqrt(squares), 1e-6);
  EXPECT_NEAR(of("changed").largest, 3, 1e-6);
  EXPECT_FALSE(of("shape").compared);
  EXPECT_TRUE(of("format").compared);
  EXPECT_FALSE(of("format").identical);
  EXPECT_EQ(of("format").relative_rms, 0);  // halves hold these values exactly
  EXPECT_TRUE(std::isinf(of("zero").relative_rms));
  // What cannot be compared or is infinite stands first, what is identical last.
  EXPECT_EQ(a->tensors[diff.tensors[2].a].name, "changed");
  EXPECT_EQ(a->tensors[diff.tensors[4].a].name, "same");
  EXPECT_TRUE(compare(*a, *a).identical());
}

TEST(Contents, HashesWhatIsThere) {
  const TestFolder scratch;
  const Format& f32 = format_named("f32");
  write(scratch / "a.gguf", "gizmo",
        {make_tensor("w", {8}, f32, ramp(8, 1)), make_tensor("v", {8}, f32, ramp(8, 2))});
  write(scratch / "b.gguf", "gizmo",
        {make_tensor("v", {8}, f32, ramp(8, 2)), make_tensor("w", {8}, f32, ramp(8, 1))});
  write(scratch / "c.gguf", "gizmo",
        {make_tensor("v", {8}, f32, ramp(8, 2)), make_tensor("w", {8}, f32, ramp(8, 3))});
  const auto hash = [&](const char* name) { return open_contents((scratch / name).string())->hash(); };
  EXPECT_EQ(hash("a.gguf"), hash("b.gguf"));  // the order in the file is not the contents
  EXPECT_NE(hash("a.gguf"), hash("c.gguf"));
}

}  // namespace
}  // namespace hone
