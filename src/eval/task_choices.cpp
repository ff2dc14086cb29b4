// Tasks scored by log p: multiple choice, and the last word.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "eval/plain_text.h"
#include "eval/task_score.h"

namespace hone {
namespace {

// Where in the likelihood items a choice's number is found.
struct Place {
  size_t item, continuation;
};

struct Requests {
  std::vector<LikelihoodItem> items;
  std::vector<std::vector<Place>> places;  // per task item and choice
  size_t n_truncated = 0;
};

// Cuts the beginning of a prompt so that it fits with what is scored; true when it had to.
bool truncate(TokenPair& pair, size_t context, const std::string& where) {
  const size_t total = pair.context.size() + pair.continuation.size();
  if (context == 0 || total <= context + 1) return false;  // the last token is never read
  const size_t excess = total - context - 1;
  if (excess >= pair.context.size())
    fail(ErrorCode::kInvalidArgument,
         "{}: got a choice of {} tokens, expected at most the model's context of {}", where,
         pair.continuation.size(), context);
  pair.context.erase(pair.context.begin(), pair.context.begin() + static_cast<std::ptrdiff_t>(excess));
  return true;
}

class RequestMaker {
 public:
  RequestMaker(const TaskModel& model, const TaskFile& file, const Prompts& prompts)
      : model_(model), file_(file), prompts_(prompts) {}

  Requests make() {
    for (size_t i = 0; i < file_.items.size(); ++i) add(i);
    return std::move(out_);
  }

 private:
  void add(size_t i) {
    const TaskItem& item = file_.items[i];
    const std::vector<std::string> contexts = prompts_.of(i);
    const size_t first = out_.items.size();  // choices of one item share contexts among themselves only
    out_.places.emplace_back();
    bool truncated = false;
    for (size_t c = 0; c < std::max(contexts.size(), item.choices.size()); ++c) {
      const std::string& choice = item.choices[item.choices.size() == 1 ? 0 : c];
      TokenPair pair = encode_pair(model_.tokenizer, contexts[contexts.size() == 1 ? 0 : c],
                                   std::string(prompts_.delimiter()) + choice);
      const std::string where =
          fmt::format("{}:{}: {}: choice {}", file_.path.string(), item.line, file_.task->name, c);
      if (pair.continuation.empty())
        fail(ErrorCode::kInvalidArgument, "{}: got no tokens behind the context, expected at least one",
             where);
      truncated = truncate(pair, model_.candidate.model->config().context_length, where) || truncated;
      place(first, std::move(pair));
    }
    out_.n_truncated += truncated ? 1 : 0;
  }

  void place(size_t first, TokenPair pair) {
    size_t at = first;
    while (at < out_.items.size() && out_.items[at].context != pair.context) ++at;
    if (at == out_.items.size()) out_.items.push_back({std::move(pair.context), {}});
    out_.places.back().push_back({at, out_.items[at].continuations.size()});
    out_.items[at].continuations.push_back(std::move(pair.continuation));
  }

  const TaskModel& model_;
  const TaskFile& file_;
  const Prompts& prompts_;
  Requests out_;
};

// The first of the largest, as numpy's argmax.
size_t argmax(const std::vector<double>& values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

double margin(const std::vector<double>& values, size_t best) {
  double second = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < values.size(); ++i)
    if (i != best) second = std::max(second, values[i]);
  return values.size() < 2 ? 0 : values[best] - second;
}

// 1 when the choice with the most log p per unit of its length is the right one.
template <typename Length>
double right_per(const TaskItem& item, const std::vector<double>& log_p, Length length) {
  std::vector<double> scaled(log_p.size());
  for (size_t c = 0; c < log_p.size(); ++c) scaled[c] = log_p[c] / length(item.choices[c]);
  return argmax(scaled) == item.answer ? 1 : 0;
}

// Share of the choices' probability that lies on true ones.
double true_share(const TaskItem& item, const std::vector<double>& log_p) {
  const double largest = log_p[argmax(log_p)];
  double all = 0, on_true = 0;
  for (size_t c = 0; c < log_p.size(); ++c) {
    const double p = std::exp(log_p[c] - largest);
    all += p;
    if (item.true_choices[c] != 0) on_true += p;
  }
  return on_true / all;
}

void add_choice(const Task& task, const TaskItem& item, ItemResult& result,
                std::vector<TaskMetric>& metrics) {
  const std::vector<double>& log_p = result.log_likelihoods;
  result.prediction = argmax(log_p);
  result.margin = margin(log_p, result.prediction);
  result.correct = item.true_choices.empty() ? result.prediction == item.answer
                                             : item.true_choices[result.prediction] != 0;
  size_t m = 0;
  if (!item.true_choices.empty()) metrics[m++].values.push_back(true_share(item, log_p));
  metrics[m++].values.push_back(result.correct ? 1 : 0);
  if (!task.normalised) return;
  metrics[m++].values.push_back(right_per(
      item, log_p, [](const std::string& text) { return static_cast<double>(count_characters(text)); }));
  metrics[m++].values.push_back(
      right_per(item, log_p, [](const std::string& text) { return static_cast<double>(text.size()); }));
}

std::vector<TaskMetric> empty_metrics(const TaskFile& file) {
  std::vector<std::string> names;
  if (file.task->kind == TaskKind::kLastWord)
    names = {"acc", "perplexity"};
  else {
    if (!file.items[0].true_choices.empty()) names.emplace_back("true_share");
    names.emplace_back("acc");
    if (file.task->normalised) names.insert(names.end(), {"acc_norm", "acc_bytes"});
  }
  std::vector<TaskMetric> metrics;
  for (std::string& name : names) metrics.push_back({.name = std::move(name), .estimate = {}, .values = {}});
  return metrics;
}

void estimate(std::vector<TaskMetric>& metrics, uint64_t seed) {
  for (TaskMetric& metric : metrics) {
    if (metric.name != "perplexity") {
      metric.estimate = mean_of_items(metric.values, seed);
      continue;
    }
    std::vector<DocumentScore> documents;
    for (const double value : metric.values) documents.push_back({value, 1});
    metric.estimate = bootstrap_perplexity(documents, seed);
  }
}

}  // namespace

TaskResult score_choices(const TaskModel& model, const TaskFile& file, const Prompts& prompts, uint64_t seed,
                         const std::string& label) {
  const Requests requests = RequestMaker(model, file, prompts).make();
  const auto scores = likelihoods(model.candidate, requests.items, label);
  TaskResult result;
  result.metrics = empty_metrics(file);
  result.n_truncated = requests.n_truncated;
  for (size_t i = 0; i < file.items.size(); ++i) {
    ItemResult& item = result.items.emplace_back();
    bool greedy = true;
    for (const Place& place : requests.places[i]) {
      const Likelihood& score = scores[place.item][place.continuation];
      item.log_likelihoods.push_back(score.sum);
      greedy = score.greedy;
    }
    if (file.task->kind == TaskKind::kChoice) {
      add_choice(*file.task, file.items[i], item, result.metrics);
    } else {
      item.correct = greedy;
      result.metrics[0].values.push_back(greedy ? 1 : 0);
      result.metrics[1].values.push_back(-item.log_likelihoods[0]);
    }
  }
  estimate(result.metrics, seed);
  return result;
}

}  // namespace hone
