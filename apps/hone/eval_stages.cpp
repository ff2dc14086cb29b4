#include "eval_stages.h"

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/program.h"
#include "pipeline/stages.h"
#include "record.h"
#include "report/report.h"
#include "report/summary.h"
#include "terminal.h"

namespace hone::cli {
namespace {

Recipe measured_on(const EvalArguments& arguments) {
  Recipe what;
  what.test = arguments.chat;
  what.max_length = arguments.max_length;
  what.eval.limit = arguments.limit;
  what.eval.general = arguments.text;
  what.eval.convention = arguments.convention;
  what.eval.context = arguments.context;
  what.eval.max_windows = arguments.max_windows;
  what.examples = 0;
  return what;
}

void check_report(const std::string& path) {
  if (!path.empty() && !path.ends_with(".html") && !path.ends_with(".md"))
    fail(ErrorCode::kInvalidArgument, "--report: got {}, expected a name that ends in .html or .md", path);
}

}  // namespace

void StageOptions::declare(CLI::App& app) {
  app.add_option(
      "--stages", stages,
      "instead of --model: models separated by commas, each MODEL or NAME=MODEL, adapters behind it: "
      "NAME=MODEL+ADAPTER; those named base, tuned and merged are that, others files made from them");
  app.add_option("--report", report, "with --stages: write the page here, .html or .md");
}

void check_stages(const EvalArguments& arguments) {
  const StageOptions& stages = arguments.stages;
  if (arguments.model.empty() && stages.stages.empty())
    fail(ErrorCode::kInvalidArgument, "--model is required, or --stages with several models");
  if (!stages.report.empty() && stages.stages.empty())
    fail(ErrorCode::kInvalidArgument, "--report: got {}, but no --stages whose page it would be",
         stages.report);
  if (stages.stages.empty()) return;
  for (const auto& [name, given] : {std::pair("--model", !arguments.model.empty()),
                                    {"--reference", !arguments.reference.empty()},
                                    {"--adapter", !arguments.adapters.texts.empty()},
                                    {"--cache-type", !arguments.cache_type.empty()},
                                    {"--details", !arguments.tasks.details.empty()},
                                    {"--rare", arguments.rare.on},
                                    {"--train-chat", !arguments.overfit.train.empty()},
                                    {"--neutral", arguments.neutral},
                                    {"--refusals", !arguments.refusals.prompts.empty()}})
    if (given) fail(ErrorCode::kInvalidArgument, "{}: got one, expected none beside --stages", name);
}

Outcome compare_stages(const EvalArguments& arguments, const CommonOptions& common) {
  const StageOptions& options = arguments.stages;
  const TaskOptions& tasks = arguments.tasks;
  Recipe what = measured_on(arguments);
  check_report(options.report);
  const std::vector<StageFile> stages = parse_stages(options.stages);
  what.eval.tasks = tasks.entries(what.eval.limit);
  what.seed = common.seed;
  what.name = "stages";
  RunRecord& record = common.entry->record();
  record.model = stages[0].text;
  record.recipe = settings_text({{"convention", what.eval.convention},
                                 {"context", what.eval.context},
                                 {"max_windows", what.eval.max_windows},
                                 {"limit", what.eval.limit},
                                 {"max_length", what.max_length},
                                 {"seed", what.seed},
                                 {"precise", common.precise}});
  for (const StageFile& stage : stages) record.inputs.push_back({stage.text, ""});
  for (const std::filesystem::path& file : {what.test, what.eval.general})
    if (!file.empty()) record.inputs.push_back({file.string(), hash_file(file)});
  for (const std::string& file : tasks.files()) record.inputs.push_back({file, hash_file(file)});
  begin_record(common);
  RunReport report = measure_stage_files(stages, what, serving_mode(common.precise), this_program());
  report.hone_version = HONE_VERSION;
  report.command = common.entry->record().command_line;
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
