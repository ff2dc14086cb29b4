#include "tune/merge.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/threads.h"
#include "io/gguf.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

// f32 values held at a time while a tensor is converted.
constexpr size_t kChunkElems = size_t{1} << 24;

const Format& merged_format(const std::string& name) {
  const Format& format = format_named(name);
  if (format.quantized)
    fail(ErrorCode::kInvalidArgument,
         "merge: format: got '{}', expected f16, bf16 or f32; quantize afterwards", name);
  return format;
}

// Ids spread over the vocabulary; the same for both models.
std::vector<int32_t> check_ids(const ModelConfig& config, size_t n) {
  Rng rng(7);
  std::vector<int32_t> ids(std::min(n, config.context_length));
  for (int32_t& id : ids) id = static_cast<int32_t>(rng.below(config.n_vocab));
  return ids;
}

Tensor precise_logits(const Model& model, const std::vector<int32_t>& ids) {
  OpContext ctx{.compute = ComputeMode::kPrecise};
  return model.logits(ctx, model.hidden(ctx, TokenBatch::single(ids)));
}

// Rows [begin, begin + n) of one tensor in f32, with the adapter's change when it has one.
void merged_rows(const TensorInfo& info, std::span<const std::byte> bytes, const Linear* linear, size_t begin,
                 size_t n, float* out) {
  const size_t cols = info.shape[0];
  const size_t row_bytes = info.format->bytes(cols);
  thread_pool().run(n, [&](size_t i, int) {
    info.format->to_float(bytes.data() + (begin + i) * row_bytes, out + i * cols, cols);
  });
  if (linear != nullptr && linear->adapter() != nullptr)
    linear->adapter()->merge_rows(*linear, begin, n, out);
}

void encode_rows(const TensorInfo& info, const Format& format, size_t begin, size_t n, const float* values,
                 std::byte* out) {
  const size_t cols = info.shape[0];
  std::atomic<bool> overflow = false;
  thread_pool().run(n, [&](size_t i, int) {
    const float* row = values + i * cols;
    std::byte* encoded = out + (begin + i) * format.bytes(cols);
    format.from_float(row, encoded, cols);
    // Read back: whatever the format's range is, finite in must be finite out.
    std::vector<float> back(cols);
    format.to_float(encoded, back.data(), cols);
    for (size_t j = 0; j < cols; ++j) {
      if (!std::isfinite(back[j])) overflow = true;
    }
  });
  if (!overflow) return;
  fail(ErrorCode::kInvalidArgument,
       "merge: tensor '{}': holds values that {} cannot, about rows {} to {}; take --format bf16 or f32",
       info.name, format.name, begin, begin + n - 1);
}

std::vector<std::byte> merged_tensor(const TensorInfo& info, std::span<const std::byte> bytes,
                                     const Linear* linear, const Format& format) {
  const size_t cols = info.shape[0];
  const size_t rows = info.n_elements() / std::max<size_t>(1, cols);
  std::vector<std::byte> out(format.bytes(info.n_elements()));
  const size_t step = std::max<size_t>(1, kChunkElems / std::max<size_t>(1, cols));
  std::vector<float> chunk(std::min(rows, step) * cols);
  for (size_t row = 0; row < rows; row += step) {
    const size_t n = std::min(step, rows - row);
    merged_rows(info, bytes, linear, row, n, chunk.data());
    encode_rows(info, format, row, n, chunk.data(), out.data());
  }
  return out;
}

void write_merged(WeightSource& base, const Model& model, const Format& format, const Metadata& metadata,
                  const fs::path& path) {
  std::map<std::string, const Linear*> linears;
  model.for_each_linear([&](size_t, const Linear& linear) { linears[linear.name()] = &linear; });
  std::vector<TensorInfo> infos = base.tensors();
  for (TensorInfo& info : infos) info.format = info.shape.size() > 1 ? &format : &format_of(FormatId::kF32);
  GgufWriter writer(path, metadata, infos);
  Progress progress("merge", infos.size(), "tensors");
  for (size_t i = 0; i < infos.size(); ++i) {
    throw_if_interrupted("merge");
    const TensorInfo& from = base.tensors()[i];
    const auto linear = linears.find(from.name);
    const std::span<const std::byte> bytes = base.data(i);
    if (from.format == infos[i].format && (linear == linears.end() || linear->second->adapter() == nullptr)) {
      writer.write_tensor(bytes);
    } else {
      writer.write_tensor(
          merged_tensor(from, bytes, linear == linears.end() ? nullptr : linear->second, *infos[i].format));
    }
    base.release(i);
    progress.update(i + 1);
  }
  writer.commit();
  progress.finish();
}

