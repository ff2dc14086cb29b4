// Tasks, where the loss comes from, and promises.
#include <fmt/format.h>

#include <cmath>

#include "report/html_parts.h"
#include "report/proof_rows.h"
#include "report/text.h"

namespace hone::layout {
namespace {

std::string answer_rows(const TaskTable& table) {
  if (table.changed.empty()) return "";
  TextRows rows = {{"Stage", "Question", "Expected", "Before", "After", ""}};
  for (const ChangedAnswer& answer : table.changed)
    rows.push_back({single_line(answer.stage + ", against " + answer.against), answer.question,
                    answer.expected, answer.before, answer.after, answer.to_right ? "to right" : "to wrong"});
  return "<details><summary>Some answers that changed</summary>\n" +
         text_table(rows, "Answers that changed", false) + "</details>\n";
}

std::string category_table(const TaskTable& table) {
  const TextRows rows = category_rows(table);
  if (rows.empty()) return "";
  return "<details><summary>By category</summary>\n" + text_table(rows, "By category", true) + "</details>\n";
}

// A bar for each part of each file.
std::string parts_figure(const RunReport& report) {
  RowsFigure rows{.id = "parts-plot",
                  .title = "What each step adds to the answer loss",
                  .x_title = "Added answer loss, nats per token"};
  rows.bars = true;
  for (const LossPart& part : report.loss_parts) {
    if (!std::isfinite(part.loss.value)) continue;
    const MeasuredText text = format_measured(part.loss);
    const std::string name = single_line(part.stage) + ": " + part_name(part.part);
    Mark mark{.label = part.stage + ", " + part.part,
              .tip = fmt::format("{} adds {} nats per token", name, text.value)};
    set_interval(part.loss, mark);
    rows.values.push_back(text.value);
    rows.marks.push_back(std::move(mark));
  }
  if (rows.marks.empty()) return "";
  return rows_figure(rows);
}

// What each stage changed, by bucket: a choice of stages.
std::string rarity_figure(const RunReport& report) {
  std::vector<Choice> all;
  std::vector<std::string> stages;
  for (const RarityRow& row : report.rarity)
    if (row.against && (stages.empty() || stages.back() != row.stage)) stages.push_back(row.stage);
  for (const std::string& stage : stages) {
    RowsFigure rows{.id = fmt::format("rarity-plot-{}", all.size()),
                    .title = "Change of loss by rarity, " + stage,
                    .x_title = "Change of loss, nats per token"};
    rows.bars = true;
    for (const RarityRow& row : report.rarity) {
      if (row.stage != stage || !row.against || !std::isfinite(row.against->value)) continue;
      const MeasuredText text = format_measured(*row.against);
      Mark mark{.label = row.high == 0 ? "never seen" : fmt::format("{} to {} times", row.low, row.high),
                .tip = fmt::format("{} tokens: {} nats per token", format_count(row.n), text.value)};
      set_interval(*row.against, mark);
      rows.values.push_back(text.value);
      rows.marks.push_back(std::move(mark));
    }
    if (!rows.marks.empty()) all.push_back({stage, rows_figure(rows), ""});
  }
  return all.empty() ? "" : choices("rarity", "Stage", all);
}

std::string sensitivity_figure(const RunReport& report, const std::string& format, size_t n) {
  RowsFigure rows{.id = fmt::format("sensitivity-plot-{}", n),
                  .title = "KL by part rounded, " + format,
                  .x_title = "KL from the whole model, nats per token"};
  rows.bars = true;
  for (const GroupSensitivity& group : report.sensitivity) {
    if (group.format != format || !std::isfinite(group.kl)) continue;
    Mark mark{.label = group.group,
              .tip = fmt::format("{}: {} weights, KL {}", single_line(group.group),
                                 format_count(group.weights), format_number(group.kl, 3))};
    mark.value = mark.low = mark.high = group.kl;
    rows.values.push_back(format_number(group.kl, 3));
    rows.marks.push_back(std::move(mark));
  }
  return rows_figure(rows);
}

}  // namespace

std::string tasks_section(const RunReport& report) {
  if (report.tasks.empty()) return "";
  std::string out = about(
      "Every stage answered the same items. Each is compared with the stage it was made from, item by item: "
      "how many answers turned wrong and right, and the chance to see so uneven a change where there is none "
      "(McNemar\u2019s exact test). With many tests on one page some look striking by chance; the corrected "
      "p "
      "(Holm) is for all of them together.");
  for (const TaskTable& table : report.tasks) {
    out += "<h3>" + escape_html(task_heading(table)) + "</h3>\n" + about(escape_html(table.protocol)) +
           text_table(task_rows(report, table), "Stages on a task", true) + category_table(table) +
           answer_rows(table);
  }
  return out;
}

std::string parts_section(const RunReport& report) {
  if (report.loss_parts.empty()) return "";
  return about(
             "Each file was measured three times on the held-out answers: its weights computed in f32, as it "
             "is served, and as it is served with keys and values read through a cache. The differences, "
             "answer by answer, say which step costs what. Below zero, a step happened to help.") +
         parts_figure(report) + text_table(part_rows(report), "Where the loss comes from", false);
}

std::string gates_section(const RunReport& report) {
  if (report.gates.empty()) return "";
  std::string out = about(escape_html(gates_sentence(report))) +
                    text_table(gate_rows(report), "Promises of the recipe", false);
  if (report.repairs.empty()) return out;
  return out + "<h3>What was tried</h3>\n" +
         about(
             "Each remedy was tried from its smallest file on, until one kept every promise on the "
             "validation "
             "data; of these the smallest was taken, and is measured on the test data like every other "
             "stage.") +
         text_table(repair_rows(report), "Repairs", false);
}

std::string speed_section(const RunReport& report) {
  const TextRows rows = speed_rows(report);
  if (rows.empty()) return "";
  return about(
             "Timed on this machine with a prompt of 256 tokens and 32 written behind it, three times, "
             "beside whatever else "
             "the machine was doing: the median of runs, and percentiles over all pieces of text. Memory is "
             "the "
             "most that a process of its own held while doing this once.") +
         text_table(rows, "Speed", true);
}

std::string risks_section(const RunReport& report) {
  if (report.risks.empty()) return "";
  return about(
             "Whether the model learned the subject or the examples, whether it became another model "
             "elsewhere, "
             "and whether the test measures memory.") +
         text_table(risk_rows(report), "Risks of tuning", false);
}

std::string rarity_section(const RunReport& report) {
  if (report.rarity.empty()) return "";
  return about(
             "Loss on the held-out answers by how often each token stood in the training answers, and in "
             "brackets "
             "the change against the stage it was made from. Rounding costs most where the model is least "
             "sure, "
             "and a mean over all tokens hides it.") +
         rarity_figure(report) + text_table(rarity_table(report), "Loss by rarity", true);
}

std::string sensitivity_section(const RunReport& report) {
  std::vector<Choice> all;
  for (const GroupSensitivity& group : report.sensitivity) {
    if (!all.empty() && all.back().label == group.format) continue;
    all.push_back({group.format, sensitivity_figure(report, group.format, all.size()), ""});
  }
  if (all.empty()) return "";
  return about(
             "Each part of the model was rounded alone, the rest left as it was: how far the predictions on "
             "the "
             "answers held back for this move. The long bars are where more bits help most.") +
         choices("sensitivity", "Format", all);
}

}  // namespace hone::layout
