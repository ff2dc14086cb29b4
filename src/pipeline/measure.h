// What every stage of a run is measured on, and the result in a form that is stored and compared: sums per
// document, so that stages are compared on the same items later.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "eval/rare_tokens.h"
#include "pipeline/loaded_model.h"
#include "pipeline/recipe.h"

namespace hone {

// The items of a run, made with the base model's tokenizer and template; all stages share them.
struct MeasureItems {
  std::vector<ScoreItem> chats;    // held-out answers; none for a rival with other tokens
  std::vector<ScoreItem> general;  // windows of general text; may be empty
  std::vector<ChatRecord> examples;
  size_t n_chats = 0, n_chat_tokens = 0;
  TokenCounts counts;  // of the training answers: how often each token was seen; empty: not looked at
  std::vector<TokenId> speed_prompt;  // what models are timed on; empty: they are not
  std::string speed_text;             // the same as text
  nlohmann::ordered_json key;         // everything in the recipe that these depend on, with the files' hashes
};
MeasureItems make_items(const Recipe& recipe, const ChatCodec& codec);
// The same without chats: windows of general text, which may be none.
MeasureItems general_items(const Recipe& recipe, const Tokenizer& tokenizer);

// Of the tokens, the targets and the documents they belong to: the same hash, the same test.
std::string items_hash(const std::vector<ScoreItem>& items);

// The held-out answers' tokens that occur so often in the training answers.
struct RarityBucket {
  uint64_t low = 0, high = 0;
  std::vector<DocumentScore> nll;
};

// How it feels to be served: milliseconds.
struct Latency {
  double first = 0;              // until the first text behind the timing prompt
  double median = 0, p95 = 0;    // between pieces of text, which are tokens but for parts of characters
  std::optional<double> joules;  // of the processor for a token, where the machine tells
};

struct Timing {
  double prefill_tok_s = 0, decode_tok_s = 0;  // 0: not timed
  Latency latency;
};
nlohmann::ordered_json to_json(const Timing& timing);
Timing timing_from_json(const nlohmann::ordered_json& json);  // throws as measurement_from_json()
// On a prompt as MeasureItems have it.
Timing time_model(const LoadedModel& loaded, const std::vector<TokenId>& prompt, ComputeMode compute);

// Raised with every change of what a model computes: part of the key of all that is measured.
inline constexpr int kMeasureVersion = 4;

struct Measurement {
  Scores chats, general;
  std::vector<RarityBucket> rarity;  // rarest first; empty without counts
  Timing timing;                     // kept in a record of its own, which is of one machine
  uint64_t memory_bytes = 0;  // to serve it (serving_memory.h); 0: not measured. Kept in a record of its own
  std::vector<std::string> answers;  // one per example; empty: not asked for
  double seconds = 0;
};
nlohmann::ordered_json to_json(const Measurement& measurement);
// Throws nlohmann's exceptions when the JSON has another shape.
Measurement measurement_from_json(const nlohmann::ordered_json& json);

// One stage to be measured.
struct Subject {
  std::string name;
  const LoadedModel* loaded = nullptr;
  bool answers = false;
};
// Measures all subjects on the same items in lock-step; reference, when given, runs in f32.
std::vector<Measurement> measure(const std::vector<Subject>& subjects, const Model* reference,
                                 const MeasureItems& items, const Recipe& recipe, ComputeMode compute);

// Where a file's distance from the reference comes from, on the held-out answers. The rest, the arithmetic
// that serves it, is the difference of these and the stage's own scores.
struct ErrorParts {
  Scores precise;  // the file's weights, computed in f32: what rounding the weights alone does
  Scores cached;   // as served, and read in pieces through a cache of f16 keys and values
};
nlohmann::ordered_json to_json(const ErrorParts& parts);
ErrorParts error_parts_from_json(const nlohmann::ordered_json& json);  // throws as measurement_from_json()
// Of several subjects in lock-step.
std::vector<ErrorParts> measure_parts(const std::vector<Subject>& subjects, const Model& reference,
                                      const MeasureItems& items, ComputeMode compute);

// Messages of a chat up to its last assistant message, and that message's text.
nlohmann::ordered_json question_of(const ChatRecord& record);
std::string reference_answer(const ChatRecord& record);
std::string question_text(const ChatRecord& record);

}  // namespace hone
