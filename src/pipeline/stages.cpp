#include "pipeline/stages.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "pipeline/findings.h"
#include "pipeline/machine.h"
#include "pipeline/run_context.h"
#include "pipeline/run_report.h"
#include "pipeline/task_report.h"
#include "tune/adapter_files.h"

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
      stage.text);
}

struct Measuring {
  const MeasureItems& items;
  const TaskSet& tasks;
  const Recipe& what;
  ComputeMode compute;
  const std::string& program;
};

uint64_t adapter_bytes(const StageFile& stage) {
  uint64_t bytes = 0;
  for (const AdapterChoice& adapter : stage.served.adapters)
    bytes += std::filesystem::file_size(adapter_weights(adapter.path));
  return bytes;
}

MeasuredStage measured_stage(const StageFile& stage, LoadedModel& loaded, const Model* reference,
                             const Measuring& how) {
  MeasuredStage out;
  const WeightSource& source = loaded.source();
  const BitsPerWeight weights(source);
  const uint64_t more = adapter_bytes(stage);
  out.result.name = stage.name;
  out.result.role = stage.role;
  out.result.status = "done";
  out.result.file = loaded.path().filename().string();
  out.result.what = stage.text;
  out.result.file_bytes = source.file_bytes() + more;
  out.result.bits_per_weight =
      8.0 * static_cast<double>(weights.bytes + more) / static_cast<double>(weights.elements);
  out.measurement = std::move(
      measure({{.name = stage.name, .loaded = &loaded}}, reference, how.items, how.what, how.compute)[0]);
  out.result.seconds = out.measurement.seconds;
  for (size_t t = 0; t < how.tasks.size(); ++t) {
    out.tasks.push_back(how.tasks.run(t, loaded, how.compute, stage.name));
    out.result.seconds += out.tasks.back().seconds;
  }
  if (!how.items.speed_prompt.empty())
    out.measurement.timing = time_model(loaded, how.items.speed_prompt, how.compute);
  if (!how.program.empty() && !how.items.speed_text.empty())
    out.measurement.memory_bytes =
        measure_serving_memory(how.program, stage.served, how.items.speed_text, how.compute).value_or(0);
  return out;
}

// What is asked for behind a name: a model, and adapters on it.
ServedModel parse_served(const std::string& text) {
  std::error_code error;
  ServedModel out{.model = text};
  if (std::filesystem::exists(text, error)) return out;
  size_t plus = text.find('+');
  out.model = text.substr(0, plus);
  while (plus != std::string::npos) {
    const size_t begin = plus + 1;
    plus = text.find('+', begin);
    const std::string adapter = text.substr(begin, plus == std::string::npos ? plus : plus - begin);
    if (adapter.empty())
      fail(ErrorCode::kInvalidArgument, "--stages: {}: got no adapter behind +, expected MODEL+ADAPTER",
           text);
    out.adapters.push_back(parse_adapter_choice(adapter));
  }
  return out;
}

std::string default_name(const ServedModel& served) {
  std::string name = std::filesystem::path(served.model).stem().string();
  for (const AdapterChoice& adapter : served.adapters) {
    const std::filesystem::path path =
        adapter.path.has_filename() ? adapter.path : adapter.path.parent_path();
    name += "+" + path.stem().string();
  }
  return name;
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
                    .text = at == std::string::npos ? part : part.substr(at + 1)};
    stage.served = parse_served(stage.text);
    if (stage.served.model.empty())
      fail(ErrorCode::kInvalidArgument, "--stages: got \"{}\", expected models separated by commas", text);
    if (stage.name.empty()) stage.name = default_name(stage.served);
    for (const StageFile& other : out)
      if (other.name == stage.name)
        fail(ErrorCode::kInvalidArgument, "--stages: \"{}\" stands twice; name one of them: other={}",
             stage.name, stage.text);
    out.push_back(std::move(stage));
  }
  if (out.size() < 2)
    fail(ErrorCode::kInvalidArgument,
         "--stages: got {} model, expected at least two: the base, what was made of it, files made from that",
         out.size());
  give_roles(out);
  return out;
}

RunReport measure_stage_files(const std::vector<StageFile>& stages, const Recipe& what, ComputeMode compute,
                              const std::string& program) {
  const auto start = std::chrono::steady_clock::now();
  const TaskSet tasks(what);
  RunReport report;
  const StageFile& reference_file = reference_of(stages);
  LoadedModel reference(reference_file.served.model, reference_file.served.adapters);
  const MeasureItems items = items_for(what, reference);
  std::vector<MeasuredStage> measured;
  for (size_t i = 0; i < stages.size(); ++i) {
    std::unique_ptr<LoadedModel> own;
    const bool is_reference = &stages[i] == &reference_file;
    if (!is_reference) {
      own = std::make_unique<LoadedModel>(stages[i].served.model, stages[i].served.adapters);
      check_same_tokens(items, items_for(what, *own), stages[i]);
    }
    measured.push_back(measured_stage(stages[i], is_reference ? reference : *own, &reference.model(),
                                      {items, tasks, what, compute, program}));
  }
  fill_metrics(measured, items, report);
  fill_tasks(measured, tasks, report);
  for (const MeasuredStage& stage : measured) report.stages.push_back(stage.result);
  report.name = what.name;
  report.date = now_text();
  report.base_model = stages[0].text;
  report.machine = machine_description(thread_pool().size());
  report.compute_mode = compute_mode_name(compute);
  report.perplexity_protocol = perplexity_protocol(what);
  report.kl_reference = fmt::format("{}, forward in f32", reference_file.name);
  if (items.n_chats > 0)
    report.dataset_note = fmt::format("{} held-out chats of {}.", items.n_chats, what.test.string());
  report.findings = find_conclusions(report);
  report.peak_rss_bytes = peak_rss_bytes();
  report.total_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace hone