void compare(const Tensor& before, const Tensor& after, MergeResult& result) {
  double squares = 0, most = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    const double value = before.data()[i];
    squares += value * value;
    const double difference = std::fabs(value - after.data()[i]);
    most = std::max(most, std::isnan(difference) ? INFINITY : difference);
  }
  result.max_logit_difference = most;
  result.logit_rms = std::sqrt(squares / static_cast<double>(std::max<size_t>(1, before.size())));
}

// Before any work: where the merged file cannot or must not go.
void check_output(const WeightSource& base, std::span<const AdapterChoice> adapters, const fs::path& output) {
  std::error_code ignored;
  if (fs::is_directory(output, ignored))
    fail(ErrorCode::kInvalidArgument, "{}: output: is a folder; name a file", output.string());
  std::vector<fs::path> inputs = {base.description()};
  for (const AdapterChoice& adapter : adapters) inputs.push_back(adapter.path);
  for (const fs::path& input : inputs) {
    if (fs::equivalent(input, output, ignored))
      fail(ErrorCode::kInvalidArgument, "{}: output: is the file that is being read; choose another name",
           output.string());
  }
}

// Hashes of the adapters, with their scales where they are not 1: "HASH,HASH:0.5".
std::string provenance(std::span<const AdapterChoice> adapters) {
  std::string text;
  for (const AdapterChoice& adapter : adapters)
    text += (text.empty() ? "" : ",") +
            to_text({.path = adapter_file_hash(adapter.path), .scale = adapter.scale});
  return text;
}

}  // namespace

MergeResult merge(WeightSource& base, const std::string& fingerprint, std::span<const AdapterChoice> adapters,
                  const fs::path& output, const MergeOptions& options) {
  const Format& format = merged_format(options.format);
  check_output(base, adapters, output);
  MergeResult result;
  // Written and checked under another name: an earlier file at `output` stays until this one is proven.
  const fs::path unproven = output.string() + ".unproven";
  struct Remover {
    const fs::path& path;
    ~Remover() {
      std::error_code ignored;
      fs::remove(path, ignored);
    }
  } remover{unproven};
  std::vector<int32_t> ids;
  Tensor before;
  {
    Model model(base);
    AdapterStack stack(model);
    for (const AdapterChoice& adapter : adapters) {
      const LoadedAdapter& loaded =
          stack.add(adapter, {.fingerprint = fingerprint, .ignore_base = options.ignore_base});
      for (const std::string& note : loaded.notes)
        result.notes.push_back(fmt::format("{}: {}", adapter.path.string(), note));
    }
    ids = check_ids(model.config(), options.check_tokens);
    before = precise_logits(model, ids);
    Metadata metadata = base.metadata();
    metadata.set_u32("general.file_type", format.file_type);
    metadata.set_string("hone.merged_from.base", fingerprint);
    metadata.set_string("hone.merged_from.adapter", provenance(adapters));
    write_merged(base, model, format, metadata, unproven);
  }
  GgufFile file(unproven);
  result.file_bytes = file.file_bytes();
  compare(before, precise_logits(Model(file), ids), result);
  const double most = options.max_difference * std::max(1.0, result.logit_rms);
  if (!(result.max_logit_difference <= most))
    fail(ErrorCode::kInternal,
         "merge: {}: logits differ by up to {:.4g} from the base with the adapters on, expected at most "
         "{:.4g} (their RMS "
         "is {:.4g}); the merged file was not kept: try --format f32, or report this",
         output.string(), result.max_logit_difference, most, result.logit_rms);
  std::error_code error;
  fs::rename(unproven, output, error);
  if (error) fail(ErrorCode::kIo, "{}: cannot be put in place: {}", output.string(), error.message());
  return result;
}

}  // namespace hone
