// hone eval --rare: loss by how often a token occurs.
#pragma once

#include "eval/rare_tokens.h"
#include "eval_output.h"
#include "pipeline/loaded_model.h"

namespace hone::cli {

struct RareOptions {
  bool on = false;
  std::string counts_from;

  void declare(CLI::App& app);
  // Throws kInvalidArgument where there is nothing to count for. scores: text or chats are evaluated.
  void check(bool scores) const;
};

// Of --counts-from: a text, or chats where the name ends in .jsonl or .json.
TokenCounts counts_of_file(const std::string& path, const LoadedModel& loaded);
// Under "rare_tokens" in the parts, as `key`; source: what was counted, and how.
void add_buckets(EvalOutput& out, const std::string& key, const TokenScores& scores,
                 const TokenCounts& counts, const std::string& source, uint64_t seed);

}  // namespace hone::cli
