// One text that is being written, for generate.cpp's loop.
#pragma once

#include <optional>

#include "runtime/advance.h"
#include "runtime/draft.h"
#include "runtime/generate.h"
#include "runtime/stem.h"
#include "runtime/text_stream.h"

namespace hone {

// f32 with kPrecise, f16 otherwise, where the options do not say.
KvFormat cache_type(const GenerateOptions& options) noexcept;

class TextWriter {
 public:
  // Throws kInvalidArgument for prompts that are empty, too long or of another vocabulary. Keeps references.
  TextWriter(const Model& model, const Tokenizer& tokenizer, std::span<const TokenId> prompt,
             const GenerateOptions& options, size_t seed_offset,
             std::function<bool(std::string_view)> on_text);

  bool alive() const { return alive_; }
  size_t capacity() const { return result_.prompt_tokens + room_; }
  std::span<const TokenId> history() const { return history_; }
  void open_cache(const ModelConfig& config);
  // The opened cache gets a beginning that needs not be run.
  void begin_with(const Stem& stem, size_t n);
  void close_cache() { own_cache_.reset(); }
  Feed prompt_feed() { return {std::span(history_).subspan(result_.reused_tokens), cache_}; }
  GenerateResult& result() { return result_; }

  // The token that follows the prompt.
  void begin(std::span<const float> logits);
  // Writes the token chosen last; then what the model is to be asked next: that token and guesses behind it.
  std::optional<Feed> ask();
  // One row of logits for every token asked. Right guesses are written; then the next token is chosen.
  void answer(const Tensor& logits, size_t first_row);

 private:
  // False when the text ends here.
  bool write(TokenId id);
  // An end by stop string has nothing left, a caller who said stop wants nothing.
  bool end(const char* why, bool flush);
  bool emit(const std::string& text);

  const GenerateOptions& options_;
  const Tokenizer& tokenizer_;
  std::function<bool(std::string_view)> on_text_;
  Rng rng_;
  TextStream stream_;
  std::vector<TokenId> history_;  // prompt and what was written
  size_t room_;
  std::optional<KvCache> own_cache_;
  KvCache* cache_ = nullptr;
  TokenId next_ = -1;
  std::vector<DraftToken> guesses_;
  std::vector<TokenId> asked_;
  GenerateResult result_;
  bool alive_ = true;
};

}  // namespace hone
