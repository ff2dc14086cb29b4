// The generation loop: prompts first, then a token of every sequence a forward, perhaps with guesses behind
// it.
#include "runtime/generate.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/memory.h"
#include "runtime/advance.h"
#include "runtime/draft.h"
#include "runtime/text_stream.h"

namespace hone {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

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

KvFormat cache_type(const GenerateOptions& options) {
  return options.cache_type.value_or(options.compute == ComputeMode::kPrecise ? KvFormat::kF32
                                                                              : KvFormat::kF16);
}

// One text that is being written.
class Text {
 public:
  Text(const Model& model, const Tokenizer& tokenizer, std::span<const TokenId> prompt,
       const GenerateOptions& options, size_t seed_offset, std::function<bool(std::string_view)> on_text)
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

  bool alive() const { return alive_; }
  size_t capacity() const { return result_.prompt_tokens + room_; }
  void open_cache(const ModelConfig& config) {
    if (options_.kept == nullptr) {
      cache_ = &own_cache_.emplace(config, capacity(), cache_type(options_));
      return;
    }
    KeptText& kept = *options_.kept;
    cache_ = &kept.cache;
    // The last token is run in any case: its logits are wanted.
    const size_t most = std::min(cache_->length(), history_.size() - 1);
    size_t same = 0;
    while (same < most && kept.tokens[same] == history_[same]) ++same;
    cache_->truncate(same);
    kept.tokens = history_;
    result_.reused_tokens = same;
  }
  Feed prompt_feed() { return {std::span(history_).subspan(result_.reused_tokens), cache_}; }
  GenerateResult& result() { return result_; }

  // The token that follows the prompt.
  void begin(std::span<const float> logits) { next_ = sample(logits, history_, options_.sampling, rng_); }

  // Writes the token chosen last; then what the model is to be asked next: that token and guesses behind it.
  std::optional<Feed> ask() {
    if (!write(next_)) return std::nullopt;
    guesses_.clear();
    const size_t most = std::min(options_.draft_tokens, room_ - result_.tokens.size() - 1);
    if (options_.draft != nullptr && most > 0) guesses_ = options_.draft->propose(history_, most, rng_);
    asked_ = {next_};
    for (const DraftToken& guess : guesses_) asked_.push_back(guess.id);
    result_.drafted += guesses_.size();
    return Feed{asked_, cache_, asked_.size()};
  }

