// hone runs: the ledger of past runs: list, show, compare.
#include <fmt/format.h>

#include <charconv>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/memory.h"
#include "command.h"
#include "ledger/compare.h"
#include "pipeline/paired.h"
#include "record.h"
#include "report/text.h"
#include "terminal.h"

namespace hone::cli {
namespace {

// nullopt when nothing was recorded yet: looking must not make a ledger.
std::optional<Ledger> open_ledger() {
  const std::filesystem::path path = ledger_path();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  return std::optional<Ledger>(std::in_place, path);
}

RunRecord find_run(const std::string& text) {
  std::optional<Ledger> ledger = open_ledger();
  if (!ledger)
    fail(ErrorCode::kNotFound, "{}: there is no ledger yet; the next run begins one", ledger_path().string());
  int64_t id = 0;
  if (text == "last") {
    id = ledger->last_id().value_or(0);
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size() || id < 1)
      fail(ErrorCode::kInvalidArgument, "run: got '{}', expected a number of hone runs list, or last", text);
  }
  return ledger->find(id);
}

Json head_json(const RunRecord& r) {
  Json json = {{"id", r.id},
               {"started", r.started},
               {"command", r.command},
               {"command_line", r.command_line},
               {"folder", r.folder},
               {"model", r.model},
               {"recipe_hash", r.recipe_hash},
               {"machine", r.machine},
               {"hone_version", r.hone_version},
               {"status", r.status},
               {"seconds", r.seconds},
               {"peak_rss_bytes", r.peak_rss_bytes}};
  if (!r.error.empty()) json["error"] = r.error;
  return json;
}

Json whole_json(const RunRecord& r) {
  Json json = head_json(r);
  json["recipe"] = r.recipe;
  json["inputs"] = Json::array();
  for (const RecordedFile& file : r.inputs)
    json["inputs"].push_back({{"path", file.path}, {"hash", file.hash}});
  json["outputs"] = r.outputs;
  json["metrics"] = Json::array();
  for (const RecordedMetric& m : r.metrics) {
    Json metric = {{"stage", m.stage}, {"name", m.name}, {"value", m.value}};
    if (m.low) metric["low"] = *m.low;
    if (m.high) metric["high"] = *m.high;
    json["metrics"].push_back(std::move(metric));
  }
  return json;
}

Outcome list(size_t limit) {
  Json json = {{"ledger", ledger_path().string()}, {"runs", Json::array()}};
  std::string text;
  std::optional<Ledger> ledger = open_ledger();
  const std::vector<RunRecord> runs = ledger ? ledger->list(limit) : std::vector<RunRecord>{};
  if (!runs.empty())
    text = fmt::format("{:>5}  {:<19}  {:<11}  {:>12}  {}\n", "id", "started (UTC)", "status", "took",
                       "command");
  for (const RunRecord& r : runs) {
    json["runs"].push_back(head_json(r));
    const std::string took = r.seconds > 0 ? fmt::format("{:.1f} s", r.seconds) : "";
    const std::string line = fmt::format("{:>5}  {:<19}  {:<11}  {:>12}  {}", r.id, r.started, r.status, took,
                                         single_line(r.command_line));
    text += layout::fit_columns(line, terminal_size().columns) + "\n";
  }
  if (text.empty()) text = fmt::format("{}: nothing was recorded yet\n", ledger_path().string());
  return {json, text};
}

Outcome show(const std::string& id) {
  const RunRecord r = find_run(id);
  std::string text =
      fmt::format("run {}, {}{}\n  {}\n  in {}\n", r.id, r.status,
                  r.error.empty() ? "" : ": " + single_line(r.error), single_line(r.command_line), r.folder);
  text += fmt::format("started   {} UTC, took {:.1f} s, peak memory {}\n", r.started, r.seconds,
                      format_bytes(r.peak_rss_bytes));
  text += fmt::format("model     {}\nmachine   {}, hone {}\n", r.model, r.machine, r.hone_version);
  for (const RecordedFile& file : r.inputs)
    text += fmt::format("input     {}{}\n", file.path, file.hash.empty() ? "" : "  " + file.hash);
  for (const std::string& output : r.outputs) text += fmt::format("output    {}\n", output);
  for (const RecordedMetric& m : r.metrics) {
    text += fmt::format("  {:<10} {:<24} {:>14}", m.stage, m.name, layout::format_trimmed(m.value, 6));
    if (m.low && m.high)
      text +=
          fmt::format("   {} to {}", layout::format_trimmed(*m.low, 6), layout::format_trimmed(*m.high, 6));
    text += "\n";
  }
  if (!r.recipe.empty()) text += fmt::format("\nrecipe {}:\n{}", r.recipe_hash, r.recipe);
  if (!text.ends_with('\n')) text += '\n';
  return {whole_json(r), text};
}

Outcome compare(const std::string& a, const std::string& b, const std::string& html) {
  RunComparison comparison = compare_runs(find_run(a), find_run(b));
  add_paired_intervals(comparison);
  comparison.hone_version = HONE_VERSION;
  Json json = to_json(comparison);
  std::string text = render_table(comparison);
  if (!html.empty()) {
    write_file(html, render_html(comparison));
    json["html"] = html;
    text += fmt::format("\npage: {}\n", html);
  }
  return {json, text};
}

Action declare_list(CLI::App& app) {
  auto limit = std::make_shared<size_t>(20);
  app.add_option("-n,--limit", *limit, "how many, newest first (default 20)")->check(CLI::Range(1, 1 << 30));
  return [limit](const CommonOptions&) { return list(*limit); };
}

Action declare_show(CLI::App& app) {
  auto id = std::make_shared<std::string>();
  app.add_option("run", *id, "number of the run, or last")->required();
  return [id](const CommonOptions&) { return show(*id); };
}

Action declare_compare(CLI::App& app) {
  struct Arguments {
    std::string a, b, html;
  };
  auto arguments = std::make_shared<Arguments>();
  app.add_option("a", arguments->a, "number of a run, or last")->required();
  app.add_option("b", arguments->b, "number of the other; differences are from the first to it")->required();
  app.add_option("--html", arguments->html, "write the comparison as a page that needs no network");
  return [arguments](const CommonOptions&) { return compare(arguments->a, arguments->b, arguments->html); };
}

}  // namespace

const Command kRunsListCommand = {
    .name = "runs list",
    .summary = "what was run on this machine, newest first",
    .example = "hone runs list --limit 5",
    .declare = declare_list,
};
const Command kRunsShowCommand = {
    .name = "runs show",
    .summary = "everything that is recorded about one run",
    .example = "hone runs show last",
    .declare = declare_show,
};
const Command kRunsCompareCommand = {
    .name = "runs compare",
    .summary = "two runs side by side: differing settings, common metrics",
    .example = "hone runs compare 3 last --html comparison.html",
    .declare = declare_compare,
};

}  // namespace hone::cli
