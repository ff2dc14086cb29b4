#include "pipeline/measure.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/atomic_file.h"
#include "base/energy.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "pipeline/stage_store.h"
#include "runtime/generate.h"

namespace hone {

using Json = nlohmann::ordered_json;

namespace {

constexpr size_t kSpeedPrompt = 256;  // tokens
constexpr size_t kSpeedTokens = 32;
constexpr size_t kSpeedRuns = 3;

double at_share(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size()));
  return values.empty() ? 0 : values[std::min(at, values.size() - 1)];
}

double median(std::vector<double> values) {
  return at_share(std::move(values), 0.5);
}

}  // namespace

Timing time_model(const LoadedModel& loaded, const std::vector<TokenId>& prompt, ComputeMode compute) {
  Timing out;
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = kSpeedTokens;
  options.ignore_end = true;
  options.compute = compute;
  std::vector<double> prefill, decode, first, between, joules;
  EnergyMeter energy;
  for (size_t run = 0; run < kSpeedRuns; ++run) {
    throw_if_interrupted("timing");
    using Clock = std::chrono::steady_clock;
    Clock::time_point last = Clock::now();
    std::vector<double> gaps;
    energy.joules();
    const GenerateResult result =
        generate(loaded.model(), loaded.tokenizer(), prompt, options, [&](std::string_view) {
          const Clock::time_point now = Clock::now();
          gaps.push_back(std::chrono::duration<double, std::milli>(now - last).count());
          last = now;
          return true;
        });
    if (const auto used = energy.joules(); used && !result.tokens.empty())
      joules.push_back(*used / static_cast<double>(result.tokens.size() + result.prompt_tokens));
    if (!gaps.empty()) {
      first.push_back(gaps[0]);
      between.insert(between.end(), gaps.begin() + 1, gaps.end());
    }
    if (result.prompt_seconds > 0)
      prefill.push_back(static_cast<double>(result.prompt_tokens) / result.prompt_seconds);
    if (result.decoded() > 0 && result.decode_seconds > 0)
      decode.push_back(static_cast<double>(result.decoded()) / result.decode_seconds);
  }
  out.prefill_tok_s = median(prefill);
  out.decode_tok_s = median(decode);
  out.latency = {
      .first = median(first), .median = median(between), .p95 = at_share(between, 0.95), .joules = {}};
  if (!joules.empty()) out.latency.joules = median(joules);
  return out;
}

namespace {

std::vector<std::string> answer(const LoadedModel& loaded, const MeasureItems& items, const Recipe& recipe,
                                ComputeMode compute) {
  GenerateOptions options;
  options.sampling.temperature = 0;
  options.max_tokens = recipe.example_tokens;
  options.compute = compute;
  std::vector<std::string> answers;
  for (const ChatRecord& record : items.examples) {
    throw_if_interrupted("example answers");
    const std::vector<TokenId> prompt = encode_prompt(loaded.codec(), question_of(record), record.tools);
    answers.push_back(generate(loaded.model(), loaded.tokenizer(), prompt, options).text);
  }
  return answers;
}

// The start of the general text, or of the held-out chats, repeated up to the timing prompt's length.
void add_speed_prompt(const Tokenizer& tokenizer, MeasureItems& items) {
  const std::vector<ScoreItem>& source = items.general.empty() ? items.chats : items.general;
  std::vector<TokenId>& prompt = items.speed_prompt;
  if (source.empty()) return;
  for (size_t i = 0; prompt.size() < kSpeedPrompt; i = (i + 1) % source.size())
    prompt.insert(prompt.end(), source[i].batch.tokens.begin(), source[i].batch.tokens.end());
  prompt.resize(kSpeedPrompt);
  items.speed_text = tokenizer.decode(prompt);
}

std::vector<ScoreItem> general_windows(const Recipe& recipe, const Tokenizer& tokenizer) {
  if (recipe.eval.general.empty()) return {};
  const auto convention =
      recipe.eval.convention == "paper" ? PerplexityConvention::kPaper : PerplexityConvention::kLlamaCpp;
  return perplexity_items(tokenizer, read_file(recipe.eval.general), convention, recipe.eval.context,
                          recipe.eval.max_windows);
}

// n records spread evenly over the file.
std::vector<ChatRecord> spread(const std::vector<ChatRecord>& records, size_t n) {
  std::vector<ChatRecord> out;
  n = std::min(n, records.size());
  for (size_t i = 0; i < n; ++i) out.push_back(records[i * records.size() / n]);
  return out;
}

size_t last_assistant(const ChatRecord& record) {
  for (size_t i = record.messages.size(); i > 0; --i) {
    if (record.messages[i - 1].value("role", "") == "assistant") return i - 1;
  }
  return record.messages.size();
}

// In this form since the first runs: a change would measure all of them again.
Json items_key(const Recipe& recipe) {
  Json key;
  key["test"] = content_hash(recipe.test);
  key["limit"] = recipe.eval.limit;
  key["max_length"] = recipe.max_length;
  key["general"] = recipe.eval.general.empty() ? "" : content_hash(recipe.eval.general);
  key["convention"] = recipe.eval.convention;
  key["context"] = recipe.eval.context;
  key["max_windows"] = recipe.eval.max_windows;
  key["speed"] = recipe.eval.speed;
  key["examples"] = recipe.examples;
  key["example_tokens"] = recipe.example_tokens;
  return key;
}

// Sorts one candidate's tokens into buckets as they are scored.
class RaritySums {
 public:
  RaritySums(const TokenCounts& counts, const std::vector<ScoreItem>& items) : counts_(counts) {
    for (const ScoreItem& item : items) n_documents_ = std::max(n_documents_, item.document + 1);
  }
  void add(const TokenScore& token) {
    const auto [low, high] = range_of(counts_, token.target);
    RarityBucket& bucket = buckets_[low];
    if (bucket.nll.empty()) bucket = {low, high, std::vector<DocumentScore>(n_documents_)};
    bucket.nll[token.document].sum += token.nll;
    bucket.nll[token.document].count += 1;
  }
  std::vector<RarityBucket> take() {
    std::vector<RarityBucket> out;
    for (auto& [low, bucket] : buckets_) out.push_back(std::move(bucket));
    return out;
  }

