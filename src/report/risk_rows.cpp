// Risks of tuning and loss by rarity, as rows and in words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/proof_rows.h"
#include "report/text.h"

namespace hone::layout {
namespace {

const RiskRow* find(const RunReport& report, const std::string& kind, const std::string& of) {
  const auto found = std::find_if(report.risks.begin(), report.risks.end(),
                                  [&](const RiskRow& row) { return row.kind == kind && row.of == of; });
  return found == report.risks.end() ? nullptr : &*found;
}

std::string what(const RiskRow& row) {
  if (row.kind == "overfit" && row.of == "widening")
    return "What tuning added to that difference, answer by answer";
  if (row.kind == "overfit")
    return fmt::format("Held-out loss less training loss, {}, nats per token", single_line(row.of));
  if (row.kind == "by_heart")
    return fmt::format("Answers continued word for word over 32 tokens, {} data", single_line(row.of));
  if (row.kind == "drift") return "KL from the base on neutral chats, nats per token";
  if (row.kind == "overlap")
    return "Held-out chats that stand in the training data or share 13 words in a row with it";
  if (row.kind == "refusals" && row.of == "change")
    return "What tuning changed in that share, prompt by prompt";
  if (row.kind == "refusals")
    return fmt::format("Prompts that are declined, {} (by English phrases; a guess)", single_line(row.of));
  return single_line(row.kind + ", " + row.of);
}

bool is_share(const RiskRow& row) {
  return row.kind == "by_heart" || row.kind == "overlap" || row.kind == "refusals";
}

std::string bucket_name(uint64_t low, uint64_t high) {
  if (high == 0) return "never seen in training";
  return low == 1 ? fmt::format("seen 1 to {} times", high) : fmt::format("{} to {}", low, high);
}

}  // namespace

TextRows risk_rows(const RunReport& report) {
  TextRows rows = {{"Risk", "Value", "95\u00A0% interval", "Of"}};
  for (const RiskRow& row : report.risks) {
    const MeasuredText text = format_measured(row.value, is_share(row) ? 100 : 1);
    rows.push_back({what(row), text.value + (is_share(row) ? "\u00A0%" : ""),
                    text.range.empty() ? std::string(kAbsent) : text.range, format_count(row.value.n)});
  }
  return rows;
}

TextRows rarity_table(const RunReport& report) {
  std::set<std::pair<uint64_t, uint64_t>> buckets;
  std::vector<std::string> stages;
  for (const RarityRow& row : report.rarity) {
    buckets.insert({row.low, row.high});
    if (std::find(stages.begin(), stages.end(), row.stage) == stages.end()) stages.push_back(row.stage);
  }
  TextRows rows = {{"Stage"}};
  for (const auto& [low, high] : buckets) rows[0].push_back(bucket_name(low, high));
  for (const std::string& stage : stages) {
    rows.push_back({single_line(stage)});
    for (const auto& [low, high] : buckets) {
      std::string cell(kAbsent);
      for (const RarityRow& row : report.rarity) {
        if (row.stage != stage || row.low != low) continue;
        cell = format_measured(row.loss).value;
        if (row.against) {
          const MeasuredText change = format_measured(*row.against);
          cell += fmt::format(" ({}{})", row.against->value > 0 ? "+" : "", change.value);
        }
      }
      rows.back().push_back(std::move(cell));
    }
  }
  return rows;
}

std::vector<std::string> risk_warnings(const RunReport& report) {
  std::vector<std::string> out;
  const RiskRow *widening = find(report, "overfit", "widening"),
                *overlap = find(report, "overlap", "held-out");
  const RiskRow *heart = find(report, "by_heart", "training"), *fresh = find(report, "by_heart", "held-out");
  if (overlap != nullptr && overlap->value.value > 0)
    out.push_back(
        fmt::format("{} of the held-out chats stand in the training data or share 13 words in a row with it: "
                    "the gain may be memory; hone data check TRAIN --against TEST lists them.",
                    format_percent(overlap->value.value, 1)));
  if (widening != nullptr && widening->value.low > 0.1)
    out.push_back(
        fmt::format("Part of what was learned is the training answers themselves: tuning widened the "
                    "difference of loss between held-out and training answers by {} nats per token.",
                    format_measured(widening->value).value));
  if (heart != nullptr && heart->value.low > (fresh == nullptr ? 0 : fresh->value.high))
    out.push_back(
        fmt::format("{} of the training answers are known by heart: what is private in them can be "
                    "got out again.",
                    format_percent(heart->value.value, 1)));
  const RiskRow* refusals = find(report, "refusals", "change");
  if (refusals != nullptr && (refusals->value.high < 0 || refusals->value.low > 0))
    out.push_back(fmt::format(
        "Tuning made the model decline {} often: {} of the prompts {}.",
        refusals->value.high < 0 ? "less" : "more", format_percent(std::abs(refusals->value.value), 1),
        refusals->value.high < 0 ? "are answered now" : "are declined now and were not"));
  return out;
}

}  // namespace hone::layout
