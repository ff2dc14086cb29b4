#include "models/block.h"

#include "base/error.h"
#include "base/memory.h"

namespace hone {

Tensor read_vector(WeightSource& source, const std::string& name) {
  const size_t i = *source.find(name);
  const TensorInfo& info = source.tensors()[i];
  Tensor t = Tensor::empty({static_cast<size_t>(info.n_elements())});
  info.format->to_float(source.data(i).data(), t.data(), t.size());
  source.release(i);
  return t;
}

Linear read_linear(WeightSource& source, const std::string& name, TensorRole role, bool later) {
  const size_t i = *source.find(name);
  const TensorInfo& info = source.tensors()[i];
  std::vector<float> bias;
  const std::string bias_name = name.substr(0, name.size() - std::string_view("weight").size()) + "bias";
  if (source.find(bias_name)) {
    const Tensor values = read_vector(source, bias_name);
    bias.assign(values.data(), values.data() + values.size());
  }
  const auto read = [&source, i](const auto& use) {
    use(source.data(i));
    source.release(i);
  };
  Linear linear(name, role, *info.format, static_cast<size_t>(info.shape[1]),
                static_cast<size_t>(info.shape[0]), read, std::move(bias));
  if (!later) linear.weight();
  return linear;
}

void check_memory(const WeightSource& source) {
  uint64_t needed = 0;
  for (const TensorInfo& info : source.tensors()) needed += info.n_bytes();
  const uint64_t available = available_memory_bytes();
  if (needed > available)
    fail(ErrorCode::kResourceExhausted,
         "{}: its weights need {} of memory, {} are available; use a smaller format or model",
         source.description(), format_bytes(needed), format_bytes(available));
}

}  // namespace hone
