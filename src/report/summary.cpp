// The report's first paragraph. It only words what the results say: a share of the gain is stated where the
// results state one, and a missing measurement is said to be missing.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <vector>

#include "report/columns.h"
#include "report/report.h"
#include "report/stages.h"
#include "report/text.h"

namespace hone {
namespace layout {

const StageResult* find_stage(const RunReport& report, const std::string& name) {
  const auto found = std::find_if(report.stages.begin(), report.stages.end(),
                                  [&](const StageResult& stage) { return stage.name == name; });
  return found == report.stages.end() ? nullptr : &*found;
}

const StageResult* tuned_stage(const RunReport& report) {
  const StageResult* tuned = find_stage(report, "tuned");
  return tuned != nullptr ? tuned : find_stage(report, "merged");
}

bool has_gain(const StageResult& stage) {
  return stage.gain_kept && std::isfinite(stage.gain_kept->value);
}

std::vector<const StageResult*> shipped_files(const RunReport& report) {
  std::vector<const StageResult*> files;
  for (const StageResult& stage : report.stages) {
    const bool earlier = stage.name == "base" || stage.name == "tuned" || stage.name == "merged";
    if (!earlier && stage.status != "failed") files.push_back(&stage);
  }
  return files;
}

std::string plain_name(const StageResult& stage) {
  // q8_0, q4_k_m, iq4_nl: the digit is the width of the codes, which is what people call the file by.
  const std::string& name = stage.name;
  const size_t at = name.rfind("iq", 0) == 0 ? 2 : name.rfind('q', 0) == 0 ? 1 : 0;
  const bool coded = at > 0 && name.size() > at + 1 && std::isdigit(static_cast<unsigned char>(name[at])) &&
                     name[at + 1] == '_';
  if (coded) return fmt::format("{}-bit file ({})", name[at], single_line(name));
  return fmt::format("{} file", single_line(name));
}

}  // namespace layout

namespace {

using layout::format_bytes;
using layout::format_measured;
using layout::format_percent;
using layout::MeasuredText;

constexpr std::string_view kInterval = "95\u00A0% interval";

std::string with_range(const MeasuredText& text) {
  return text.range.empty() ? text.value : fmt::format("{} ({} {})", text.value, kInterval, text.range);
}

std::string gain_sentence(const RunReport& report) {
  const StageResult* base = layout::find_stage(report, "base");
  const StageResult* tuned = layout::tuned_stage(report);
  const Measured* before = base ? layout::finite_metric(*base, "answer_loss") : nullptr;
  const Measured* after = tuned ? layout::finite_metric(*tuned, "answer_loss") : nullptr;
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

// "at 144.8 MB, 54 % of the merged file\u2019s size".
std::string size_words(const RunReport& report, const StageResult& stage) {
  if (stage.file_bytes == 0) return "";
  const StageResult* merged = layout::find_stage(report, "merged");
  std::string words = " at " + format_bytes(stage.file_bytes);
  if (merged != nullptr && merged != &stage && merged->file_bytes > 0) {
    const double ratio = static_cast<double>(stage.file_bytes) / static_cast<double>(merged->file_bytes);
    words += fmt::format(", {} of the merged file\u2019s size", format_percent(ratio, 0));
  }
  return words;
}

std::string file_sentence(const RunReport& report, const StageResult& stage, bool first) {
  if (layout::has_gain(stage)) {
    return fmt::format("The {} keeps {}{}{}.", layout::plain_name(stage), share_words(stage),
                       first ? " of that gain" : "", size_words(report, stage));
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
  const StageResult* base = layout::find_stage(report, "base");
  const StageResult* tuned = layout::tuned_stage(report);
  const Measured* before = base ? layout::finite_metric(*base, "perplexity") : nullptr;
  const Measured* after = tuned ? layout::finite_metric(*tuned, "perplexity") : nullptr;
  if (before == nullptr || after == nullptr) return "";
  return fmt::format(
      "On general text, where a rise means forgetting, perplexity is {} before tuning and {} after it.",
      format_measured(*before).value, format_measured(*after).value);
}

std::string failed_sentence(const RunReport& report) {
  std::string names;
  for (const StageResult& stage : report.stages) {
    if (stage.status == "failed") names += (names.empty() ? "" : ", ") + layout::single_line(stage.name);
  }
  return names.empty() ? "" : fmt::format("Failed, and not part of this result: {}.", names);
}

}  // namespace

std::string summary_text(const RunReport& report) {
  if (report.stages.empty()) return "This run has no results yet.";
  std::vector<std::string> sentences = {gain_sentence(report)};
  for (std::string& sentence : file_sentences(report)) sentences.push_back(std::move(sentence));
  sentences.push_back(perplexity_sentence(report));
  sentences.push_back(failed_sentence(report));
  std::string text;
  for (const std::string& sentence : sentences) {
    if (!sentence.empty()) text += (text.empty() ? "" : " ") + sentence;
  }
  return text;
}

}  // namespace hone
