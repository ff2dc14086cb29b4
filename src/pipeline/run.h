// hone run: the stages of a recipe in order, each cached by content.
//
//   base → tune → tuned → merge → quantize each → read back → measure all → report
//
// Everything a run makes lies in its folder: adapter/, NAME-f16.gguf, NAME-q8_0.gguf …,
// report.{html,md,json}, README.md (the model card) and stages/ (the records of what is done). Started again,
// a run does only what is missing or has changed.
#pragma once

#include <filesystem>
#include <string>

#include "pipeline/recipe.h"
#include "report/results.h"

namespace hone {

struct RunOptions {
  std::string command;  // as typed, for the report
  std::string hone_version;
  std::string program;   // this program, to measure memory in a process of its own; empty: it is not measured
  bool precise = false;  // everything in f32
  bool restart = false;  // throw away the state of a stopped training
};

struct RunOutcome {
  RunReport report;
  std::filesystem::path folder, html, markdown, json, card;
};

// Throws what the stages throw; kCancelled leaves a folder that the same call goes on from.
RunOutcome run_recipe(const Recipe& recipe, const RunOptions& options);

}  // namespace hone
