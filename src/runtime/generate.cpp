// The generation loop: prompt in chunks, then one token at a time over the cache.
#include "runtime/generate.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "runtime/text_stream.h"

namespace hone {
namespace {

constexpr size_t kPrefillTokens = 512;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void check_prompt(const ModelConfig& config, std::span<const TokenId> prompt) {
  if (prompt.empty())
    fail(ErrorCode::kInvalidArgument,
         "generate: prompt: got no tokens, expected at least one; the model needs a start");
  if (config.context_length > 0 && prompt.size() >= config.context_length)
    fail(ErrorCode::kInvalidArgument,
         "generate: prompt: got {} tokens, expected fewer than the model's context of {}", prompt.size(),
         config.context_length);
  for (const TokenId id : prompt)
    if (id < 0 || static_cast<size_t>(id) >= config.n_vocab)
      fail(ErrorCode::kInvalidArgument, "generate: prompt: got token {}, expected 0 to {}", id,
           config.n_vocab - 1);
}

// Keys and values of all tokens are set aside at once; better said than met half-way.
void check_memory(const ModelConfig& config, size_t tokens) {
  const uint64_t needed =
      uint64_t{2} * sizeof(float) * config.n_layers * config.n_kv_heads * config.head_dim * tokens;
  const uint64_t available = available_memory_bytes();
  if (needed > available)
    fail(ErrorCode::kResourceExhausted,
         "generate: keys and values of {} tokens need {} of memory, {} are available; lower --max-tokens",
         tokens, format_bytes(needed), format_bytes(available));
}

// Runs tokens through the model behind what the cache holds; the logits after the last one.
std::vector<float> advance(const Model& model, std::span<const TokenId> tokens, ComputeMode compute,
                           KvCache& cache) {
  OpContext ctx{.tape = nullptr, .compute = compute, .observer = nullptr};
  std::vector<float> last;
  while (!tokens.empty()) {
    throw_if_interrupted("generating");
    const std::span<const TokenId> part = tokens.first(std::min(kPrefillTokens, tokens.size()));
    tokens = tokens.subspan(part.size());
    const Tensor hidden =
        model.hidden(ctx, TokenBatch::single(part, static_cast<int32_t>(cache.length())), &cache);
    if (!tokens.empty()) continue;
    const float* row = hidden.row(hidden.rows() - 1);
    last.assign(row, row + hidden.cols());
  }
  const Tensor logits = model.logits(ctx, Tensor::from({1, last.size()}, last));
  return {logits.data(), logits.data() + logits.cols()};
}

}  // namespace

GenerateResult generate(const Model& model, const Tokenizer& tokenizer, std::span<const TokenId> prompt,
                        const GenerateOptions& options,
                        const std::function<bool(std::string_view)>& on_text) {
  validate(options.sampling);
  check_prompt(model.config(), prompt);
  TextStream stream(options.stop);
  Rng rng(options.sampling.seed);
  GenerateResult result;
  result.prompt_tokens = prompt.size();
  result.finish = "length";
  size_t room = options.max_tokens;
  if (model.config().context_length > 0) room = std::min(room, model.config().context_length - prompt.size());
  if (room == 0) return result;

  const auto emit = [&](const std::string& text) {
    result.text += text;
    return text.empty() || !on_text || on_text(text);
  };
  check_memory(model.config(), prompt.size() + room);
  KvCache cache(model.config(), prompt.size() + room,
                options.compute == ComputeMode::kPrecise ? KvFormat::kF32 : KvFormat::kF16);
  std::vector<TokenId> history(prompt.begin(), prompt.end());
  auto start = std::chrono::steady_clock::now();
  std::vector<float> logits = advance(model, prompt, options.compute, cache);
  result.prompt_seconds = seconds_since(start);

  start = std::chrono::steady_clock::now();
  bool go_on = true;
  while (go_on) {
    const TokenId id = sample(logits, history, options.sampling, rng);
    if (!options.ignore_end && tokenizer.is_end_of_generation(id)) {
      result.finish = "stop";
      break;
    }
    result.tokens.push_back(id);
    history.push_back(id);
    go_on = emit(stream.push(tokenizer.token_bytes(id))) && !stream.stopped();
    if (!go_on) result.finish = "stop";
    if (result.tokens.size() == room) break;
    if (go_on) logits = advance(model, std::span(history).last(1), options.compute, cache);
  }
  if (go_on)
    emit(stream.finish());  // an end by stop string has nothing left, a caller who said stop wants nothing
  result.decode_seconds = seconds_since(start);
  return result;
}

}  // namespace hone
