// The generation loop: prompts first, then a token of every sequence a forward, perhaps with guesses behind
// it.
#include "runtime/generate.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/memory.h"
#include "runtime/text_writer.h"

namespace hone {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

size_t together(const GenerateOptions& options, size_t n_texts) {
  return options.together == 0 ? n_texts : std::min(options.together, n_texts);
}

// Keys and values of all tokens are set aside at once; better said than met half-way.
void check_memory(const ModelConfig& config, const std::vector<TextWriter>& texts,
                  const GenerateOptions& options) {
  std::vector<size_t> capacities;
  capacities.reserve(texts.size());
  for (const TextWriter& text : texts) capacities.push_back(text.capacity());
  std::sort(capacities.rbegin(), capacities.rend());
  capacities.resize(together(options, texts.size()));
  uint64_t needed = 0, tokens = 0;
  for (const size_t capacity : capacities) {
    needed += KvCache::bytes(config, capacity, cache_type(options), KvKept::kSeen);
    tokens += capacity;
  }
  if (options.draft != nullptr && !capacities.empty()) needed += options.draft->bytes(capacities.front());
  const uint64_t available = available_memory_bytes();
  if (needed > available)
    fail(ErrorCode::kResourceExhausted,
         "generate: keys and values of {} tokens need {} of memory, {} are available; lower --max-tokens or "
         "take a smaller --cache-type",
         tokens, format_bytes(needed), format_bytes(available));
}

void check_options(const GenerateOptions& options, size_t n_prompts) {
  HONE_CHECK(options.kept == nullptr || n_prompts == 1);
  HONE_CHECK(!options.steady || (options.together > 0 && options.together <= kSteadyRows));
  if (options.draft == nullptr) return;
  if (n_prompts != 1)
    fail(ErrorCode::kInvalidArgument,
         "generate: speculation: got {} prompts, expected one; several are decoded together without guesses",
         n_prompts);
  if (options.draft_tokens == 0 || options.draft_tokens > kMaxDraftTokens)
    fail(ErrorCode::kInvalidArgument, "generate: draft tokens: got {}, expected 1 to {}",
         options.draft_tokens, kMaxDraftTokens);
}

class Loop {
 public:
  Loop(const Model& model, const GenerateOptions& options, std::vector<TextWriter>& texts)
      : model_(model), options_(options), texts_(texts), stem_(model, cache_type(options)) {}

  void run() {
    const size_t most = together(options_, texts_.size());
    while (next_ < texts_.size() || !writing_.empty()) {
      const size_t room = most - writing_.size();
      if (next_ < texts_.size() && room > 0) begin_texts(room);
      if (!writing_.empty()) write_tokens();
    }
  }

 private:
  // The next texts: what follows their prompts.
  void begin_texts(size_t room) {
    const auto start = Clock::now();
    OpContext ctx{.compute = options_.compute};
    std::vector<TextWriter*> begun;
    std::vector<Feed> feeds;
    for (; next_ < texts_.size() && begun.size() < room; ++next_) {
      TextWriter& text = texts_[next_];
      if (!text.alive()) {
        ended();
        continue;
      }
      text.open_cache(model_.config());
      if (options_.share_beginnings) share_beginning(ctx, text);
      begun.push_back(&text);
      feeds.push_back(text.prompt_feed());
    }
    if (begun.empty()) return;
    const Tensor logits = advance(model_, ctx, feeds);
    if (options_.draft != nullptr) options_.draft->begin(begun[0]->history(), begun[0]->capacity());
    for (size_t i = 0; i < begun.size(); ++i) begun[i]->begin({logits.row(i), logits.cols()});
    prompt_seconds_ += seconds_since(start);
    writing_.insert(writing_.end(), begun.begin(), begun.end());
    for (TextWriter* text : writing_) text->result().prompt_seconds = prompt_seconds_;
  }

  // The stem grows to what this prompt and the next have in common; so much less is left of both.
  void share_beginning(OpContext& ctx, TextWriter& text) {
    const std::span<const TokenId> prompt = text.history().first(text.history().size() - 1);
    if (next_ + 1 < texts_.size()) {
      const size_t wanted = common_beginning(prompt, texts_[next_ + 1].history());
      if (wanted >= stem_.common(prompt, text.capacity()) + kMinStem)
        stem_.become(ctx, prompt.first(wanted), text.capacity());
    }
    const size_t shared = stem_.common(prompt, text.capacity());
    if (shared >= kMinStem) text.begin_with(stem_, shared);
  }

  // A token, or several by guesses, of every text that is being written.
  void write_tokens() {
    const auto start = Clock::now();
    std::vector<TextWriter*> asking;
    std::vector<Feed> feeds;
    for (TextWriter* text : writing_) {
      const std::optional<Feed> feed = text->ask();
      text->result().decode_seconds = decode_seconds_ + seconds_since(start);
      if (!feed) {
        end(*text);
        continue;
      }
      asking.push_back(text);
      feeds.push_back(*feed);
    }
    writing_.clear();
    if (feeds.empty()) return;
    OpContext ctx{.compute = options_.compute, .steady = options_.steady || options_.draft != nullptr};
    const Tensor logits = advance(model_, ctx, feeds);
    size_t row = 0;
    for (size_t i = 0; i < asking.size(); ++i) {
      asking[i]->answer(logits, row);
      row += feeds[i].n_logits;
      asking[i]->result().decode_seconds = decode_seconds_ + seconds_since(start);
      if (asking[i]->alive())
        writing_.push_back(asking[i]);
      else
        end(*asking[i]);
    }
    decode_seconds_ += seconds_since(start);
  }

  void end(TextWriter& text) {
    text.close_cache();
    ended();
  }
  void ended() {
    ++n_ended_;
    if (options_.on_end) options_.on_end(n_ended_);
  }

  const Model& model_;
  const GenerateOptions& options_;
  std::vector<TextWriter>& texts_;
  Stem stem_;
  std::vector<TextWriter*> writing_;
  size_t next_ = 0, n_ended_ = 0;  // the first text not begun
  double prompt_seconds_ = 0, decode_seconds_ = 0;
};

}  // namespace

std::vector<GenerateResult> generate_all(const Model& model, const Tokenizer& tokenizer,
                                         std::span<const std::vector<TokenId>> prompts,
                                         const GenerateOptions& options, const OnText& on_text) {
  validate(options.sampling);
  check_options(options, prompts.size());
  std::vector<TextWriter> texts;
  texts.reserve(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    std::function<bool(std::string_view)> receive;
    if (on_text) receive = [&on_text, i](std::string_view text) { return on_text(i, text); };
    texts.emplace_back(model, tokenizer, prompts[i], options, i, std::move(receive));
  }
  if (options.kept == nullptr) check_memory(model.config(), texts, options);
  Loop(model, options, texts).run();
  std::vector<GenerateResult> results;
  results.reserve(texts.size());
  for (TextWriter& text : texts) results.push_back(std::move(text.result()));
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
