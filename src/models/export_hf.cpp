// Writing a Hugging Face folder: config.json and weights. The tokenizer's files are in export_tokenizer.cpp.
#include <unistd.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/leftovers.h"
#include "io/safetensors.h"
#include "io/tokenizer_io.h"
#include "models/architecture.h"
#include "models/convert.h"

namespace hone {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kShardBytes = 2'000'000'000;

const char* torch_name(const Format& format) {
  if (format.id == FormatId::kF32) return "float32";
  return format.id == FormatId::kF16 ? "float16" : "bfloat16";
}

// A tensor on its way out: converted, rows in Hugging Face order.
struct Exported {
  std::string name;
  std::vector<uint64_t> shape;
  std::vector<std::byte> bytes;
};

// Tensors grouped into shards before anything is written: file names hold the number of shards.
struct Shards {
  std::vector<std::vector<size_t>> tensors;
  uint64_t total_bytes = 0;

  std::string file(size_t shard) const {
    if (tensors.size() == 1) return "model.safetensors";
    return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, tensors.size());
  }
};

bool is_exported(const Architecture& arch, const TensorInfo& info) {
  const TensorRow* row = find_row(arch, info.name);
  return row != nullptr && !row->hf.empty();
}

Shards plan_shards(const Architecture& arch, const WeightSource& source, const Format& format) {
  Shards shards;
  uint64_t bytes = 0;
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    const TensorInfo& info = source.tensors()[i];
    if (!is_exported(arch, info)) continue;
    const uint64_t n = format.bytes(info.n_elements());
    if (shards.tensors.empty() || bytes + n > kShardBytes) {
      shards.tensors.emplace_back();
      bytes = 0;
    }
    shards.tensors.back().push_back(i);
    bytes += n;
    shards.total_bytes += n;
  }
  return shards;
}

// A vector whose GGUF values are Hugging Face's plus `offset`.
std::vector<std::byte> without_offset(const TensorInfo& info, std::span<const std::byte> bytes, float offset,
                                      const Format& format) {
  std::vector<float> values(info.n_elements());
  info.format->to_float(bytes.data(), values.data(), values.size());
  for (float& value : values) value -= offset;
  return convert_elements(info.name, format_of(FormatId::kF32), std::as_bytes(std::span(values)), format,
                          values.size());
}

Exported export_tensor(const Architecture& arch, const ModelConfig& config, WeightSource& source, size_t i,
                       const Format& format) {
  const TensorInfo& info = source.tensors()[i];
  size_t layer = 0;
  const TensorRow* row = find_row(arch, info.name, &layer);
  Exported out;
  out.name = hf_name(*row, layer);
  out.shape.assign(info.shape.rbegin(), info.shape.rend());
  out.bytes = row->offset == 0
                  ? convert_elements(info.name, *info.format, source.data(i), format, info.n_elements())
                  : without_offset(info, source.data(i), row->offset, format);
  source.release(i);
  if (row->order != RowOrder::kSame) {
    const size_t n_heads = row->order == RowOrder::kRopeQ ? config.n_heads : config.n_kv_heads;
    std::vector<std::byte> rows(out.bytes.size());
    permute_rope_rows(out.bytes.data(), rows.data(), out.shape[0], rows.size() / out.shape[0], n_heads,
                      false);
    out.bytes = std::move(rows);
  }
  return out;
}

void write_weights(const Architecture& arch, const ModelConfig& config, WeightSource& source,
                   const Format& format, const fs::path& folder) {
  const Shards shards = plan_shards(arch, source, format);
  nlohmann::ordered_json index;
  index["metadata"]["total_size"] = shards.total_bytes;
  for (size_t shard = 0; shard < shards.tensors.size(); ++shard) {
    std::deque<Exported> exported;
    std::vector<SafeTensor> views;
    for (const size_t i : shards.tensors[shard]) {
      throw_if_interrupted("converting");
      const Exported& tensor = exported.emplace_back(export_tensor(arch, config, source, i, format));
      views.push_back({tensor.name, safetensors_dtype(format), tensor.shape, tensor.bytes});
      index["weight_map"][tensor.name] = shards.file(shard);
    }
    write_safetensors(folder / shards.file(shard), views, {{"format", "pt"}});
  }
  if (shards.tensors.size() > 1) write_file(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

void write_configs(const Architecture& arch, const ModelConfig& config, const TokenizerData& tokenizer,
                   const Format& format, const fs::path& folder) {
  nlohmann::ordered_json json, generation;
  arch.hf_from_config(config, json);
  const auto set = [&](const char* key, TokenId id) {
    if (id < 0) return;
    json[key] = id;
    generation[key] = id;
  };
  set("bos_token_id", tokenizer.bos);
  set("eos_token_id", tokenizer.eos);
  set("pad_token_id", tokenizer.pad);
  if (tokenizer.eot >= 0 && tokenizer.eot != tokenizer.eos && tokenizer.eos >= 0)
    generation["eos_token_id"] = {tokenizer.eos, tokenizer.eot};
  json["torch_dtype"] = torch_name(format);
  write_file(folder / "config.json", json.dump(2) + "\n");
  if (generation.is_null()) generation = nlohmann::ordered_json::object();
  write_file(folder / "generation_config.json", generation.dump(2) + "\n");
}

}  // namespace

void convert_to_hf(WeightSource& source, const fs::path& folder, std::string_view dtype,
                   const std::string& chat_template) {
  const Format* format = find_format(dtype);
  if (format == nullptr || format->quantized)
    fail(ErrorCode::kInvalidArgument, "format of a Hugging Face folder: got '{}', expected f32, f16 or bf16",
         dtype);
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error))
    fail(ErrorCode::kInvalidArgument, "{}: is there already; name a new folder", folder.string());
  const ModelConfig config = read_config(source);
  const Architecture& arch = architecture_named(config.architecture);
  const TokenizerData tokenizer = tokenizer_data(source.metadata());
  const std::string own_template = source.metadata().find_string("tokenizer.chat_template").value_or("");
  const fs::path target = fs::absolute(folder).lexically_normal();
  const fs::path whole = target.has_filename() ? target : target.parent_path();
  const fs::path temporary = fmt::format("{}.{}.partial", whole.string(), ::getpid());
  remove_leftovers_of(whole);
  fs::remove_all(temporary, error);
  make_directories(temporary);
  try {
    write_configs(arch, config, tokenizer, *format, temporary);
    save_hf_tokenizer(tokenizer, chat_template.empty() ? own_template : chat_template, config.context_length,
                      temporary);
    write_weights(arch, config, source, *format, temporary);
    if (fs::exists(whole)) fs::remove(whole);  // empty
    fs::rename(temporary, whole);
  } catch (const fs::filesystem_error& failure) {
    fs::remove_all(temporary, error);
    fail(ErrorCode::kIo, "{}: cannot write: {}", folder.string(), failure.what());
  } catch (...) {
    fs::remove_all(temporary, error);
    throw;
  }
}

}  // namespace hone
