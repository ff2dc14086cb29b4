#include "pipeline/read_back.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "io/gguf.h"
#include "models/architecture.h"

namespace hone {
namespace {

constexpr size_t kChunk = size_t{1} << 16;  // elements; a multiple of every block size
constexpr double kTolerance = 1e-4;         // sums are taken in another order

struct Sum {
  double error = 0, weight = 0;
};

// Both tensors decoded in chunks and compared.
Sum compare(const TensorInfo& a, std::span<const std::byte> a_bytes, const TensorInfo& b,
            std::span<const std::byte> b_bytes) {
  const size_t n = a.n_elements();
  const size_t n_chunks = (n + kChunk - 1) / kChunk;
  std::vector<Sum> sums(n_chunks);
  thread_pool().run(n_chunks, [&](size_t chunk, int) {
    const size_t begin = chunk * kChunk, count = std::min(kChunk, n - begin);
    std::vector<float> x(count), y(count);
    a.format->to_float(a_bytes.data() + a.format->bytes(begin), x.data(), count);
    b.format->to_float(b_bytes.data() + b.format->bytes(begin), y.data(), count);
    for (size_t i = 0; i < count; ++i) {
      const double w = static_cast<double>(x[i]), e = static_cast<double>(y[i]) - w;
      sums[chunk].weight += w * w;
      sums[chunk].error += e * e;
    }
  });
  Sum total;
  for (const Sum& sum : sums) {
    total.error += sum.error;
    total.weight += sum.weight;
  }
  return total;
}

void check_errors(const std::map<std::string, Sum>& found, const std::filesystem::path& file,
                  const QuantizeResult& said) {
  for (const auto& [role, sum] : found) {
    const double relative = sum.weight > 0 ? std::sqrt(sum.error / sum.weight) : 0;
    const auto it = said.relative_rms_error.find(role);
    if (it != said.relative_rms_error.end() &&
        std::abs(relative - it->second) <= kTolerance * (it->second + 1e-6))
      continue;
    fail(ErrorCode::kCorruption, "{}: {} weights read back: got a relative error of {:.6g}, expected {:.6g}",
         file.string(), role, relative, it == said.relative_rms_error.end() ? 0.0 : it->second);
  }
}

}  // namespace

void read_back(WeightSource& source, const std::filesystem::path& file, const QuantizeResult& said) {
  GgufFile written(file);
  const Architecture& arch = architecture_named(written.metadata().string("general.architecture"));
  if (written.tensors().size() != source.tensors().size())
    fail(ErrorCode::kCorruption, "{}: read back: got {} tensors, expected {}", file.string(),
         written.tensors().size(), source.tensors().size());
  std::map<std::string, Sum> errors;
  for (size_t i = 0; i < written.tensors().size(); ++i) {
    throw_if_interrupted("reading back");
    const TensorInfo& a = source.tensors()[i];
    const TensorInfo& b = written.tensors()[i];
    if (a.name != b.name || a.shape != b.shape)
      fail(ErrorCode::kCorruption, "{}: read back: tensor {} is {}, expected {} of the same shape",
           file.string(), i, b.name, a.name);
    const std::span<const std::byte> from = source.data(i), back = written.data(i);
    if (a.format == b.format) {
      if (std::memcmp(from.data(), back.data(), from.size()) != 0)
        fail(ErrorCode::kCorruption, "{}: read back: {} keeps its format but not its bytes", file.string(),
             a.name);
    } else {
      const TensorRow* row = find_row(arch, a.name);
      Sum& sum = errors[role_name(row != nullptr ? row->role : TensorRole::kOther)];
      const Sum own = compare(a, from, b, back);
      sum.error += own.error;
      sum.weight += own.weight;
    }
    source.release(i);
    written.release(i);
  }
  check_errors(errors, file, said);
}

}  // namespace hone