 private:
  const TokenCounts& counts_;
  size_t n_documents_ = 0;
  std::map<uint64_t, RarityBucket> buckets_;
};

}  // namespace

Json question_of(const ChatRecord& record) {
  const auto begin = record.messages.begin();
  return Json(std::vector<Json>(begin, begin + static_cast<std::ptrdiff_t>(last_assistant(record))));
}

std::string reference_answer(const ChatRecord& record) {
  const size_t at = last_assistant(record);
  return at < record.messages.size() ? record.messages[at].value("content", "") : std::string();
}

std::string question_text(const ChatRecord& record) {
  const Json question = question_of(record);
  return question.empty() ? std::string() : question.back().value("content", "");
}

MeasureItems general_items(const Recipe& recipe, const Tokenizer& tokenizer) {
  MeasureItems items;
  items.general = general_windows(recipe, tokenizer);
  if (recipe.eval.speed) add_speed_prompt(tokenizer, items);
  return items;
}

MeasureItems make_items(const Recipe& recipe, const ChatCodec& codec) {
  MeasureItems items;
  items.general = general_windows(recipe, codec.tokenizer);
  const Dataset test = load_dataset(recipe.test, codec, recipe.max_length, recipe.eval.limit);
  items.chats = chat_items(test);
  items.n_chats = test.samples.size();
  items.n_chat_tokens = test.n_tokens;
  std::vector<ChatRecord> records = read_chats(recipe.test);
  if (recipe.eval.limit > 0 && records.size() > recipe.eval.limit) records.resize(recipe.eval.limit);
  items.examples = spread(records, recipe.examples);
  if (recipe.eval.speed) add_speed_prompt(codec.tokenizer, items);
  items.key = items_key(recipe);
  return items;
}

std::string items_hash(const std::vector<ScoreItem>& items) {
  Hasher hasher;
  for (const ScoreItem& item : items) {
    hasher.add(fmt::format("{} {} {};", item.document, item.batch.tokens.size(), item.targets.size()));
    hasher.add(std::as_bytes(std::span(item.batch.tokens)));
    hasher.add(std::as_bytes(std::span(item.targets)));
  }
  return hasher.digest();
}

std::vector<ErrorParts> measure_parts(const std::vector<Subject>& subjects, const Model& reference,
                                      const MeasureItems& items, ComputeMode compute) {
  std::vector<Candidate> candidates;
  std::string names;
  for (const Subject& subject : subjects) {
    const Model& model = subject.loaded->model();
    candidates.push_back({.model = &model, .compute = ComputeMode::kPrecise});
    candidates.push_back({.model = &model, .compute = compute, .cache_type = KvFormat::kF16});
    names += (names.empty() ? "" : ", ") + subject.name;
  }
  std::vector<Scores> scores = score(candidates, &reference, items.chats, names + ": where loss comes from");
  std::vector<ErrorParts> out;
  for (size_t i = 0; i < subjects.size(); ++i)
    out.push_back({.precise = std::move(scores[2 * i]), .cached = std::move(scores[2 * i + 1])});
  return out;
}

std::vector<Measurement> measure(const std::vector<Subject>& subjects, const Model* reference,
                                 const MeasureItems& items, const Recipe& recipe, ComputeMode compute) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Candidate> candidates;
  std::string names;
  for (const Subject& subject : subjects) {
    candidates.push_back({.model = &subject.loaded->model(), .compute = compute});
    names += (names.empty() ? "" : ", ") + subject.name;
  }
  std::vector<Scores> chats(subjects.size()), general(subjects.size());
  std::vector<RaritySums> rarity(subjects.size(), RaritySums(items.counts, items.chats));
  TokenSink sink;
  if (!items.counts.of.empty()) sink = [&](size_t i, const TokenScore& token) { rarity[i].add(token); };
  if (!items.chats.empty()) chats = score(candidates, reference, items.chats, names + ": answers", sink);
  if (!items.general.empty()) general = score(candidates, reference, items.general, names + ": general");
  std::vector<Measurement> out(subjects.size());
  for (size_t i = 0; i < subjects.size(); ++i) {
    out[i].chats = std::move(chats[i]);
    out[i].general = std::move(general[i]);
    out[i].rarity = rarity[i].take();
    if (subjects[i].answers) out[i].answers = answer(*subjects[i].loaded, items, recipe, compute);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (Measurement& m : out) m.seconds = seconds / static_cast<double>(out.size());
  return out;
}

}  // namespace hone
