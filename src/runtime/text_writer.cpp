#include "runtime/text_writer.h"

#include <algorithm>

#include "base/error.h"

namespace hone {
namespace {

// Tokens that a text may have; 0 = the model does not say.
size_t context_of(const ModelConfig& config, const GenerateOptions& options) {
  return options.kept != nullptr ? options.kept->cache.capacity() : config.context_length;
}

void check_prompt(const ModelConfig& config, size_t context, std::span<const TokenId> prompt) {
  if (prompt.empty())
    fail(ErrorCode::kInvalidArgument,
         "generate: prompt: got no tokens, expected at least one; the model needs a start");
  if (context > 0 && prompt.size() >= context)
    fail(ErrorCode::kInvalidArgument,
         "generate: prompt: got {} tokens, expected fewer than the model's context of {}", prompt.size(),
         context);
  for (const TokenId id : prompt)
    if (id < 0 || static_cast<size_t>(id) >= config.n_vocab)
      fail(ErrorCode::kInvalidArgument, "generate: prompt: got token {}, expected 0 to {}", id,
           config.n_vocab - 1);
}

}  // namespace

KvFormat cache_type(const GenerateOptions& options) noexcept {
  return options.cache_type.value_or(options.compute == ComputeMode::kPrecise ? KvFormat::kF32
                                                                              : KvFormat::kF16);
}

TextWriter::TextWriter(const Model& model, const Tokenizer& tokenizer, std::span<const TokenId> prompt,
                       const GenerateOptions& options, size_t seed_offset,
                       std::function<bool(std::string_view)> on_text)
    : options_(options),
      tokenizer_(tokenizer),
      on_text_(std::move(on_text)),
      rng_(options.sampling.seed + seed_offset),
      stream_(options.stop),
      history_(prompt.begin(), prompt.end()),
      room_(options.max_tokens) {
  const size_t context = context_of(model.config(), options);
  check_prompt(model.config(), context, prompt);
  if (context > 0) room_ = std::min(room_, context - prompt.size());
  alive_ = room_ > 0;
  result_.finish = "length";
  result_.prompt_tokens = prompt.size();
}

void TextWriter::open_cache(const ModelConfig& config) {
  if (options_.kept == nullptr) {
    cache_ = &own_cache_.emplace(config, capacity(), cache_type(options_), capacity(), KvKept::kSeen);
    return;
  }
  KeptText& kept = *options_.kept;
  cache_ = &kept.cache;
  // The last token is run in any case: its logits are wanted.
  // After an exception the cache may hold guesses that the text does not.
  const size_t most = std::min({cache_->length(), kept.tokens.size(), history_.size() - 1});
  const size_t same = cache_->truncatable(
      common_beginning(std::span(history_).first(most), std::span(kept.tokens).first(most)));
  cache_->truncate(same);
  kept.tokens = history_;
  result_.reused_tokens = same;
}

void TextWriter::begin_with(const Stem& stem, size_t n) {
  stem.copy_to(*cache_, n);
  result_.reused_tokens = n;
}

void TextWriter::begin(std::span<const float> logits) {
  next_ = sample(logits, history_, options_.sampling, rng_);
}

std::optional<Feed> TextWriter::ask() {
  if (!write(next_)) return std::nullopt;
  guesses_.clear();
  const size_t most = std::min(options_.draft_tokens, room_ - result_.tokens.size() - 1);
  if (options_.draft != nullptr && most > 0) guesses_ = options_.draft->propose(history_, most, rng_);
  asked_ = {next_};
  for (const DraftToken& guess : guesses_) asked_.push_back(guess.id);
  result_.drafted += guesses_.size();
  return Feed{asked_, cache_, asked_.size()};
}

void TextWriter::answer(const Tensor& logits, size_t first_row) {
  for (size_t i = 0; i < asked_.size(); ++i) {
    const auto p =
        sampling_distribution({logits.row(first_row + i), logits.cols()}, history_, options_.sampling);
    if (i == guesses_.size()) {
      next_ = draw(p, rng_);
      break;
    }
    const DraftChoice choice = check_draft(p, guesses_[i], rng_);
    next_ = choice.id;
    if (!choice.accepted) break;
    ++result_.accepted;
    if (!write(next_)) break;
  }
  cache_->truncate(history_.size());
}

bool TextWriter::write(TokenId id) {
  if (!options_.ignore_end && tokenizer_.is_end_of_generation(id)) return end("stop", true);
  result_.tokens.push_back(id);
  history_.push_back(id);
  if (options_.kept != nullptr) options_.kept->tokens.push_back(id);
  if (!emit(stream_.push(tokenizer_.token_bytes(id))) || stream_.stopped()) return end("stop", false);
  return result_.tokens.size() < room_ || end("length", true);
}

bool TextWriter::end(const char* why, bool flush) {
  result_.finish = why;
  alive_ = false;
  if (flush) emit(stream_.finish());
  return false;
}

bool TextWriter::emit(const std::string& text) {
  result_.text += text;
  return text.empty() || !on_text_ || on_text_(text);
}

}  // namespace hone
