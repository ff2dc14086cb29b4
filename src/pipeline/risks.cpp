#include "pipeline/risks.h"

#include <fmt/format.h>

#include "data/contamination.h"
#include "eval/neutral_chats.h"
#include "eval/overfit.h"
#include "pipeline/refusal_rates.h"
#include "pipeline/run_report.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 2;

std::vector<ScoreItem> training_items(const RunContext& run) {
  Dataset some;
  const size_t n = std::min(run.items.chats.size(), run.train.samples.size());
  for (size_t i = 0; i < n; ++i) some.samples.push_back(run.train.samples[i * run.train.samples.size() / n]);
  return chat_items(some);
}

struct Models {
  const LoadedModel &base, &tuned;
  ComputeMode compute;
};

TokenScores tokens_of(const Models& models, const std::vector<ScoreItem>& items, const std::string& label) {
  TokenScores out{.tokens = {}, .n_documents = items.size(), .compared = true};
  score({{.model = &models.tuned.model(), .compute = models.compute}}, &models.base.model(), items, label,
        [&](size_t, const TokenScore& token) { out.tokens.push_back(token); });
  return out;
}

void add_refusals(const RunContext& run, const Models& models, std::vector<RiskRow>& out) {
  const std::vector<ChatRecord> prompts = read_chats(run.recipe.eval.refusals);
  const auto refused = [&](const LoadedModel& loaded, const char* name) {
    return count_refusals(greedy_answers(loaded, {.model = &loaded.model(), .compute = models.compute},
                                         prompts, kRefusalTokens, fmt::format("risks: refusals, {}", name)));
  };
  const auto base = refused(models.base, "base"), tuned = refused(models.tuned, "tuned");
  out.push_back({"refusals", "base", measured(bootstrap_mean(base))});
  out.push_back({"refusals", "tuned", measured(bootstrap_mean(tuned))});
  out.push_back({"refusals", "change", measured(mean_difference(base, tuned))});
}

std::vector<RiskRow> measure_now(RunContext& run, const Models& models) {
  const ChatCodec codec{.tokenizer = *run.tokenizer, .chat_template = *run.chat_template};
  const TokenScores train = tokens_of(models, training_items(run), "risks: training answers");
  const TokenScores held_out = tokens_of(models, run.items.chats, "risks: held-out answers");
  const TokenScores neutral =
      tokens_of(models, chat_items(neutral_dataset(codec, run.recipe.max_length)), "risks: neutral chats");
  const Overfit overfitted = overfit(train, held_out);
  std::vector<RiskRow> out = {{"overfit", "base", measured(overfitted.base->loss.gap)},
                              {"overfit", "tuned", measured(overfitted.model.loss.gap)},
                              {"overfit", "widening", measured(*overfitted.widening)}};
  if (overfitted.model.train.n_answers > 0)
    out.push_back({"by_heart", "training", measured(overfitted.model.train.verbatim)});
  if (overfitted.model.held_out.n_answers > 0)
    out.push_back({"by_heart", "held-out", measured(overfitted.model.held_out.verbatim)});
  const auto kl =
      document_sums(neutral.tokens, neutral.n_documents, [](const TokenScore& t) { return t.kl; });
  out.push_back({"drift", "tuned", measured(bootstrap_mean(kl))});
  if (!run.recipe.eval.refusals.empty()) add_refusals(run, models, out);
  return out;
}

RiskRow overlap(const RunContext& run) {
  std::vector<Document> test = read_documents(run.recipe.test);
  if (run.recipe.eval.limit > 0 && test.size() > run.recipe.eval.limit) test.resize(run.recipe.eval.limit);
  const Contamination found = find_contamination(read_documents(run.recipe.train), test);
  const double share = static_cast<double>(found.n_known) / static_cast<double>(found.n_documents);
  return {"overlap", "held-out", {.value = share, .n = found.n_documents, .low = share, .high = share}};
}

Json to_json(const std::vector<RiskRow>& rows) {
  Json out = Json::array();
  for (const RiskRow& row : rows)
    out.push_back({{"kind", row.kind},
                   {"of", row.of},
                   {"value", {row.value.value, row.value.stderr_, row.value.low, row.value.high}},
                   {"n", row.value.n}});
  return out;
}

std::vector<RiskRow> from_json(const Json& json) {
  std::vector<RiskRow> out;
  for (const Json& row : json) {
    const std::vector<double> v = row.at("value").get<std::vector<double>>();
    out.push_back({row.at("kind").get<std::string>(),
                   row.at("of").get<std::string>(),
                   {.value = v.at(0),
                    .stderr_ = v.at(1),
                    .n = row.at("n").get<uint64_t>(),
                    .low = v.at(2),
                    .high = v.at(3)}});
  }
  return out;
}

}  // namespace

std::vector<RiskRow> measure_risks(RunContext& run, const StageModel& base, const StageModel& tuned) {
  Json items = run.items.key;
  items["compute"] = compute_mode_name(run.compute);
  Json parts = {{"stage", "risks"},
                {"version", kVersion},
                {"computes", kMeasureVersion},
                {"neutral", kNeutralChats},
                {"train", content_hash(run.recipe.train)},
                {"items", items},
                {"base", base.model_hash},
                {"adapter", tuned.adapter_hash}};
  if (!run.recipe.eval.refusals.empty()) parts["refusals"] = content_hash(run.recipe.eval.refusals);
  const std::string key = key_of(parts);
  if (const std::optional<Json> stored = run.store.find("risks", key)) return from_json(*stored);
  const AdapterChoice adapter{.path = tuned.adapter};
  const LoadedModel base_model(base.model), tuned_model(tuned.model, std::span(&adapter, 1));
  std::vector<RiskRow> out = measure_now(run, {base_model, tuned_model, run.compute});
  out.push_back(overlap(run));
  run.store.save("risks", key, to_json(out));
  return out;
}

}  // namespace hone
