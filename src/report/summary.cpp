// What a run found, in words that need no statistics. It only words what the results say: a share of the gain
// is stated where the results state one, and a missing measurement is said to be missing.
#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/columns.h"
#include "report/proof_rows.h"
#include "report/report.h"
#include "report/stages.h"
#include "report/text.h"

namespace hone {
namespace {

using layout::format_bytes;
using layout::format_measured;
using layout::format_percent;
using layout::MeasuredText;

constexpr std::string_view kInterval = "95\u00A0% interval";

std::string with_range(const MeasuredText& text) {
  return text.range.empty() ? text.value : fmt::format("{} ({} {})", text.value, kInterval, text.range);
}

// "95 % interval 0.98 to 1.03".
std::string interval_words(const Measured& measured) {
  const MeasuredText text = format_measured(measured);
  return text.range.empty() ? "no interval known" : fmt::format("{} {}", kInterval, text.range);
}

std::string gain_sentence(const RunReport& report) {
  const StageResult* base = layout::stage_of_role(report, "base");
  const StageResult* tuned = layout::tuned_stage(report);
  const Measured* before = base ? layout::finite_metric(*base, "answer_loss") : nullptr;
  const Measured* after = tuned ? layout::finite_metric(*tuned, "answer_loss") : nullptr;
  if (before == nullptr && !report.tasks.empty()) return "";         // they say what changed
  if (layout::stage_of_role(report, "tuned") == nullptr) return "";  // a comparison of files
  if (before == nullptr || after == nullptr) {
    return "The loss on held-out answers was not measured before and after tuning, so this report states no "
           "gain.";
  }
  const MeasuredText from = format_measured(*before), to = format_measured(*after);
  const bool any_share = std::any_of(report.stages.begin(), report.stages.end(), layout::has_gain);
  const bool has_interval = report.tuning_gain && std::isfinite(report.tuning_gain->value);
  const bool clear = has_interval ? report.tuning_gain->low > 0 || report.tuning_gain->high < 0 : any_share;
  if (!clear) {
    return fmt::format(
        "The loss on held-out answers is {} nats per token before tuning and {} after it; the gain is not "
        "distinguishable from zero, so no share of it is stated.",
        with_range(from), with_range(to));
  }
  if (after->value >= before->value) {
    return fmt::format(
        "Tuning raised the loss on held-out answers from {} to {} nats per token: the tuned model is worse "
        "on them "
        "than the base.",
        with_range(from), with_range(to));
  }
  if (!has_interval) {
    return fmt::format("Tuning lowered the loss on held-out answers from {} to {} nats per token.",
                       with_range(from), with_range(to));
  }
  return fmt::format(
      "Tuning lowered the loss on held-out answers from {} to {} nats per token, a gain of {}.", from.value,
      to.value, with_range(format_measured(*report.tuning_gain)));
}

std::string share_words(const StageResult& stage) {
  const Measured& gain = *stage.gain_kept;
  const int decimals = layout::share_decimals(gain);
  std::string words = format_percent(gain.value, decimals);
  if (std::isfinite(gain.low) && std::isfinite(gain.high) && gain.high > gain.low) {
    words += fmt::format(" ({} {} to {})", kInterval, layout::format_fixed(gain.low * 100, decimals),
                         format_percent(gain.high, decimals));
  }
  return words;
}

// The share as people say it, by the whole interval: only a narrow one is called by a fraction.
std::string share_in_words(const Measured& gain) {
  const bool interval = std::isfinite(gain.low) && std::isfinite(gain.high);
  if (!interval || gain.high - gain.low > 0.25) return "";
  if (gain.low >= 0.97) return "practically all of it";
  if (gain.low >= 0.9) return "nearly all of it";
  if (gain.high <= 0) return "less than nothing, as the base model is better";
  if (gain.value >= 0.7) return "most of it";
  if (gain.value >= 0.58) return "about two thirds";
  if (gain.value >= 0.42) return "about half";
  if (gain.value >= 0.29) return "about a third";
  if (gain.value >= 0.2) return "about a quarter";
  return "little of it";
}

// "at 144.8 MB, 54 % of the merged file\u2019s size".
std::string size_words(const RunReport& report, const StageResult& stage) {
  if (stage.file_bytes == 0) return "";
  const StageResult* merged = layout::stage_of_role(report, "merged");
  std::string words = " at " + format_bytes(stage.file_bytes);
  if (merged != nullptr && merged != &stage && merged->file_bytes > 0) {
    const double ratio = static_cast<double>(stage.file_bytes) / static_cast<double>(merged->file_bytes);
    words += fmt::format(", {} of the merged file\u2019s size", format_percent(ratio, 0));
  }
  return words;
}

std::string file_sentence(const RunReport& report, const StageResult& stage, bool first) {
  if (layout::has_gain(stage)) {
    const std::string words = share_in_words(*stage.gain_kept);
    return fmt::format("The {} keeps {}{}{}{}.", layout::plain_name(stage), share_words(stage),
                       first ? " of that gain" : "", words.empty() ? "" : ", " + words + ",",
                       size_words(report, stage));
  }
  const Measured* loss = layout::finite_metric(stage, "answer_loss");
  if (loss == nullptr) return "";
  return fmt::format("The {} has a loss of {}{}.", layout::plain_name(stage), format_measured(*loss).value,
                     size_words(report, stage));
}

// Up to four files are named one by one; of more, the best and the smallest.
std::vector<std::string> file_sentences(const RunReport& report) {
  std::vector<const StageResult*> files = layout::shipped_files(report);
  std::erase_if(files, [](const StageResult* stage) {
    return !layout::has_gain(*stage) && layout::finite_metric(*stage, "answer_loss") == nullptr;
  });
  std::vector<std::string> sentences;
  const size_t total = files.size();
  if (total > 4) {
    const auto by_gain = [](const StageResult* a, const StageResult* b) {
      if (layout::has_gain(*a) != layout::has_gain(*b)) return layout::has_gain(*b);
      return layout::has_gain(*a) && a->gain_kept->value < b->gain_kept->value;
    };
    const auto by_size = [](const StageResult* a, const StageResult* b) {
      return a->file_bytes < b->file_bytes;
    };
    const StageResult* best = *std::max_element(files.begin(), files.end(), by_gain);
    const StageResult* smallest = *std::min_element(files.begin(), files.end(), by_size);
    files = {best};
    if (smallest != best) files.push_back(smallest);
    sentences.push_back(fmt::format("Of {} files, the best and the smallest:", total));
  }
  for (const StageResult* stage : files) {
    sentences.push_back(file_sentence(report, *stage, stage == files.front()));
  }
  return sentences;
}

std::string perplexity_sentence(const RunReport& report) {
  const StageResult* base = layout::stage_of_role(report, "base");
  const StageResult* tuned = layout::tuned_stage(report);
  const Measured* before = base ? layout::finite_metric(*base, "perplexity") : nullptr;
  const Measured* after = tuned ? layout::finite_metric(*tuned, "perplexity") : nullptr;
  if (before == nullptr || after == nullptr) return "";
  std::string text = fmt::format(
      "On general text, where a rise means forgetting, perplexity is {} before tuning and {} after it",
      format_measured(*before).value, format_measured(*after).value);
  if (!report.general_change || !std::isfinite(report.general_change->value)) return text + ".";
  const Measured& change = *report.general_change;
  const char* verdict = change.low <= 1 && change.high >= 1 ? "no change that can be told from chance"
                        : change.high < 1                   ? "nothing was forgotten, it fell"
                        : change.high < kNoticeableChange   ? "hardly anything was forgotten"
                                                            : "something was forgotten";
  return text + fmt::format(", {} times as much ({}): {}.", layout::format_number(change.value, 4),
                            interval_words(change), verdict);
}

std::string failed_sentence(const RunReport& report) {
  std::string names;
  for (const StageResult& stage : report.stages) {
    if (stage.status == "failed") names += (names.empty() ? "" : ", ") + single_line(stage.name);
  }
  return names.empty() ? "" : fmt::format("Failed, and not part of this result: {}.", names);
}

// A conclusion as a sentence; "" for a kind that is not known here.
std::string finding_sentence(const RunReport& report, const Finding& finding) {
  const StageResult* stage = layout::find_stage(report, finding.stage);
  const std::string name = stage != nullptr ? layout::plain_name(*stage) : single_line(finding.stage);
  const std::string size = stage != nullptr ? layout::format_bytes(stage->file_bytes) : "";
  const std::string& kind = finding.kind;
  const auto n = layout::format_count(finding.value.n);
  if (kind == "take")
    return fmt::format("Take the {}, {}: the smallest that surely keeps nearly all of the gain{}.", name,
                       size, report.gates.empty() ? "" : " and breaks no promise");
  if (kind == "take_best")
    return fmt::format(
        "No file surely keeps nearly all of the gain; the {}, {}, keeps the largest share. A format with "
        "more "
        "bits may do better.",
        name, size);
  if (kind == "take_base")
    return "Take the base model as it came, or tune with other settings or data: this tuning did harm.";
  if (kind == "take_none")
    return "Nothing can be concluded about the tuning from this run: measure more held-out answers, or tune "
           "longer.";
  if (kind == "few_answers")
    return fmt::format("Only {} held-out answers were measured: the intervals are rough.", n);
  if (kind == "few_windows")
    return fmt::format("Only {} windows of general text were measured: that interval is rough.", n);
  if (kind == "general_worse")
    return "Tuning made the model worse on general text; check what else you need it for.";
  if (kind == "below_base")
    return fmt::format("The {} answers worse than the base model before tuning.", name);
  if (kind == "overfitted")
    return fmt::format("Validation loss was lowest at step {} and rose after it: less training would do.", n);
  return "";
}

bool is_advice(const Finding& finding) {
  return finding.kind.starts_with("take");
}

std::string headline(const RunReport& report) {
  const auto advice = std::find_if(report.findings.begin(), report.findings.end(), is_advice);
  if (advice == report.findings.end()) return "";
  const StageResult* stage = layout::find_stage(report, advice->stage);
  const std::string name = stage != nullptr ? layout::plain_name(*stage) : "";
  if (advice->kind == "take" && stage != nullptr)
    return fmt::format("Tuning helped, and the {} keeps nearly all of it.", name);
  if (advice->kind == "take_best") return "Tuning helped, but every file loses a part of it.";
  if (advice->kind == "take_base") return "Tuning made the answers worse.";
  if (advice->kind == "take_none") return "No gain that can be told from chance.";
  return "";
}

std::string done_sentence(const RunReport& report) {
  if (report.train_tokens == 0) return "";
  std::string text =
      fmt::format("{} was tuned on {} tokens",
                  report.base_model.empty() ? "The base model" : single_line(report.base_model),
                  layout::format_count(report.train_tokens));
  std::string files;
  const std::vector<const StageResult*> shipped = layout::shipped_files(report);
  for (size_t i = 0; i < shipped.size(); ++i)
    files += (i == 0 ? "" : i + 1 == shipped.size() ? " and " : ", ") + single_line(shipped[i]->name);
  if (!files.empty()) text += ", then made smaller as " + files;
  return text + ". Every step was measured on the same held-out answers.";
}

}  // namespace

Summary summarize(const RunReport& report) {
  if (report.stages.empty()) return {.headline = "", .done = "", .gain = "This run has no results yet."};
  Summary summary{.headline = headline(report), .done = done_sentence(report), .gain = gain_sentence(report)};
  summary.files = file_sentences(report);
  summary.general = perplexity_sentence(report);
  summary.rivals = layout::rival_sentences(report);
  summary.tasks = layout::task_sentences(report);
  summary.promises = layout::gates_sentence(report);
  summary.promises_broken = std::any_of(report.gates.begin(), report.gates.end(), [](const GateResult& gate) {
    return !gate.passed && gate.repaired_by.empty();
  });
  for (const Finding& finding : report.findings) {
    const std::string sentence = finding_sentence(report, finding);
    if (sentence.empty()) continue;
    if (is_advice(finding))
      summary.take = sentence;
    else
      summary.warnings.push_back(sentence);
  }
  for (std::string& warning : layout::risk_warnings(report)) summary.warnings.push_back(std::move(warning));
  if (std::string failed = failed_sentence(report); !failed.empty()) summary.warnings.push_back(failed);
  return summary;
}

std::vector<std::string> Summary::sentences() const {
  std::vector<std::string> out = {gain};
  for (const auto* part : {&files, &rivals, &tasks}) out.insert(out.end(), part->begin(), part->end());
  out.insert(out.end(), {general, take, promises});
  out.insert(out.end(), warnings.begin(), warnings.end());
  std::erase(out, "");
  return out;
}

std::string summary_text(const RunReport& report) {
  std::string text;
  for (const std::string& sentence : summarize(report).sentences())
    text += (text.empty() ? "" : " ") + sentence;
  return text;
}

}  // namespace hone
