#include "pipeline/measure_stages.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/threads.h"
#include "pipeline/machine.h"
#include "pipeline/serving_memory.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

// Raise one when that measurement changes for the same inputs.
constexpr int kTaskVersion = 2;
constexpr int kPartsVersion = 1;
constexpr int kTimingVersion = 1;
constexpr int kMemoryVersion = 1;

// Loaded when it is first asked for.
class LazyModel {
 public:
  explicit LazyModel(const StageModel& stage) : stage_(&stage) {}
  const LoadedModel& get() {
    if (loaded_ == nullptr) {
      const AdapterChoice adapter{.path = stage_->adapter};
      loaded_ = std::make_unique<LoadedModel>(
          stage_->model, std::span(&adapter, stage_->adapter.empty() ? size_t{0} : size_t{1}));
    }
    return *loaded_;
  }

 private:
  const StageModel* stage_;
  std::unique_ptr<LoadedModel> loaded_;
};

// One measurement of one stage: where it is kept, and whether it is there.
template <typename T>
struct Record {
  std::string name, key;
  std::optional<T> found;
};

class Measurer {
 public:
  Measurer(RunContext& run, const Exam& exam, std::span<const StageModel> stages, const StageModel* reference)
      : run_(run), exam_(exam), stages_(stages), reference_(reference) {}

  std::vector<StageMeasurement> measure_all() {
    for (const StageModel& stage : stages_) plan(stage);
    std::vector<size_t> due;
    uint64_t bytes = 0;
    for (size_t i = 0; i < stages_.size(); ++i)
      if (is_due(plans_[i])) {
        due.push_back(i);
        bytes += stages_[i].bytes;
      }
    // In lock-step when they fit into half the memory together, else one by one.
    const size_t together = bytes < available_memory_bytes() / 2 ? due.size() : 1;
    for (size_t begin = 0; begin < due.size(); begin += together)
      measure_group(std::span(due).subspan(begin, std::min(together, due.size() - begin)));
    std::vector<StageMeasurement> out;
    for (size_t i = 0; i < stages_.size(); ++i) {
      StageMeasurement& stage = out.emplace_back();
      stage.cached = std::find(due.begin(), due.end(), i) == due.end();
      stage.measurement = std::move(*plans_[i].scores.found);
      for (auto& task : plans_[i].tasks) stage.tasks.push_back(std::move(*task.found));
      if (plans_[i].timing) stage.measurement.timing = plans_[i].timing->found.value_or(Timing{});
      if (plans_[i].memory) stage.measurement.memory_bytes = plans_[i].memory->found.value_or(0);
      if (plans_[i].parts) stage.parts = std::move(plans_[i].parts->found);
    }
    return out;
  }

 private:
  struct Plan {
    Record<Measurement> scores;
    std::vector<Record<TaskMeasurement>> tasks;
    std::optional<Record<ErrorParts>> parts;
    std::optional<Record<Timing>> timing;
    std::optional<Record<uint64_t>> memory;
  };

  static bool is_due(const Plan& plan) {
    bool due = !plan.scores.found || (plan.parts && !plan.parts->found) ||
               (plan.timing && !plan.timing->found) || (plan.memory && !plan.memory->found);
    for (const auto& task : plan.tasks) due = due || !task.found;
    return due;
  }

  template <typename T, typename Read>
  Record<T> record(std::string name, const Json& key, Read read) const {
    Record<T> out{.name = std::move(name), .key = key_of(key), .found = {}};
    const std::optional<Json> stored = run_.store.find(out.name, out.key);
    if (!stored) return out;
    try {
      out.found = read(*stored);
    } catch (const Json::exception&) {  // of another version: measured again
    }
    return out;
  }

  void plan(const StageModel& stage) {
    const std::string reference = reference_ == nullptr ? "" : reference_->model_hash;
    Json items = exam_.items.key;
    items["compute"] = compute_mode_name(run_.compute);
    const Json key = {{"stage", "measure"},        {"version", kMeasureVersion},    {"items", items},
                      {"model", stage.model_hash}, {"adapter", stage.adapter_hash}, {"reference", reference},
                      {"answers", stage.answers}};
    Plan& plan = plans_.emplace_back();
    plan.scores = record<Measurement>("measure-" + stage.stage + exam_.suffix, key, measurement_from_json);
    for (size_t t = 0; t < exam_.tasks.size(); ++t) {
      const Json task_key = {{"stage", "task"},
                             {"version", kTaskVersion},
                             {"computes", kMeasureVersion},
                             {"task", exam_.tasks.key(t)},
                             {"model", stage.model_hash},
                             {"adapter", stage.adapter_hash},
                             {"compute", compute_mode_name(run_.compute)}};
      plan.tasks.push_back(record<TaskMeasurement>(
          fmt::format("task-{}-{}{}", exam_.tasks.entry(t).name, stage.stage, exam_.suffix), task_key,
          task_measurement_from_json));
    }
    // Of what is measured on the timing prompt.
    const auto prompt_key = [&](const char* what, int version) {
      return Json{{"stage", what},
                  {"version", version},
                  {"computes", kMeasureVersion},
                  {"prompt", hash_text(exam_.items.speed_text)},
                  {"model", stage.model_hash},
                  {"adapter", stage.adapter_hash},
                  {"compute", compute_mode_name(run_.compute)}};
    };
    if (!exam_.items.speed_prompt.empty()) {
      Json timing_key = prompt_key("speed", kTimingVersion);
      timing_key["machine"] = machine_description(thread_pool().size());
      plan.timing = record<Timing>("speed-" + stage.stage + exam_.suffix, timing_key, timing_from_json);
    }
    if (!run_.options.program.empty() && !exam_.items.speed_text.empty())
      plan.memory =
          record<uint64_t>("memory-" + stage.stage + exam_.suffix, prompt_key("memory", kMemoryVersion),
                           [](const Json& json) { return json.at("bytes").get<uint64_t>(); });
    if (reference_ == nullptr || !exam_.breakdown) return;
    Json parts_key = key;
    parts_key["stage"] = "parts";
    parts_key["parts_version"] = kPartsVersion;
    plan.parts = record<ErrorParts>("parts-" + stage.stage + exam_.suffix, parts_key, error_parts_from_json);
  }

