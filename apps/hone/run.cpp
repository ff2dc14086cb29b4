// hone run: a recipe from base model to report.
#include "pipeline/run.h"

#include <fmt/format.h>

#include "command.h"
#include "report/report.h"
#include "terminal.h"

namespace hone::cli {
namespace {

Outcome run(const std::string& path, const std::string& output, const CommonOptions& common) {
  Recipe recipe = load_recipe(path);
  if (!output.empty()) recipe.output = output;
  if (common.seed_given) recipe.seed = recipe.tune.seed = recipe.tune.adapter.seed = common.seed;
  RunOptions options;
  options.command = fmt::format("hone run {}", path);
  options.hone_version = HONE_VERSION;
  options.precise = common.precise;
  const RunOutcome outcome = run_recipe(recipe, options);

  Json json;
  json["run_dir"] = outcome.folder.string();
  json["stages"] = Json::array();
  for (const StageResult& stage : outcome.report.stages) json["stages"].push_back(to_json(stage));
  json["report"] = outcome.html.string();
  std::string text = "\n" + render_table(outcome.report, terminal_size().columns);
  text += fmt::format("\n{}\n\nreport: {} (also report.md, report.json)\n", summary_text(outcome.report),
                      outcome.html.string());
  text += "\nnext:\n";
  for (const std::string& command : outcome.report.next_commands) text += "  " + command + "\n";
  return {json, text};
}

Action declare(CLI::App& app) {
  auto recipe = std::make_shared<std::string>();
  auto output = std::make_shared<std::string>();
  app.add_option("recipe", *recipe, "recipe.toml")->required();
  app.add_option("-o,--output", *output, "the run's folder (default: [run] output, or runs/NAME here)");
  return [recipe, output](const CommonOptions& common) { return run(*recipe, *output, common); };
}

}  // namespace

const Command kRunCommand = {
    .name = "run",
    .summary = "the whole pipeline of a recipe: tune, merge, quantize, prove",
    .example = "hone run examples/medical/recipe.toml",
    .declare = declare,
};

}  // namespace hone::cli