  // One row of logits for every token asked. Right guesses are written; then the next token is chosen.
  void answer(const Tensor& logits, size_t first_row) {
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

 private:
  // False when the text ends here.
  bool write(TokenId id) {
    if (!options_.ignore_end && tokenizer_.is_end_of_generation(id)) return end("stop", true);
    result_.tokens.push_back(id);
    history_.push_back(id);
    if (options_.kept != nullptr) options_.kept->tokens.push_back(id);
    if (!emit(stream_.push(tokenizer_.token_bytes(id))) || stream_.stopped()) return end("stop", false);
    return result_.tokens.size() < room_ || end("length", true);
  }
  // An end by stop string has nothing left, a caller who said stop wants nothing.
  bool end(const char* why, bool flush) {
    result_.finish = why;
    alive_ = false;
    if (flush) emit(stream_.finish());
    return false;
  }
  bool emit(const std::string& text) {
    result_.text += text;
    return text.empty() || !on_text_ || on_text_(text);
  }

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

// Keys and values of all tokens are set aside at once; better said than met half-way.
void check_memory(const ModelConfig& config, const std::vector<Text>& texts, KvFormat format) {
  uint64_t needed = 0, tokens = 0;
  for (const Text& text : texts) {
    needed += KvCache::bytes(config, text.capacity(), format);
    tokens += text.capacity();
  }
  const uint64_t available = available_memory_bytes();
  if (needed > available)
    fail(ErrorCode::kResourceExhausted,
         "generate: keys and values of {} tokens need {} of memory, {} are available; lower --max-tokens or "
         "take a smaller --cache-type",
         tokens, format_bytes(needed), format_bytes(available));
}

void check_single_options(const GenerateOptions& options, size_t n_prompts) {
  HONE_CHECK(options.kept == nullptr || n_prompts == 1);
  if (options.draft == nullptr) return;
  if (n_prompts != 1)
    fail(ErrorCode::kInvalidArgument,
         "generate: speculation: got {} prompts, expected one; several are decoded together without guesses",
         n_prompts);
  if (options.draft_tokens == 0 || options.draft_tokens > kMaxDraftTokens)
    fail(ErrorCode::kInvalidArgument, "generate: draft tokens: got {}, expected 1 to {}",
         options.draft_tokens, kMaxDraftTokens);
}

void decode(const Model& model, OpContext& ctx, std::vector<Text>& texts) {
  const auto start = Clock::now();
  std::vector<Text*> writing;
  for (Text& text : texts)
    if (text.alive()) writing.push_back(&text);
  while (!writing.empty()) {
    std::vector<Text*> asking;
    std::vector<Feed> feeds;
    for (Text* text : writing) {
      if (const std::optional<Feed> feed = text->ask()) {
        asking.push_back(text);
        feeds.push_back(*feed);
      }
      text->result().decode_seconds = seconds_since(start);
    }
    writing.clear();
    if (feeds.empty()) return;
    const Tensor logits = advance(model, ctx, feeds);
    size_t row = 0;
    for (size_t i = 0; i < asking.size(); ++i) {
      asking[i]->answer(logits, row);
      row += feeds[i].n_logits;
      asking[i]->result().decode_seconds = seconds_since(start);
      if (asking[i]->alive()) writing.push_back(asking[i]);
    }
  }
}

}  // namespace

std::vector<GenerateResult> generate_all(const Model& model, const Tokenizer& tokenizer,
                                         std::span<const std::vector<TokenId>> prompts,
                                         const GenerateOptions& options, const OnText& on_text) {
  validate(options.sampling);
  check_single_options(options, prompts.size());
  std::vector<Text> texts;
  texts.reserve(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    std::function<bool(std::string_view)> receive;
    if (on_text) receive = [&on_text, i](std::string_view text) { return on_text(i, text); };
    texts.emplace_back(model, tokenizer, prompts[i], options, i, std::move(receive));
  }
  if (options.kept == nullptr) check_memory(model.config(), texts, cache_type(options));
  std::vector<Feed> feeds;
  for (Text& text : texts) {
    if (!text.alive()) continue;
    text.open_cache(model.config());
    feeds.push_back(text.prompt_feed());
  }
  OpContext ctx{.compute = options.compute};
  const auto start = Clock::now();
  if (!feeds.empty()) {
    const Tensor logits = advance(model, ctx, feeds);
    if (options.draft != nullptr) options.draft->begin(prompts[0], texts[0].capacity());
    size_t row = 0;
    for (Text& text : texts) {
      if (text.alive()) text.begin({logits.row(row++), logits.cols()});
      text.result().prompt_seconds = seconds_since(start);
    }
    ctx.steady = options.draft != nullptr;  // the prompt goes as it would without
    decode(model, ctx, texts);
  }
  std::vector<GenerateResult> results;
  for (Text& text : texts) results.push_back(std::move(text.result()));
  return results;
}

GenerateResult generate(const Model& model, const Tokenizer& tokenizer, std::span<const TokenId> prompt,
                        const GenerateOptions& options,
                        const std::function<bool(std::string_view)>& on_text) {
  OnText receive;
  if (on_text) receive = [&](size_t, std::string_view text) { return on_text(text); };
  const std::vector<TokenId> only(prompt.begin(), prompt.end());
  return std::move(generate_all(model, tokenizer, std::span(&only, 1), options, receive)[0]);
}

}  // namespace hone