  void measure_group(std::span<const size_t> group) {
    std::vector<LazyModel> models;
    for (const size_t i : group) models.emplace_back(stages_[i]);
    std::optional<LazyModel> apart;
    LazyModel* reference = nullptr;
    for (size_t j = 0; j < group.size(); ++j)
      if (reference_ != nullptr && stages_[group[j]].stage == reference_->stage) reference = &models[j];
    if (reference_ != nullptr && reference == nullptr) reference = &apart.emplace(*reference_);
    measure_scores(group, models, reference);
    measure_parts(group, models, reference);
    for (size_t j = 0; j < group.size(); ++j) measure_tasks(group[j], models[j]);
    for (size_t j = 0; j < group.size(); ++j) measure_timing(group[j], models[j]);
    for (const size_t i : group) measure_memory(i);
  }

  void measure_timing(size_t i, LazyModel& model) {
    auto& record = plans_[i].timing;
    if (record && !record->found)
      keep(*record, time_model(model.get(), exam_.items.speed_prompt, run_.compute));
  }

  void measure_memory(size_t i) {
    auto& record = plans_[i].memory;
    if (!record || record->found) return;
    ServedModel served{.model = stages_[i].model};
    if (!stages_[i].adapter.empty()) served.adapters.push_back({.path = stages_[i].adapter});
    record->found =
        measure_serving_memory(run_.options.program, served, exam_.items.speed_text, run_.compute);
    if (record->found) run_.store.save(record->name, record->key, {{"bytes", *record->found}});
  }

  void measure_scores(std::span<const size_t> group, std::vector<LazyModel>& models, LazyModel* reference) {
    std::vector<Subject> subjects;
    std::vector<Plan*> plans;
    for (size_t j = 0; j < group.size(); ++j) {
      Plan& plan = plans_[group[j]];
      if (plan.scores.found) continue;
      const StageModel& stage = stages_[group[j]];
      subjects.push_back({.name = stage.stage, .loaded = &models[j].get(), .answers = stage.answers});
      plans.push_back(&plan);
    }
    if (subjects.empty()) return;
    const Model* reference_model = reference == nullptr ? nullptr : &reference->get().model();
    std::vector<Measurement> measured =
        measure(subjects, reference_model, exam_.items, run_.recipe, run_.compute);
    for (size_t j = 0; j < plans.size(); ++j) keep(plans[j]->scores, std::move(measured[j]));
  }

  void measure_parts(std::span<const size_t> group, std::vector<LazyModel>& models, LazyModel* reference) {
    std::vector<Subject> subjects;
    std::vector<Plan*> plans;
    for (size_t j = 0; j < group.size(); ++j) {
      Plan& plan = plans_[group[j]];
      if (!plan.parts || plan.parts->found) continue;
      subjects.push_back({.name = stages_[group[j]].stage, .loaded = &models[j].get(), .answers = false});
      plans.push_back(&plan);
    }
    if (subjects.empty()) return;
    std::vector<ErrorParts> parts =
        hone::measure_parts(subjects, reference->get().model(), exam_.items, run_.compute);
    for (size_t j = 0; j < plans.size(); ++j) keep(*plans[j]->parts, std::move(parts[j]));
  }

  void measure_tasks(size_t i, LazyModel& model) {
    for (size_t t = 0; t < exam_.tasks.size(); ++t)
      if (!plans_[i].tasks[t].found)
        keep(plans_[i].tasks[t], exam_.tasks.run(t, model.get(), run_.compute, stages_[i].stage));
  }

  template <typename T>
  void keep(Record<T>& record, T value) {
    run_.store.save(record.name, record.key, to_json(value));
    record.found = std::move(value);
  }

  RunContext& run_;
  const Exam& exam_;
  std::span<const StageModel> stages_;
  const StageModel* reference_;
  std::vector<Plan> plans_;
};

}  // namespace

std::vector<StageMeasurement> measure_stages(RunContext& run, const Exam& exam,
                                             std::span<const StageModel> stages,
                                             const StageModel* reference) {
  return Measurer(run, exam, stages, reference).measure_all();
}

StageMeasurement measure_stage(RunContext& run, const Exam& exam, const StageModel& stage,
                               const StageModel* reference) {
  return std::move(measure_stages(run, exam, std::span(&stage, 1), reference)[0]);
}

}  // namespace hone
