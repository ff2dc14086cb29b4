// What the steps of a run share: the recipe, the opened base, the data, the items that stages are measured
// on, and the store of what is done.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "pipeline/measure.h"
#include "pipeline/run.h"
#include "pipeline/stage_store.h"
#include "pipeline/task_set.h"

namespace hone {

struct BitsPerWeight {
  uint64_t bytes = 0, elements = 0;
  explicit BitsPerWeight(const WeightSource& source);
  double value() const noexcept {
    return elements > 0 ? 8.0 * static_cast<double>(bytes) / static_cast<double>(elements) : 0;
  }
};

struct RunContext {
  // Opens the base and locks the run's folder.
  RunContext(const Recipe& recipe, const RunOptions& options);
  // Reads all data; checks everything that can be wrong with the inputs, and disk and memory for the largest
  // step. What a reader of the report must know goes to `notes`.
  void prepare();

  const std::filesystem::path& folder() const noexcept { return store.folder(); }
  std::filesystem::path product_path(const std::string& format) const;

  const Recipe& recipe;
  const RunOptions& options;
  ComputeMode compute;
  OpenedModel opened;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatTemplate> chat_template;
  StageStore store;
  Dataset train, valid;
  uint64_t trained_tokens = 0;  // by the tuning, once it is done
  MeasureItems items;
  TaskSet tasks;
  TaskSet valid_tasks;  // of the tasks that have validation rows, these rows; for repairs
  std::string base_hash, base_fingerprint;
  std::vector<std::string> notes;

 private:
  void check_products() const;
  void check_room() const;
  uint64_t largest_together(uint64_t files) const;
};

// The recipe's validation chats, and general text where it has some for this: nothing that is reported on.
MeasureItems validation_items(const RunContext& run);

}  // namespace hone
