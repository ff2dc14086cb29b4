// recipe.toml: what a run does, read strictly. An unknown key, a wrong type or a value out of range is an
// error "recipe.toml:LINE:COLUMN: …" with the nearest valid key. Relative paths are relative to the recipe's
// folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "eval/judge.h"
#include "report/card.h"
#include "tune/train_config.h"

namespace hone {

// [[eval.tasks]]: questions that every stage answers.
struct RecipeTask {
  std::string task;  // a name of task_list.h
  std::string name;  // how the report calls it; default the task's, with the file's if it stands twice
  std::filesystem::path data;        // JSON Lines
  std::filesystem::path valid = {};  // other rows, by which repairs are chosen; may be empty
  uint64_t limit = 0;                // first items only; 0 = all
  uint64_t shots = 0;
  std::filesystem::path shots_data;  // may be empty: rows of `data` are drawn
  bool chat_template = false;
  // Of tasks that are answered by writing; absent: the task's own.
  std::optional<uint64_t> max_tokens = std::nullopt;
  std::optional<std::vector<std::string>> stop = std::nullopt;
  JudgeOptions judge = {};
  bool general = false;  // not what the model is tuned for: a drop against the base is forgetting
};

struct Recipe {
  std::filesystem::path path;  // of the recipe itself
  std::string text;            // its bytes, for the report

  std::string name;              // [run] name
  std::filesystem::path output;  // [run] output: the run's folder; default runs/NAME in the current folder
  uint64_t seed = 42;

  std::string base;  // [model] base: GGUF file, Hugging Face folder or a name in the store

  std::filesystem::path train, valid, test;  // [data]; valid may be empty
  std::string data_note;                     // licence and origin, printed in the report
  uint64_t max_length = 512;                 // tokens per chat, longer ones are cut; also per training row

  TrainConfig tune;  // [tune]; seed and max_length are set from above, precise by the command

  std::string merge_format = "f16";      // [merge] format
  std::vector<std::string> quantize_to;  // [quantize] to

  struct Eval {
    uint64_t limit = 0;                   // [eval] limit: chats of the test file, 0 = all
    std::filesystem::path general;        // [eval] general: a text file for perplexity; may be empty
    std::filesystem::path general_valid;  // other text, by which repairs are chosen; may be empty
    std::string convention = "llama.cpp";
    uint64_t context = 512;
    uint64_t max_windows = 0;  // 0 = all
    bool speed = true;         // time prefill and decode of each stage
    bool breakdown = true;     // also measure each file in f32 and through a cache: where its loss comes from
    bool risks = true;         // overfitting, answers known by heart, drift, test data in the training data
    std::filesystem::path refusals;        // prompts, as chats; among the risks: how many are declined
    std::vector<std::string> sensitivity;  // of [quantize] to: round each layer alone, and measure that
    std::vector<RecipeTask> tasks;
  } eval;

  // [rival]: what tuning is compared with.
  struct Rival {
    std::string system;  // the untuned base with this system prompt
    uint64_t shots = 0;  // and this many solved examples before each question
    std::string model;   // another model as it came; may be empty
    bool prompts() const noexcept { return !system.empty() || shots > 0; }
  } rival;

  // [gates]: what the files must keep (gates.h); a run that breaks one fails, its report says why.
  struct Gates {
    std::optional<double> min_gain_kept, max_general_drop, max_task_drop, max_kl;
    std::vector<std::string> files;     // of [quantize] to; empty: all
    bool strict = false;                // the whole interval must keep within the limit, not only the value
    bool repair = false;                // on_fail = "repair": try what may help, before failing
    std::vector<std::string> remedies;  // of remedy.h; empty: all
    bool any() const noexcept { return min_gain_kept || max_general_drop || max_task_drop || max_kl; }
  } gates;

  // [cost]: what the machine costs, in any currency.
  struct Cost {
    std::string currency = {};      // "EUR"
    double per_hour = 0;            // of the machine: rent, or its price spread over its life
    double per_kwh = 0, watts = 0;  // of electricity, and the machine's draw under load
    double hourly() const noexcept { return per_hour + per_kwh * watts / 1000; }
  } cost;

  CardFacts card;  // [card]: what the model card says that a run cannot know

  uint64_t examples = 3;         // [report] examples
  uint64_t example_tokens = 96;  // [report] example_tokens
};

// Throws kNotFound, kInvalidArgument. Checks that data files exist and formats are known.
Recipe load_recipe(const std::filesystem::path& path);

}  // namespace hone
