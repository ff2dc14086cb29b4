#include "eval/details.h"

#include "eval/item_text.h"

namespace hone {

using Json = nlohmann::ordered_json;

namespace {

void add_choices(const TaskItem& item, const ItemResult& result, Json& line) {
  if (item.contexts.size() > 1)
    line["contexts"] = item.contexts;
  else
    line["choices"] = item.choices;
  line["answer"] = item.answer;
  line["prediction"] = result.prediction;
  line["margin"] = result.margin;
}

void add_written(const TaskItem& item, const ItemResult& result, const ItemResult* reference, Json& line) {
  if (!item.choices.empty()) line["answers"] = item.choices;
  line["written"] = result.written;
  line["extracted"] = result.extracted;
  line["finish"] = result.finish;
  if (reference == nullptr) return;
  line["reference_written"] = reference->written;
  line["reference_extracted"] = reference->extracted;
}

Json item_line(const TaskResult& result, size_t i, const TaskResult* reference) {
  const TaskItem& item = result.file->items[i];
  const ItemResult& own = result.items[i];
  Json line;
  line["task"] = result.file->task->name;
  line["line"] = item.line;
  if (!item.category.empty()) line["category"] = item.category;
  if (item.contexts.size() == 1) line["context"] = end_of(item.contexts[0]);
  line["prompt_hash"] = own.prompt_hash;
  line["correct"] = own.correct;
  if (reference != nullptr) {
    line["reference_correct"] = reference->items[i].correct;
    line["flip"] = own.correct == reference->items[i].correct ? "" : own.correct ? "to right" : "to wrong";
  }
  switch (result.file->task->kind) {
    case TaskKind::kChoice:
      add_choices(item, own, line);
      if (reference != nullptr) line["reference_prediction"] = reference->items[i].prediction;
      break;
    case TaskKind::kLastWord:
      line["target"] = item.choices[0];
      break;
    case TaskKind::kWritten:
      add_written(item, own, reference == nullptr ? nullptr : &reference->items[i], line);
      break;
  }
  if (!own.log_likelihoods.empty()) line["log_likelihoods"] = own.log_likelihoods;
  if (reference != nullptr && !own.log_likelihoods.empty())
    line["reference_log_likelihoods"] = reference->items[i].log_likelihoods;
  for (const TaskMetric& metric : result.metrics) line["scores"][metric.name] = metric.values[i];
  return line;
}

}  // namespace

Json to_json(const Estimate& e) {
  return {{"value", e.value}, {"stderr", e.stderr_}, {"n", e.n}, {"low", e.low}, {"high", e.high}};
}

Json to_json(const Flips& flips) {
  return {{"both_right", flips.both_right}, {"both_wrong", flips.both_wrong},
          {"to_wrong", flips.to_wrong},     {"to_right", flips.to_right},
          {"mcnemar_p", flips.p},           {"difference", to_json(flips.difference)}};
}

Json to_json(const std::vector<TaskMetric>& metrics) {
  Json out = Json::object();
  for (const TaskMetric& metric : metrics) out[metric.name] = to_json(metric.estimate);
  return out;
}

Json to_json(const std::vector<CategoryScore>& categories) {
  Json out = Json::object();
  for (const CategoryScore& category : categories) out[category.name] = to_json(category.estimate);
  return out;
}

std::string detail_lines(const TaskResult& result, const TaskResult* reference) {
  std::string out;
  for (size_t i = 0; i < result.items.size(); ++i)
    out += item_line(result, i, reference).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return out;
}

}  // namespace hone
