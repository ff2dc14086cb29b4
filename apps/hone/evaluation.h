// The measures of `hone eval`, on the models of one call.
#pragma once

#include <optional>

#include "adapter_option.h"
#include "eval_output.h"
#include "eval_overfit.h"
#include "eval_rare.h"
#include "eval_refusals.h"
#include "eval_stage_options.h"
#include "eval_tasks.h"

namespace hone::cli {

struct EvalArguments {
  std::string model, reference, text, chat;
  std::string convention = "llama.cpp", cache_type;
  size_t context = 512, max_windows = 0, limit = 0, max_length = 1024;
  AdapterOption adapters;
  bool neutral = false;
  RareOptions rare;
  OverfitOptions overfit;
  RefusalOptions refusals;
  TaskOptions tasks;
  StageOptions stages;
};

class Evaluation {
 public:
  // Counts tokens where --counts-from says so. Keeps references to all; reference may be null.
  Evaluation(const EvalArguments& arguments, const CommonOptions& common, const LoadedModel& loaded,
             const LoadedModel* reference);

  void text(const std::string& source);
  void chats();
  void neutral();
  void refusals();
  void tasks(const TaskSet& set);
  EvalOutput take();

 private:
  // What a set of items gave: sums, and the tokens where something needs them.
  struct Scored {
    Scores sums;
    TokenScores tokens;
  };

  size_t max_length() const;
  Dataset read(const std::string& path) const;
  Scored score_items(const std::vector<ScoreItem>& items, const std::string& label) const;
  void add_divergence(const std::string& suffix, const Scored& scored);
  // own_counts() where --counts-from names no file.
  void add_rare(const std::string& key, const TokenScores& tokens, const std::string& own_source,
                const std::function<TokenCounts()>& own_counts);
  void add_training(const Dataset& held_out, const TokenScores& held_out_tokens);

  const EvalArguments& arguments_;
  uint64_t seed_;
  const LoadedModel& loaded_;
  const LoadedModel* reference_;
  Candidate candidate_;
  std::optional<TokenCounts> counts_;  // of --counts-from
  EvalOutput out_;
};

}  // namespace hone::cli
