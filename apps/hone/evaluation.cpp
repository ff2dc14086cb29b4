#include "evaluation.h"

#include <algorithm>

#include "base/error.h"
#include "eval/divergence.h"
#include "eval/neutral_chats.h"
#include "io/weight_source.h"

namespace hone::cli {
namespace {

// Equal ids must mean equal text: probabilities of other tokens cannot be compared.
void check_same_tokens(const std::string& name, const LoadedModel& reference, const LoadedModel& loaded) {
  const TokenizerData &a = reference.tokenizer().data(), &b = loaded.tokenizer().data();
  for (size_t i = 0; i < std::min(a.tokens.size(), b.tokens.size()); ++i) {
    const bool unused = a.types[i] == TokenType::kUnused || b.types[i] == TokenType::kUnused;
    if (!unused && a.tokens[i] != b.tokens[i])
      fail(ErrorCode::kInvalidArgument,
           "--reference {}: its tokenizer is not the model's: token {} is \"{}\" there and \"{}\" here; take "
           "the "
           "same model in another format",
           name, i, printable(a.tokens[i]), printable(b.tokens[i]));
  }
}

}  // namespace

Evaluation::Evaluation(const EvalArguments& arguments, const CommonOptions& common, const LoadedModel& loaded,
                       const LoadedModel* reference)
    : arguments_(arguments),
      seed_(common.seed),
      loaded_(loaded),
      reference_(reference),
      candidate_{.model = &loaded.model(), .compute = serving_mode(common.precise)} {
  if (reference != nullptr) check_same_tokens(arguments.reference, *reference, loaded);
  if (!arguments.cache_type.empty()) candidate_.cache_type = kv_format_named(arguments.cache_type);
  const char* compute = compute_mode_name(candidate_.compute);
  out_.text = fmt::format("{}, compute {}\n", arguments.model, compute);
  out_.protocol = {{"compute", compute}};
  if (candidate_.cache_type) out_.protocol["cache_type"] = kv_format_name(*candidate_.cache_type);
  if (!arguments.rare.counts_from.empty()) counts_ = counts_of_file(arguments.rare.counts_from, loaded);
}

void Evaluation::text(const std::string& source) {
  const bool paper = arguments_.convention == "paper";
  const auto items = perplexity_items(loaded_.tokenizer(), source,
                                      paper ? PerplexityConvention::kPaper : PerplexityConvention::kLlamaCpp,
                                      arguments_.context, arguments_.max_windows);
  const Scored scored = score_items(items, "text");
  out_.add("perplexity", bootstrap_perplexity(scored.sums.nll, seed_),
           fmt::format("{} convention, context {}, {} windows", arguments_.convention, arguments_.context,
                       items.size()));
  out_.add("bits_per_byte", bootstrap_mean(bits_by_byte(scored.sums.nll, items, loaded_.tokenizer()), seed_),
           "of the scored tokens' text");
  add_divergence("", scored);
  if (arguments_.rare.on)
    add_rare("text", scored.tokens, arguments_.text + " (the evaluated text)",
             [&] { return count_tokens(loaded_.tokenizer(), source); });
  out_.protocol["convention"] = arguments_.convention;
  out_.protocol["context"] = arguments_.context;
  out_.protocol["windows"] = items.size();
  out_.protocol["text"] = arguments_.text;
}

void Evaluation::chats() {
  const Dataset chats = read(arguments_.chat);
  const Scored scored = score_items(chat_items(chats), "answers");
  out_.add("answer_loss", bootstrap_mean(scored.sums.nll, seed_),
           fmt::format("nats per token over {} answers", chats.samples.size()));
  add_divergence(arguments_.text.empty() ? "" : "_chat", scored);
  if (arguments_.rare.on)
    add_rare("chat", scored.tokens, arguments_.chat + " (the evaluated answers)",
             [&] { return count_tokens(loaded_.tokenizer(), chats); });
  out_.protocol["chats"] = chats.samples.size();
  out_.protocol["max_length"] = max_length();
  out_.protocol["chat"] = arguments_.chat;
  if (!arguments_.overfit.train.empty()) add_training(chats, scored.tokens);
}

void Evaluation::neutral() {
  const Dataset chats = neutral_dataset(loaded_.codec(), max_length());
  const Scored scored = score_items(chat_items(chats), "neutral chats");
  out_.text += fmt::format("drift on {} short chats about nothing in particular ({}):\n",
                           chats.samples.size(), kNeutralChats);
  out_.add("answer_loss_neutral", bootstrap_mean(scored.sums.nll, seed_), "nats per token");
  add_divergence("_neutral", scored);
  out_.protocol["neutral"] = kNeutralChats;
}

void Evaluation::refusals() {
  add_refusals(out_, arguments_.refusals, arguments_.limit, loaded_, candidate_, reference_, seed_);
}

void Evaluation::tasks(const TaskSet& set) {
  const Side model{loaded_, candidate_};
  std::optional<Side> other;
  if (reference_ != nullptr)
    other.emplace(Side{*reference_, {.model = &reference_->model(), .compute = ComputeMode::kPrecise}});
  run_tasks(set, model, other ? &*other : nullptr, arguments_.tasks.details, out_.parts, out_.metrics,
            out_.text);
  for (const Json& task : out_.parts["tasks"]) out_.protocol["tasks"].push_back(task.at("protocol"));
}

EvalOutput Evaluation::take() {
  if (reference_ != nullptr) out_.protocol["reference"] = arguments_.reference + ", precise (f32)";
  if (!arguments_.adapters.texts.empty()) out_.protocol["adapters"] = arguments_.adapters.json();
  return std::move(out_);
}

size_t Evaluation::max_length() const {
  return std::min(arguments_.max_length, loaded_.model().config().context_length);
}

Dataset Evaluation::read(const std::string& path) const {
  return load_dataset(path, loaded_.codec(), max_length(), arguments_.limit);
}

Evaluation::Scored Evaluation::score_items(const std::vector<ScoreItem>& items,
                                           const std::string& label) const {
  Scored out;
  TokenSink sink;
  if (reference_ != nullptr || arguments_.rare.on || !arguments_.overfit.train.empty())
    sink = [&](size_t, const TokenScore& token) { out.tokens.tokens.push_back(token); };
  const Model* reference = reference_ == nullptr ? nullptr : &reference_->model();
  out.sums = std::move(score({candidate_}, reference, items, label, sink, reference != nullptr)[0]);
  out.tokens.n_documents = out.sums.nll.size();
  out.tokens.compared = reference != nullptr;
  return out;
}

void Evaluation::add_divergence(const std::string& suffix, const Scored& scored) {
  if (reference_ == nullptr) return;
  const Divergence d = divergence(scored.tokens, seed_);
  out_.add("kl" + suffix, bootstrap_mean(scored.sums.kl, seed_), "nats to the reference, f32");
  out_.text += fmt::format("  {:<24} median {:.4f}, 90 % {:.4f}, 99 % {:.4f}, largest {:.4f}\n", "",
                           d.kl_median, d.kl_p90, d.kl_p99, d.kl_max);
  out_.metrics["kl" + suffix]["percentiles"] = {
      {"50", d.kl_median}, {"90", d.kl_p90}, {"99", d.kl_p99}, {"100", d.kl_max}};
  out_.add("js" + suffix, d.js, "Jensen-Shannon divergence, nats");
  out_.add("top1_agreement" + suffix, bootstrap_mean(scored.sums.top1, seed_), "share of tokens");
  out_.add("top5_agreement" + suffix, d.top5, "share of the reference's five in the model's five");
  out_.add("delta_p" + suffix, d.delta_p, "mean change of p(right token)");
  out_.add("delta_p_rms" + suffix, d.delta_p_rms, "root mean square of that change");
}

void Evaluation::add_rare(const std::string& key, const TokenScores& tokens, const std::string& own_source,
                          const std::function<TokenCounts()>& own_counts) {
  if (counts_)
    add_buckets(out_, key, tokens, *counts_, arguments_.rare.counts_from, seed_);
  else
    add_buckets(out_, key, tokens, own_counts(), own_source, seed_);
  out_.protocol["rare"] = "tokens in buckets of 0, 1-9, 10-99, … occurrences";
  out_.protocol["rare_counts_from"] = counts_ ? arguments_.rare.counts_from : "the evaluated file";
}

void Evaluation::add_training(const Dataset& held_out, const TokenScores& held_out_tokens) {
  const OverfitOptions& options = arguments_.overfit;
  const Dataset train = read(options.train);
  const Scored scored = score_items(chat_items(train), "training answers");
  add_overfit(out_, overfit(scored.tokens, held_out_tokens, options.memorised, seed_), options, train,
              held_out);
}

}  // namespace hone::cli
