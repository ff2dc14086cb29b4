// hone run: a recipe from base model to report.
#include "pipeline/run.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "report/report.h"

namespace hone::cli {
namespace {

int terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 120;
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
  options.command = fmt::format("hone run {}", arguments.recipe);
  options.hone_version = HONE_VERSION;
  options.precise = common.precise;
  options.restart = arguments.restart;
  const RunOutcome outcome = run_recipe(recipe, options);

  Json json;
  json["run_dir"] = outcome.folder.string();
  json["stages"] = Json::array();
  for (const StageResult& stage : outcome.report.stages) json["stages"].push_back(to_json(stage));
  json["report"] = outcome.html.string();
  std::string text = "\n" + render_table(outcome.report, terminal_width());
  text += fmt::format("\n{}\n\nreport: {} (also report.md, report.json)\n", summary_text(outcome.report),
                      outcome.html.string());
  text += "\nnext:\n";
  for (const std::string& command : outcome.report.next_commands) text += "  " + command + "\n";
  return {json, text};
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
    .declare = declare,
};

}  // namespace hone::cli
