#include "quantize/quantize.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/threads.h"
#include "formats/row_error.h"
#include "io/gguf.h"
#include "ops/matrix.h"
#include "quantize/rounder.h"

namespace hone {
namespace {

constexpr size_t kChunkElements = size_t{1} << 16;  // per task: 256 KiB of f32, within a core's cache
constexpr uint32_t kQuantizationVersion = 2;

// Decode buffers of one worker.
struct Buffers {
  std::vector<float> rows, back;
};

void check_finite(std::span<const float> values, const char* what, const std::string& where) {
  for (const float v : values)
    if (!std::isfinite(v))
      fail(ErrorCode::kCorruption, "{}: {}: got {}, expected finite numbers", where, what, v);
}

// Rounds one tensor into `out`; work is split over rows.
SquaredError round_tensor(const TensorInfo& info, std::span<const std::byte> source, const Format& format,
                          const Rounder& rounder, const std::string& where, std::vector<std::byte>& out) {
  const size_t cols = info.shape[0];
  const size_t n_rows = info.n_elements() / cols;
  const size_t rows_per_task = std::max<size_t>(1, kChunkElements / cols);
  const size_t n_tasks = (n_rows + rows_per_task - 1) / rows_per_task;
  out.resize(format.bytes(info.n_elements()));
  std::vector<Buffers> buffers(static_cast<size_t>(thread_pool().size()));
  std::vector<SquaredError> errors(n_tasks);
  // Rows are whole blocks, so any number of them is one long row.
  const auto decode = [](const Format& stored, const std::byte* from, size_t n, float* to) {
    decode_elements({.format = &stored, .data = from, .rows = 1, .cols = n}, 0, 0, n, to);
  };
  thread_pool().run(n_tasks, [&](size_t task, int worker) {
    Buffers& buffer = buffers[static_cast<size_t>(worker)];
    const size_t first = task * rows_per_task;
    const size_t count = std::min(rows_per_task, n_rows - first);
    const size_t n = count * cols;
    buffer.rows.resize(n);
    buffer.back.resize(n);
    decode(*info.format, source.data() + info.format->bytes(first * cols), n, buffer.rows.data());
    std::byte* const destination = out.data() + format.bytes(first * cols);
    rounder.round(
        {.format = format, .n_rows = count, .cols = cols, .rows = buffer.rows.data(), .out = destination});
    decode(format, destination, n, buffer.back.data());
    errors[task] = squared_error(buffer.rows.data(), buffer.back.data(), n);
    if (std::isfinite(errors[task].weight) && std::isfinite(errors[task].error)) return;
    check_finite(buffer.rows, "weights", where);
    check_finite(buffer.back, "weights too large for the format", where);
  });
  SquaredError total;
  for (const SquaredError& e : errors) total.add(e);
  return total;
}

void check_paths(const WeightSource& source, const std::filesystem::path& output, uint64_t n_bytes) {
  std::error_code ignored;
  if (std::filesystem::equivalent(source.description(), output, ignored))
    fail(ErrorCode::kInvalidArgument, "{}: output: is the model that is being read; choose another name",
         output.string());
  const std::filesystem::path folder =
      output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
  const std::filesystem::space_info space = std::filesystem::space(folder, ignored);
  if (!ignored && space.available < n_bytes)
    fail(ErrorCode::kResourceExhausted,
         "{}: disk: got {} bytes free, expected {} for the file; free some space", folder.string(),
         space.available, n_bytes);
}

Metadata output_metadata(const WeightSource& source, const Mix& target,
                         const std::vector<TensorPlan>& plans) {
  Metadata metadata = source.metadata();
  metadata.set_u32("general.file_type", target.file_type);
  const bool any =
      std::any_of(plans.begin(), plans.end(), [](const TensorPlan& plan) { return plan.format->quantized; });
  if (any)
    metadata.set_u32("general.quantization_version", kQuantizationVersion);
  else
    metadata.erase("general.quantization_version");
  return metadata;
}

// Sums over what was written, for the result.
class Summary {
 public:
  void add(const TensorInfo& info, const TensorPlan& plan) {
    result.formats[std::string(info.format->name)] += 1;
    if (plan.wanted != nullptr) {
      const auto reason =
          fmt::format("rows of {} do not divide into blocks of {}: {} instead of {}", info.shape[0],
                      plan.wanted->block_elems, info.format->name, plan.wanted->name);
      replaced_[reason].push_back(info.name);
    } else if (info.shape.size() > 2) {
      result.notes.push_back(
          fmt::format("{}: has {} dimensions: kept as {}", info.name, info.shape.size(), info.format->name));
    }
    n_bytes_ += info.n_bytes();
    n_elements_ += info.n_elements();
  }
  void add_error(TensorRole role, const SquaredError& error) { errors_[role_name(role)].add(error); }
  uint64_t n_bytes() const { return n_bytes_; }
  QuantizeResult finish() {
    if (n_elements_ > 0)
      result.bits_per_weight = 8.0 * static_cast<double>(n_bytes_) / static_cast<double>(n_elements_);
    for (const auto& [role, sum] : errors_)
      result.relative_rms_error[role] = sum.weight > 0 ? std::sqrt(sum.error / sum.weight) : 0.0;
    for (const auto& [reason, names] : replaced_) {
      const std::string more = names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "";
      result.notes.push_back(fmt::format("{}{}: {}", names.front(), more, reason));
    }
    return std::move(result);
  }

