#include "eval_stages.h"

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "pipeline/stages.h"
#include "record.h"
#include "report/report.h"
#include "report/summary.h"
#include "terminal.h"

namespace hone::cli {
namespace {

std::vector<RecipeTask> recipe_tasks(const TaskOptions& options, uint64_t limit) {
  std::vector<RecipeTask> out;
  for (size_t i = 0; i < options.names.size(); ++i)
    out.push_back({.task = options.names[i],
                   .name = options.key(i),
                   .data = options.data[i],
                   .limit = limit,
                   .shots = options.shots,
                   .shots_data = options.shots_data.empty() ? "" : options.shots_data[i],
                   .chat_template = options.chat_template,
                   .general = false});
  return out;
}

void check_report(const std::string& path) {
  if (!path.empty() && !path.ends_with(".html") && !path.ends_with(".md"))
    fail(ErrorCode::kInvalidArgument, "--report: got {}, expected a name that ends in .html or .md", path);
}

}  // namespace

void StageOptions::declare(CLI::App& app) {
  app.add_option(
      "--stages", stages,
      "instead of --model: models separated by commas, each MODEL or NAME=MODEL; those named base, "
      "tuned and merged are that, others files made from them");
  app.add_option("--report", report, "with --stages: write the page here, .html or .md");
}

Outcome compare_stages(const StageOptions& options, Recipe what, const TaskOptions& tasks,
                       const CommonOptions& common) {
  check_report(options.report);
  const std::vector<StageFile> stages = parse_stages(options.stages);
  what.eval.tasks = recipe_tasks(tasks, what.eval.limit);
  what.seed = common.seed;
  what.name = "stages";
  RunRecord& record = common.entry->record();
  record.model = stages[0].model;
  for (const StageFile& stage : stages) record.inputs.push_back({stage.model, ""});
  for (const std::filesystem::path& file : {what.test, what.eval.general})
    if (!file.empty()) record.inputs.push_back({file.string(), hash_file(file)});
  for (const std::string& file : tasks.files()) record.inputs.push_back({file, hash_file(file)});
  begin_record(common);
  RunReport report =
      measure_stage_files(stages, what, common.precise ? ComputeMode::kPrecise : ComputeMode::kFast);
  report.hone_version = HONE_VERSION;
  report.command = fmt::format("hone eval --stages {}", options.stages);
  record.metrics = metrics_of(report);
  if (!options.report.empty()) {
    write_file(options.report,
               options.report.ends_with(".md") ? render_markdown(report) : render_html(report));
    record.outputs = {absolute_path(options.report)};
  }
  std::string text = render_table(report, terminal_size().columns) + "\n";
  for (const std::string& sentence : summarize(report).sentences()) text += sentence + "\n";
  return {to_json(report), text};
}

}  // namespace hone::cli
