// Lookups in the architecture tables, and the one check of a source against its table. Knows no family by
// name.
#include "models/architecture.h"

#include <cmath>
#include <cstring>

#include "base/error.h"

namespace hone {
namespace {

constexpr std::string_view kLayerMark = "{}";

// Splits "blk.{}.x" around its mark; false when the pattern has none.
bool split_pattern(std::string_view pattern, std::string_view* before, std::string_view* after) {
  const size_t at = pattern.find(kLayerMark);
  if (at == std::string_view::npos) return false;
  *before = pattern.substr(0, at);
  *after = pattern.substr(at + kLayerMark.size());
  return true;
}

// Decimal without leading zeros, at most six digits.
bool parse_layer(std::string_view text, size_t* layer) {
  if (text.empty() || text.size() > 6 || (text.size() > 1 && text[0] == '0')) return false;
  size_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<size_t>(c - '0');
  }
  *layer = value;
  return true;
}

std::string fill(std::string_view pattern, size_t layer) {
  std::string_view before, after;
  if (!split_pattern(pattern, &before, &after)) return std::string(pattern);
  return fmt::format("{}{}{}", before, layer, after);
}

std::string shape_text(std::span<const uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::vector<uint64_t> expected_shape(const TensorRow& row, const ModelConfig& config) {
  std::vector<uint64_t> shape{resolve(row.cols, config)};
  if (row.rows != Dim::kNone) shape.push_back(resolve(row.rows, config));
  return shape;
}

// One tensor of the directory: known, in range, of the right shape, in a format that can hold it.
void check_tensor(const Architecture& arch, const ModelConfig& config, const WeightSource& source,
                  const TensorInfo& info) {
  size_t layer = 0;
  const TensorRow* row = find_row(arch, info.name, &layer);
  if (row == nullptr || (row->per_layer && layer >= config.n_layers))
    fail(ErrorCode::kNotSupported,
         "{}: tensor '{}': the architecture '{}' with {} layers has no such tensor in hone; the model is a "
         "variant "
         "that hone does not know",
         source.description(), info.name, arch.gguf_name, config.n_layers);
  const std::vector<uint64_t> expected = expected_shape(*row, config);
  if (info.shape != expected)
    fail(ErrorCode::kCorruption, "{}: tensor '{}': shape: got {}, expected {}", source.description(),
         info.name, shape_text(info.shape), shape_text(expected));
  if (info.shape[0] % info.format->block_elems != 0)
    fail(ErrorCode::kNotSupported, "{}: tensor '{}': {} columns are no multiple of {}'s block of {}",
         source.description(), info.name, info.shape[0], info.format->name, info.format->block_elems);
}

void check_tensors(const Architecture& arch, const ModelConfig& config, const WeightSource& source) {
  for (const TensorInfo& info : source.tensors()) check_tensor(arch, config, source, info);
  for (const TensorRow& row : arch.tensors) {
    if (!row.required) continue;
    const size_t n = row.per_layer ? config.n_layers : 1;
    for (size_t layer = 0; layer < n; ++layer) {
      const std::string name = gguf_name(row, layer);
      if (!source.find(name))
        fail(ErrorCode::kCorruption,
             "{}: tensor '{}': missing; the architecture '{}' with {} layers needs it", source.description(),
             name, arch.gguf_name, config.n_layers);
    }
  }
}

void refuse_split(const WeightSource& source) {
  const uint64_t n_parts = source.metadata().find_integer("split.count").value_or(1);
  if (n_parts <= 1) return;
  fail(ErrorCode::kNotSupported,
       "{}: one of {} parts of a model; hone reads whole files: join them with llama.cpp's llama-gguf-split "
       "--merge FIRST-PART WHOLE.gguf",
       source.description(), n_parts);
}

// Divisors of the rotary frequencies; empty when the source has no such tensor.
std::vector<float> read_factors(WeightSource& source, const char* name) {
  const std::optional<size_t> at = source.find(name);
  if (!at) return {};
  const TensorInfo& info = source.tensors()[*at];
  std::vector<float> factors(info.n_elements());  // its shape was checked against the config
  info.format->to_float(source.data(*at).data(), factors.data(), factors.size());
  source.release(*at);
  for (size_t i = 0; i < factors.size(); ++i)
    if (!std::isfinite(factors[i]) || factors[i] <= 0)
      fail(ErrorCode::kCorruption, "{}: tensor '{}': value {}: got {}, expected a finite number > 0",
           source.description(), name, i, factors[i]);
  return factors;
}

void read_rope_factors(WeightSource& source, ModelConfig& config) {
  if (config.short_context_length == 0) {
    config.rope_factors = read_factors(source, kRopeFreqs);
    return;
  }
  config.rope_factors = read_factors(source, kRopeShort);
  config.rope_long_factors = read_factors(source, kRopeLong);
  if (config.rope_factors.empty() || config.rope_long_factors.empty())
    fail(ErrorCode::kCorruption, "{}: tensors '{}' and '{}': got one or none, expected both for Long RoPE",
         source.description(), kRopeShort, kRopeLong);
}

}  // namespace

const Architecture& architecture_named(std::string_view gguf_name) {
  std::vector<std::string_view> known;
  for (const Architecture* arch : all_architectures()) {
    if (arch->gguf_name == gguf_name) return *arch;
    known.push_back(arch->gguf_name);
  }
  fail(ErrorCode::kNotSupported, "general.architecture: got '{}', hone supports: {}", gguf_name,
       fmt::join(known, ", "));
}

const Architecture& architecture_of_hf(std::string_view model_type) {
  std::vector<std::string_view> known;
  for (const Architecture* arch : all_architectures()) {
    for (const std::string_view type : {arch->hf_model_type, arch->hf_other_type}) {
      if (type.empty()) continue;
      if (type == model_type) return *arch;
      known.push_back(type);
    }
  }
  fail(ErrorCode::kNotSupported, "model_type: got '{}', hone supports: {}", model_type,
       fmt::join(known, ", "));
}

size_t resolve(Dim dim, const ModelConfig& config) {
  switch (dim) {
    case Dim::kNone:
      return 1;
    case Dim::kEmbd:
      return config.n_embd;
    case Dim::kVocab:
      return config.n_vocab;
    case Dim::kFf:
      return config.n_ff;
    case Dim::kQ:
      return config.n_heads * config.head_dim;
    case Dim::kKv:
      return config.n_kv_heads * config.head_dim;
    case Dim::kHead:
      return config.head_dim;
    case Dim::kQkv:
      return (config.n_heads + 2 * config.n_kv_heads) * config.head_dim;
    case Dim::kGateUp:
      return 2 * config.n_ff;
    case Dim::kRopePairs:
      return config.rope_dim / 2;
  }
  HONE_CHECK(false, "dim={}", static_cast<int>(dim));
  return 0;
}

const TensorRow* find_row(const Architecture& arch, std::string_view gguf_name, size_t* layer) {
  for (const TensorRow& row : arch.tensors) {
    if (!row.per_layer) {
      if (row.gguf == gguf_name) return &row;
      continue;
    }
    std::string_view before, after;
    if (!split_pattern(row.gguf, &before, &after)) continue;
    if (gguf_name.size() <= before.size() + after.size() || !gguf_name.starts_with(before) ||
        !gguf_name.ends_with(after))
      continue;
    size_t number = 0;
    const size_t digits = gguf_name.size() - before.size() - after.size();
    if (!parse_layer(gguf_name.substr(before.size(), digits), &number)) continue;
    if (layer != nullptr) *layer = number;
    return &row;
  }
  return nullptr;
}

std::string hf_name(const TensorRow& row, size_t layer) {
  return fill(row.hf, layer);
}
std::string gguf_name(const TensorRow& row, size_t layer) {
  return fill(row.gguf, layer);
}

ModelConfig read_config(WeightSource& source) {
  const Metadata& metadata = source.metadata();
  refuse_split(source);
  const std::optional<std::string> name = metadata.find_string("general.architecture");
  if (!name)
    fail(ErrorCode::kCorruption, "{}: general.architecture: missing; this is no model file",
         source.description());
  ModelConfig config;
  const Architecture* arch = nullptr;
  try {
    arch = &architecture_named(*name);
    config = arch->config_from_gguf(metadata);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", source.description(), error.what()));
  }
  config.architecture = *name;
  config.name = metadata.find_string("general.name").value_or("");
  config.rope_interleaved = arch->rope_interleaved;
  check_tensors(*arch, config, source);
  config.tied_embeddings = true;
  for (const TensorRow& row : arch->tensors)
    if (row.role == TensorRole::kOutput && source.find(row.gguf)) config.tied_embeddings = false;
  read_rope_factors(source, config);
  if (!config.windows.empty() && !config.rope_factors.empty() && config.short_context_length == 0)
    fail(ErrorCode::kNotSupported,
         "{}: tensor '{}': got a window and a stretched RoPE, hone supports one of them",
         source.description(), kRopeFreqs);
  return config;
}

namespace {
double frequency(float base, size_t i, size_t rope_dim) {
  const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(rope_dim);
  return std::pow(static_cast<double>(base), exponent);
}
}  // namespace

std::vector<float> rope_frequencies(const ModelConfig& config, std::span<const float> factors) {
  std::vector<float> frequencies(config.rope_dim / 2);
  HONE_CHECK(factors.empty() || factors.size() == frequencies.size(), "factors={} pairs={}", factors.size(),
             frequencies.size());
  for (size_t i = 0; i < frequencies.size(); ++i) {
    double value = frequency(config.rope_base, i, config.rope_dim) * static_cast<double>(config.rope_scale);
    if (!factors.empty()) value /= static_cast<double>(factors[i]);
    frequencies[i] = static_cast<float>(value);
  }
  return frequencies;
}

std::vector<float> window_rope_frequencies(const ModelConfig& config) {
  std::vector<float> frequencies(config.rope_dim / 2);
  for (size_t i = 0; i < frequencies.size(); ++i)
    frequencies[i] = static_cast<float>(frequency(config.window_rope_base, i, config.rope_dim));
  return frequencies;
}

void permute_rope_rows(const std::byte* in, std::byte* out, size_t rows, size_t row_bytes, size_t n_heads,
                       bool to_gguf) {
  HONE_CHECK(n_heads > 0 && rows % n_heads == 0 && rows / n_heads % 2 == 0, "rows={} heads={}", rows,
             n_heads);
  const size_t head_dim = rows / n_heads, half = head_dim / 2;
  for (size_t head = 0; head < n_heads; ++head) {
    for (size_t pair = 0; pair < half; ++pair) {
      for (size_t side = 0; side < 2; ++side) {
        const size_t halves = head * head_dim + side * half + pair;    // Hugging Face
        const size_t interleaved = head * head_dim + pair * 2 + side;  // GGUF
        const size_t from = to_gguf ? halves : interleaved, to = to_gguf ? interleaved : halves;
        std::memcpy(out + to * row_bytes, in + from * row_bytes, row_bytes);
      }
    }
  }
}

}  // namespace hone
