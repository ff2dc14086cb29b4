// What `--to` can name: the format that most matrices of a model get, and which get another.
#pragma once

#include <span>
#include <string_view>

#include "nn/linear.h"

namespace hone {

// Layers that a row of exceptions is for.
enum class Layers {
  kAll,
  kFirst2,
  kFirst4,
  kFirstSixteenth,
  kFirstEighth,
  kSensitive,    // the first and last eighth, and every third layer between
  kSharedHeads,  // all, when four or more query heads share a key/value head
};

struct MixRow {
  TensorRole role;
  Layers layers;
  FormatId format;
};

struct Mix {
  std::string_view name;  // "q4_k_m"; the format's own name where there is only one mix of it
  FormatId base;
  uint32_t file_type;  // GGUF general.file_type
  std::span<const MixRow> rows =
      {};  // the first that fits counts; kOutput: whatever projects to the vocabulary
};

std::span<const Mix> all_mixes() noexcept;
// nullptr when unknown. A format's name stands for its medium mix: q4_k for q4_k_m.
const Mix* find_mix(std::string_view name) noexcept;
// Throws kInvalidArgument naming the known mixes, or what require_written() throws.
const Mix& mix_named(std::string_view name);
// Throws kNotSupported when `name` is a format that is only read.
void require_written(std::string_view name, std::string_view where);

// Whether layer i of n is among `layers`.
bool among(Layers layers, size_t i, size_t n, size_t heads_per_kv) noexcept;

}  // namespace hone