  QuantizeResult result;

 private:
  uint64_t n_bytes_ = 0, n_elements_ = 0;
  std::map<std::string, SquaredError> errors_;
  std::map<std::string, std::vector<std::string>> replaced_;  // why -> tensors
};

// Tensor i in its planned format, and what that cost; nullopt: its bytes stay as the source has them.
std::optional<SquaredError> round_planned(WeightSource& source, size_t i, const TensorPlan& plan,
                                          const Rounder& rounder, std::vector<std::byte>& out) {
  const TensorInfo& info = source.tensors()[i];
  if (info.format == plan.format || info.n_elements() == 0) return std::nullopt;
  return round_tensor(info, source.data(i), *plan.format, rounder, source.description() + ": " + info.name,
                      out);
}

}  // namespace

MemorySource quantize_in_memory(WeightSource& source, const QuantizeOptions& options) {
  const Rounder& rounder = rounder_named(options.method);
  const std::vector<TensorPlan> plans = plan_formats(source, options);
  std::vector<MemoryTensor> tensors(plans.size());
  for (size_t i = 0; i < plans.size(); ++i) {
    throw_if_interrupted("quantizing");
    MemoryTensor& tensor = tensors[i];
    tensor.info = source.tensors()[i];
    tensor.info.format = plans[i].format;
    if (!round_planned(source, i, plans[i], rounder, tensor.bytes)) {
      const std::span<const std::byte> bytes = source.data(i);
      tensor.bytes.assign(bytes.begin(), bytes.end());
    }
    source.release(i);
  }
  return {output_metadata(source, *options.target, plans), std::move(tensors),
          source.description() + " in " + std::string(options.target->name)};
}

QuantizeResult quantize_file(WeightSource& source, const std::filesystem::path& output,
                             const QuantizeOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const Rounder& rounder = rounder_named(options.method);
  const std::vector<TensorPlan> plans = plan_formats(source, options);
  Summary summary;
  std::vector<TensorInfo> infos = source.tensors();
  for (size_t i = 0; i < infos.size(); ++i) {
    infos[i].format = plans[i].format;
    summary.add(infos[i], plans[i]);
  }
  check_paths(source, output, summary.n_bytes());

  GgufWriter writer(output, output_metadata(source, *options.target, plans), infos);
  Progress progress("quantizing", infos.size(), "tensors");
  std::vector<std::byte> rounded;
  for (size_t i = 0; i < infos.size(); ++i) {
    throw_if_interrupted("quantizing");
    if (const auto error = round_planned(source, i, plans[i], rounder, rounded)) {
      summary.add_error(plans[i].role, *error);
      writer.write_tensor(rounded);
    } else {
      writer.write_tensor(source.data(i));
    }
    source.release(i);
    progress.update(i + 1, source.tensors()[i].name);
  }
  writer.commit();
  progress.finish();

  summary.result.output = output;
  summary.result.file_bytes = std::filesystem::file_size(output);
  summary.result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary.finish();
}

}  // namespace hone
