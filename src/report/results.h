// What the report renders and what --json prints: plain structs, filled by pipeline/, rendered by report/.
// Numbers carry their unit in the name; "stderr_" is the standard error of the mean by bootstrap over
// documents.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hone {

struct Measured {
  double value = 0, stderr_ = 0;
  uint64_t n = 0;            // items the value is a mean over
  double low = 0, high = 0;  // 95 % bootstrap interval
};

// What per-document sums are over. Sums of two runs compare only where the hash is the same.
struct TestData {
  std::string hash;            // of the tokens that are scored and of the documents they belong to
  std::vector<double> counts;  // tokens scored, per document
};
// The sums behind a metric, one per document: the metric is sum / count (perplexity: exp of it).
struct DocumentSums {
  std::string data;  // key of RunReport::test_data
  std::vector<double> values;
};

// A conclusion: drawn by pipeline/findings.h, which lists the kinds, and worded here.
struct Finding {
  std::string kind, stage;  // stage may be empty
  Measured value;           // what it rests on
};

struct StageResult {
  std::string name;    // "base", "tuned", "merged", "q8_0", "q4_0"
  std::string role;    // "base", "rival" (compared with, not made), "tuned", "merged", "file"
  std::string status;  // "done", "cached", "failed"
  std::string file;    // relative to the run folder; may be empty (base, adapter)
  std::string what;    // one plain sentence: "LoRA adapter on the base, not merged"
  uint64_t file_bytes =
      0;  // all that must be loaded: for an unmerged adapter, base plus adapter; 0 not known
  double bits_per_weight = 0;
  double seconds = 0;
  // Keys: answer_loss (nats/token, held-out answers), perplexity (general text), kl (nats, to the reference),
  // top1_agreement (share), decode_tok_s, prefill_tok_s, memory_bytes (to serve
  // it); of a task TASK.METRIC.
  std::map<std::string, Measured> metrics;
  // Share of the tuning gain in answer_loss that this stage keeps (1 = all); absent when the gain's own
  // interval includes zero, and for base.
  std::optional<Measured> gain_kept;
  std::map<std::string, DocumentSums> sums;  // by metric; for comparing runs pairwise
};

// A part of what a stage adds to the answer loss, and to KL. Parts of a stage: "rounding" (its weights
// against the merged ones, both computed in f32), "arithmetic" (as served against f32), "cache" (keys and
// values in f16); for merged: "merge" (against the unmerged adapter), "arithmetic", "cache".
struct LossPart {
  std::string stage, part;
  Measured loss;               // nats per token, paired over the held-out answers
  std::optional<Measured> kl;  // likewise; absent where the step has no reference
};

// A task's first metric in one stage against an earlier one, over the same items.
struct TaskChange {
  std::string stage, against;
  Measured difference;                  // stage - against
  uint64_t to_wrong = 0, to_right = 0;  // answers that changed
  double p = 1;                         // McNemar's exact test
  double p_holm = 1;                    // the same, corrected for all such tests of the report
  bool p_of_metric = true;              // the difference is one of right answers, which is what p tells of
  std::optional<Measured> gain_kept;    // of tuned - base, where that surely is a gain
};
struct ChangedAnswer {
  std::string stage, against, question, expected, before, after;
  bool to_right = false;
};
// A task's first metric on the items of one category, in one stage.
struct CategoryValue {
  std::string category, stage;
  Measured value;
};
struct TaskTable {
  std::string name, title, metric, protocol;
  bool general = false;  // not what the model was tuned for
  uint64_t n = 0;
  std::vector<TaskChange> changes;
  std::vector<ChangedAnswer> changed;     // a few of them
  std::vector<CategoryValue> categories;  // by category, then stage; empty where items have none
};

// A promise of the recipe and whether a file keeps it.
struct GateResult {
  std::string gate;     // "min_gain_kept"
  std::string stage;    // the file
  std::string subject;  // what was measured: "answer loss", a task's name, …
  Measured value;
  double limit = 0;
  bool at_least = true;  // the value must reach the limit; else stay within it
  bool passed = false;
  // "met", "missed": the whole interval says so. "unclear": the limit lies inside it, the value decides, or
  // the interval's end where the recipe is strict. "unknown": there is no value; not passed.
  std::string verdict;
  std::string repaired_by;  // a stage that was made because of this and keeps every promise; else empty
};

