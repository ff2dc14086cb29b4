// Raw logits for the comparisons: logits_tool MODEL OUTPUT [--precise [ADAPTER[:SCALE]]...] < token ids.
// Reads ids separated by white space, runs them as one sequence and writes the logits of every position, f32,
// row-major (T, V).
#include <cstring>
#include <iostream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "models/model.h"
#include "tune/adapter_stack.h"

namespace {

int run(int argc, char** argv) {
  if (argc < 3 || (argc >= 4 && std::strcmp(argv[3], "--precise") != 0))
    hone::fail(hone::ErrorCode::kInvalidArgument,
               "usage: logits_tool MODEL OUTPUT [--precise [ADAPTER[:SCALE]]...] < token ids");
  hone::OpenedModel opened = hone::open_model(argv[1]);
  hone::Model model(*opened.source);
  hone::AdapterStack adapters(model);
  for (int i = 4; i < argc; ++i) adapters.add(hone::parse_adapter_choice(argv[i]), {});
  std::vector<int32_t> tokens;
  for (int32_t id = 0; std::cin >> id;) {
    if (id < 0 || static_cast<size_t>(id) >= model.config().n_vocab)
      hone::fail(hone::ErrorCode::kInvalidArgument, "token id {}: expected below {}", id,
                 model.config().n_vocab);
    tokens.push_back(id);
  }
  if (tokens.empty()) hone::fail(hone::ErrorCode::kInvalidArgument, "stdin: expected token ids");
  hone::OpContext context;
  context.compute = argc > 3 ? hone::ComputeMode::kPrecise : hone::ComputeMode::kFast;
  const hone::Tensor hidden = model.hidden(context, hone::TokenBatch::single(tokens));
  const hone::Tensor logits = model.logits(context, hidden);
  hone::AtomicFile file(argv[2]);
  file.write(std::as_bytes(std::span(logits.data(), logits.size())));
  file.commit();
  std::cout << logits.rows() << " " << logits.cols() << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const hone::Error& error) {
    std::cerr << hone::error_code_name(error.code()) << ": " << error.what() << "\n";
    return hone::exit_code(error.code());
  }
}
