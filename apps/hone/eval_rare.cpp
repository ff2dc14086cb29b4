#include "eval_rare.h"

#include "base/atomic_file.h"
#include "base/error.h"

namespace hone::cli {
namespace {

std::string range_of(const FrequencyBucket& bucket) {
  return bucket.high == 0 ? "0" : fmt::format("{}-{}", bucket.low, bucket.high);
}

Json to_json(const FrequencyBucket& bucket) {
  Json out = {{"low", bucket.low}, {"high", bucket.high}, {"tokens", bucket.n}, {"share", bucket.share}};
  out["loss"] = hone::to_json(bucket.loss);
  if (!bucket.compared) return out;
  out["reference_loss"] = hone::to_json(bucket.compared->reference_loss);
  out["difference"] = hone::to_json(bucket.compared->difference);
  out["kl"] = hone::to_json(bucket.compared->kl);
  out["top1_agreement"] = hone::to_json(bucket.compared->top1);
  return out;
}

std::string line_of(const FrequencyBucket& bucket) {
  std::string line = fmt::format("    {:<16} {:>8} {:>6.1f} % {:>9.4f} ± {:<7.4f}", range_of(bucket),
                                 bucket.n, 100 * bucket.share, bucket.loss.value, bucket.loss.stderr_);
  if (bucket.compared) {
    const FrequencyBucket::Compared& c = *bucket.compared;
    line += fmt::format(" {:>+8.4f} ({:+.4f} to {:+.4f}) {:>8.4f} {:>7.1f} %", c.difference.value,
                        c.difference.low, c.difference.high, c.kl.value, 100 * c.top1.value);
  }
  return line + "\n";
}

}  // namespace

void RareOptions::declare(CLI::App& app) {
  app.add_flag(
      "--rare", on,
      "loss by how often a token occurs (0, 1-9, 10-99, … times), and what changed there against the "
      "reference");
  app.add_option(
      "--counts-from", counts_from,
      "with --rare: count tokens in this file, a text, or chats as .jsonl or .json (their answers); "
      "default: in the evaluated file itself");
}

void RareOptions::check(bool scores) const {
  if (on && !scores)
    fail(ErrorCode::kInvalidArgument, "--rare: got no --text and no --chat whose tokens it would sort");
  if (!counts_from.empty() && !on)
    fail(ErrorCode::kInvalidArgument, "--counts-from: got {}, but no --rare, whose tokens it would count",
         counts_from);
}

TokenCounts counts_of_file(const std::string& path, const LoadedModel& loaded) {
  if (path.ends_with(".jsonl") || path.ends_with(".json"))
    return count_tokens(loaded.tokenizer(), load_dataset(path, loaded.codec(), 0));
  return count_tokens(loaded.tokenizer(), read_file(path));
}

void add_buckets(EvalOutput& out, const std::string& key, const TokenScores& scores,
                 const TokenCounts& counts, const std::string& source, uint64_t seed) {
  Json part = {{"counts_from", source}, {"counted_tokens", counts.total}, {"buckets", Json::array()}};
  out.text += fmt::format("  loss by how often the token occurs in {}, {} tokens:\n", source, counts.total);
  out.text += fmt::format("    {:<16} {:>8} {:>8} {:>19}", "occurs", "tokens", "share", "loss ± error");
  if (scores.compared)
    out.text += fmt::format(" {:>29} {:>8} {:>9}", "to the reference (95 %)", "KL", "top-1");
  out.text += "\n";
  for (const FrequencyBucket& bucket : by_frequency(scores, counts, seed)) {
    part["buckets"].push_back(to_json(bucket));
    out.text += line_of(bucket);
  }
  out.parts["rare_tokens"][key] = std::move(part);
}

}  // namespace hone::cli