// What was tried for a file that broke a promise. Figures are of the validation data, by which was chosen.
struct RepairAttempt {
  std::string file, remedy, stage, what;
  uint64_t file_bytes = 0;
  std::optional<Measured> gain_kept, kl;
  std::string missed;  // the promises it breaks
  bool passed = false, chosen = false;
};

// The held-out answers' tokens that occur `low` to `high` times in the training answers, by stage.
struct RarityRow {
  uint64_t low = 0, high = 0, n = 0;
  std::string stage;
  Measured loss;                    // nats per token
  std::optional<Measured> against;  // difference to the stage it was made from, paired
};

// A risk of tuning, measured. Kinds: "overfit" (held-out loss less training loss, of base and tuned),
// "by_heart" (share of answers whose continuation is reproduced word for word; training and held-out),
// "drift" (KL of the tuned model from the base on neutral chats), "overlap" (share of held-out documents that
// share a run of words with the training data), "refusals" (share of prompts that are declined; of base and
// tuned, and the paired change).
struct RiskRow {
  std::string kind, of;  // of: "base", "tuned"; "training", "held-out"
  Measured value;
};

// KL that rounding one group of tensors alone costs.
struct GroupSensitivity {
  std::string format, group;  // "blk.3", "token_embd"
  double kl = 0;
  uint64_t weights = 0;
};

// What tuning is worth against a rival: the rival's answer loss less that of tuned, paired over the answers.
struct RivalResult {
  std::string stage;
  Measured advantage;
};

// What a run cost, at the recipe's prices.
struct RunCost {
  std::string currency;
  double hourly = 0;  // machine and electricity
  double amount = 0;  // of the whole run, all stages that were made now or earlier
};

struct LossPoint {
  uint64_t step = 0, tokens = 0;
  double train_loss = 0;
  std::optional<double> valid_loss;
  double lr = 0;
};

struct ExampleAnswers {
  std::string question, reference;
  std::vector<std::pair<std::string, std::string>> answers;  // stage name -> generated text
};

constexpr double kNoticeableChange = 1.01;  // of perplexity

struct RunReport {
  std::string name, date, hone_version, base_model, base_fingerprint, recipe_path, recipe_text, machine,
      command;
  std::string compute_mode;         // "precise (f32)" or "default (…)"
  std::string perplexity_protocol;  // e.g. "llama.cpp convention: windows of 512, second half scored"
  std::string kl_reference;         // e.g. "merged f16, forward in f32"
  std::string dataset_note;         // counts, licence
  double total_seconds = 0;         // of all stages, whether made now or in an earlier call
  std::optional<RunCost> cost;
  uint64_t peak_rss_bytes = 0;
  uint64_t trainable_parameters = 0, train_tokens = 0;
  double train_tok_s = 0;
  std::vector<std::pair<std::string, std::string>> tuning;  // settings as shown: {"rank", "16"}
  std::vector<LossPoint> loss_curve;
  std::vector<StageResult> stages;
  std::vector<ExampleAnswers> examples;
  std::vector<std::string> next_commands;
  std::vector<std::string> notes;  // anything a reader must know
  // Answer loss of base minus that of tuned, paired over the same items; the summary states its interval when
  // set.
  std::optional<Measured> tuning_gain;
  // Perplexity of tuned over that of base, paired over the same windows of general text: 1.05 is 5 % worse.
  // A rise that surely stays below kNoticeableChange is real but means nothing.
  std::optional<Measured> general_change;
  std::vector<Finding> findings;
  std::vector<TaskTable> tasks;
  std::vector<LossPart> loss_parts;
  std::vector<GateResult> gates;
  std::vector<RivalResult> rivals;
  std::vector<RepairAttempt> repairs;
  std::vector<GroupSensitivity> sensitivity;
  std::vector<RarityRow> rarity;
  std::vector<RiskRow> risks;
  std::map<std::string, TestData> test_data;  // "answers", "general", and each task by its name
};

}  // namespace hone
