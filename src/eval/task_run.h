// A model on a task: what it answered to each item, and what that makes together.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/prompts.h"

namespace hone {

struct ItemResult {
  std::vector<double> log_likelihoods;  // of each choice, nats; kLastWord: of the target
  size_t prediction = 0;                // kChoice: the first of the largest log-likelihoods
  double margin = 0;                    // kChoice: between the largest two
  bool correct = false;                 // by the task's first metric
  std::string prompt_hash = {};         // of the prompt's text; of all, where choices have their own
  // kWritten:
  std::string written = {}, extracted = {};  // the text; what of it was compared
  std::string finish = {};                   // "stop" or "length"
};

struct TaskMetric {
  std::string name;  // "acc", "acc_norm", …
  Estimate estimate;
  std::vector<double> values;  // of each item; for "perplexity" the word's -log p, for shares of several
                               // things in an item their mean
};

struct TaskResult {
  const TaskFile* file = nullptr;
  std::vector<TaskMetric> metrics;  // the first is the task's own
  std::vector<ItemResult> items;
  size_t n_truncated = 0;  // prompts cut at their beginning to fit the model's context
  double seconds = 0;
  std::vector<std::string> remarks = {};  // what of the task could not be judged as defined
};

// A model with what it needs to read.
struct TaskModel {
  Candidate candidate;
  const Tokenizer& tokenizer;
};

// Throws what reading, prompts, likelihoods() and generating throw.
TaskResult run_task(const TaskModel& model, const TaskFile& file, const PromptOptions& options,
                    const std::string& label);
// The protocol in full: what was read, how prompts were made, what is computed, seeds and hashes.
nlohmann::ordered_json task_protocol(const TaskFile& file, const PromptOptions& options,
                                     const Candidate& candidate);

// mean of values with the standard error of a mean (sample deviation / sqrt(n)) and a bootstrap interval.
Estimate mean_of_items(const std::vector<double>& values, uint64_t seed);

}  // namespace hone
