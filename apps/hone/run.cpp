// hone run: a recipe from base model to report.
#include "pipeline/run.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/program.h"
#include "command.h"
#include "pipeline/gates.h"
#include "record.h"
#include "report/report.h"
#include "report/summary.h"
#include "terminal.h"

namespace hone::cli {
namespace {

// What comparing runs needs; not the answers, which may be private, nor the recipe, which is recorded
// already.
std::string recorded(RunReport report) {
  report.examples.clear();
  report.recipe_text.clear();
  report.next_commands.clear();
  return to_json(report).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The promises that the files do not keep, in one line.
std::string unmet(const RunReport& report) {
  std::string out;
  for (const GateResult& gate : report.gates)
    if (is_broken(gate)) out += (out.empty() ? "" : "; ") + gate_text(gate);
  return out;
}

struct Arguments {
  std::string recipe, output;
  bool restart = false;
};

Outcome run(const Arguments& arguments, const CommonOptions& common) {
  Recipe recipe = load_recipe(arguments.recipe);
  if (!arguments.output.empty()) recipe.output = arguments.output;
  if (common.seed_given) recipe.seed = recipe.tune.seed = recipe.tune.adapter.seed = common.seed;
  RunOptions options;
  options.command = common.entry->record().command_line;
  options.hone_version = HONE_VERSION;
  options.program = this_program();
  options.precise = common.precise;
  options.restart = arguments.restart;
  RunRecord& record = common.entry->record();
  record.model = recipe.base;
  record.recipe = recipe.text;
  // What the command line says instead is part of the settings, too.
  if (common.seed_given || common.precise) record.recipe += "\n[command line]\n";
  if (common.seed_given) record.recipe += fmt::format("seed = {}\n", common.seed);
  if (common.precise) record.recipe += "precise = true\n";
  std::vector<std::filesystem::path> files = {
      recipe.train,        recipe.test, recipe.valid, recipe.eval.general, recipe.eval.general_valid,
      recipe.eval.refusals};
  for (const RecipeTask& task : recipe.eval.tasks)
    files.insert(files.end(), {task.data, task.shots_data, task.valid});
  for (const std::filesystem::path& file : files) {
    if (!file.empty()) record.inputs.push_back({file.string(), hash_file(file)});
  }
  record.outputs = {absolute_path(recipe.output)};
  begin_record(common);
  const RunOutcome outcome = run_recipe(recipe, options);
  record.inputs.push_back({recipe.base, outcome.report.base_fingerprint});
  for (const std::filesystem::path& file : {outcome.html, outcome.markdown, outcome.json, outcome.card})
    record.outputs.push_back(absolute_path(file));
  record.metrics = metrics_of(outcome.report);
  record.report = recorded(outcome.report);

  Json json;
  json["run_dir"] = outcome.folder.string();
  json["stages"] = Json::array();
  for (const StageResult& stage : outcome.report.stages) json["stages"].push_back(to_json(stage));
  json["report"] = outcome.html.string();
  std::string text = "\n" + render_table(outcome.report, terminal_size().columns);
  text += "\n";
  for (const std::string& sentence : summarize(outcome.report).sentences()) text += sentence + "\n";
  text += fmt::format("\nreport: {} (also report.md, report.json; README.md is a model card)\n",
                      outcome.html.string());
  for (const GateResult& gate : outcome.report.gates)
    text += fmt::format("  {} {}\n",
                        gate.passed       ? "kept    "
                        : is_broken(gate) ? "NOT KEPT"
                                          : "repaired",
                        gate_text(gate));
  text += "\nnext:\n";
  for (const std::string& command : outcome.report.next_commands) text += "  " + command + "\n";
  if (!outcome.report.gates.empty()) json["gates"] = to_json(outcome.report)["gates"];
  return {json, text, unmet(outcome.report)};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("recipe", arguments->recipe, "recipe.toml")->required();
  app.add_option("-o,--output", arguments->output,
                 "the run's folder (default: [run] output, or runs/NAME here)");
  app.add_flag("--restart", arguments->restart,
               "throw away the state of a stopped training, as when the recipe has changed since");
  return [arguments](const CommonOptions& common) { return run(*arguments, common); };
}

}  // namespace

const Command kRunCommand = {
    .name = "run",
    .summary = "the whole pipeline of a recipe: tune, merge, quantize, prove",
    .example = "hone run examples/medical/recipe.toml",
    .resumes = true,
    .declare = declare,
};

}  // namespace hone::cli
