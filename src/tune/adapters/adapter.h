// Adapter kinds as data: one file per kind, one row in adapter_list.cpp. Trainer, files, merge, help and
// planner read the rows; nothing outside this folder knows a kind by name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "nn/linear.h"

namespace hone {

// What the user chooses about an adapter.
struct AdapterSettings {
  std::string kind = "lora";
  size_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  bool rslora = false;                    // scaling alpha / sqrt(rank) (Kalajdzievski 2023)
  std::vector<std::string> targets = {};  // empty or {"all-linear"}: every linear layer of the blocks
  uint64_t seed = 42;
};

// alpha / r, or alpha / sqrt(r) with rslora.
double adapter_scaling(const AdapterSettings& settings);

// Shared by all adapters of a model and set by the trainer before each micro-batch. Whether dropout applies
// cannot be read off the tape: a checkpointed block runs without one at first.
struct AdapterPhase {
  bool training = false;
  uint64_t micro_batch = 0;
};

// One tensor of an adapter in files, in the order of LinearAdapter::parameters().
struct AdapterTensorKey {
  std::string_view peft;     // after the module's name: "lora_A.weight"
  std::string_view gguf;     // after the tensor's name: "lora_a"; empty: has no GGUF form
  bool output_rows = false;  // its rows follow the layer's outputs, and are reordered with them
};

struct AdapterKind {
  std::string_view name;
  std::string_view summary;
  std::string_view peft_type;
  std::span<const AdapterTensorKey> keys;
  // Throws kInvalidArgument naming the setting, its value and its range.
  void (*validate)(const AdapterSettings& settings);
  // A fresh adapter that changes nothing yet; draws its start from rng.
  std::shared_ptr<LinearAdapter> (*create)(const Linear& linear, const AdapterSettings& settings,
                                           std::shared_ptr<const AdapterPhase> phase, Rng& rng);
};

std::span<const AdapterKind* const> all_adapter_kinds() noexcept;
// Throws kInvalidArgument naming the known kinds.
const AdapterKind& adapter_kind_named(std::string_view name);
// nullptr when no kind has this peft_type.
const AdapterKind* adapter_kind_of_peft(std::string_view peft_type) noexcept;

}  // namespace hone
