#include "pipeline/stages.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "pipeline/findings.h"
#include "pipeline/machine.h"
#include "pipeline/run_context.h"
#include "pipeline/run_report.h"
#include "pipeline/task_report.h"

namespace hone {
namespace {

// By name; without any, by place.
void give_roles(std::vector<StageFile>& stages) {
  bool named = false;
  for (StageFile& stage : stages) {
    const bool is_role = stage.name == "base" || stage.name == "tuned" || stage.name == "merged";
    stage.role = is_role ? stage.name : "file";
    named = named || is_role;
  }
  if (named) return;
  stages[0].role = "base";
  if (stages.size() > 2) stages[1].role = "tuned";
}

const StageFile& reference_of(const std::vector<StageFile>& stages) {
  for (const char* role : {"merged", "tuned"})
    for (const StageFile& stage : stages)
      if (stage.role == role) return stage;
  return stages[0];
}

MeasureItems items_for(Recipe what, const LoadedModel& loaded) {
  what.max_length = std::min<uint64_t>(what.max_length, loaded.model().config().context_length);
  if (!what.test.empty()) return make_items(what, loaded.codec());
  return general_items(what, loaded.tokenizer());
}

void check_same_tokens(const MeasureItems& first, const MeasureItems& own, const StageFile& stage) {
  if (items_hash(first.chats) == items_hash(own.chats) &&
      items_hash(first.general) == items_hash(own.general))
    return;
  fail(
      ErrorCode::kInvalidArgument,
      "--stages: {}: got other tokens for the same text, expected those of the first stage; losses cannot be "
      "compared across tokenizers or chat templates",
      stage.model);
}

MeasuredStage measured_stage(const StageFile& stage, LoadedModel& loaded, const Model* reference,
                             const MeasureItems& items, const TaskSet& tasks, const Recipe& what,
                             ComputeMode compute) {
  MeasuredStage out;
  const WeightSource& source = loaded.source();
  out.result.name = stage.name;
  out.result.role = stage.role;
  out.result.status = "done";
  out.result.file = loaded.path().filename().string();
  out.result.what = stage.model;
  out.result.file_bytes = source.file_bytes();
  out.result.bits_per_weight = BitsPerWeight(source).value();
  out.measurement =
      std::move(measure({{.name = stage.name, .loaded = &loaded}}, reference, items, what, compute)[0]);
  out.result.seconds = out.measurement.seconds;
  for (size_t t = 0; t < tasks.size(); ++t) {
    out.tasks.push_back(tasks.run(t, loaded, compute, stage.name));
    out.result.seconds += out.tasks.back().seconds;
  }
  return out;
}

}  // namespace

std::vector<StageFile> parse_stages(const std::string& text) {
  std::vector<StageFile> out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t at = part.find('=');
    StageFile stage{.name = at == std::string::npos ? "" : part.substr(0, at),
                    .model = at == std::string::npos ? part : part.substr(at + 1),
                    .role = {}};
    if (stage.model.empty())
      fail(ErrorCode::kInvalidArgument, "--stages: got \"{}\", expected models separated by commas", text);
    if (stage.name.empty()) stage.name = std::filesystem::path(stage.model).stem().string();
    for (const StageFile& other : out)
      if (other.name == stage.name)
        fail(ErrorCode::kInvalidArgument, "--stages: \"{}\" stands twice; name one of them: other={}",
             stage.name, stage.model);
    out.push_back(std::move(stage));
  }
  if (out.size() < 2)
    fail(ErrorCode::kInvalidArgument,
         "--stages: got {} model, expected at least two: the base, what was made of it, files made from that",
         out.size());
  give_roles(out);
  return out;
}

RunReport measure_stage_files(const std::vector<StageFile>& stages, const Recipe& what, ComputeMode compute) {
  const TaskSet tasks(what);
  RunReport report;
  const StageFile& reference_file = reference_of(stages);
  LoadedModel reference(reference_file.model);
  const MeasureItems items = items_for(what, reference);
  std::vector<MeasuredStage> measured;
  for (size_t i = 0; i < stages.size(); ++i) {
    std::unique_ptr<LoadedModel> own;
    const bool is_reference = &stages[i] == &reference_file;
    if (!is_reference) {
      own = std::make_unique<LoadedModel>(stages[i].model);
      check_same_tokens(items, items_for(what, *own), stages[i]);
    }
    measured.push_back(measured_stage(stages[i], is_reference ? reference : *own, &reference.model(), items,
                                      tasks, what, compute));
  }
  fill_metrics(measured, items, report);
  fill_tasks(measured, tasks, report);
  for (const MeasuredStage& stage : measured) {
    report.total_seconds += stage.result.seconds;
    report.stages.push_back(stage.result);
  }
  report.name = what.name;
  report.date = now_text();
  report.base_model = stages[0].model;
  report.machine = machine_description(thread_pool().size());
  report.compute_mode = compute_mode_name(compute);
  report.perplexity_protocol = perplexity_protocol(what);
  report.kl_reference = fmt::format("{}, forward in f32", reference_file.name);
  if (items.n_chats > 0)
    report.dataset_note = fmt::format("{} held-out chats of {}.", items.n_chats, what.test.string());
  report.findings = find_conclusions(report);
  report.peak_rss_bytes = peak_rss_bytes();
  return report;
}

}  // namespace hone
