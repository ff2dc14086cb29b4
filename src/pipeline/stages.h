// Models that somebody made, measured as the stages of one another: the first is the base, the second what
// was made of it (tuned), the others files made from that.
#pragma once

#include <string>
#include <vector>

#include "pipeline/recipe.h"
#include "pipeline/serving_memory.h"
#include "report/results.h"

namespace hone {

struct StageFile {
  std::string name, text;  // text: as it was given
  std::string role = {};   // "base", "tuned", "merged": by its name; "file" otherwise
  ServedModel served = {};
};
// "base=a.gguf,tuned=a.gguf+adapter:0.5,c.gguf": adapters on a model stand behind it; a path that exists is
// never taken apart. Names are the files' stems where none is given. When no name tells a role, the first is
// the base, and of three or more the second the tuned model. Throws kInvalidArgument for fewer than two, and
// for names that stand twice.
std::vector<StageFile> parse_stages(const std::string& text);

// Measures every stage on the recipe's test chats, general text and tasks (each may be absent, not all) and
// compares them, each with what it was made from. KL and agreement are against the merged model in f32, else
// the tuned one, else the first. Throws
// kInvalidArgument when a stage reads the items as other tokens than the first.
// program: this one, to measure memory in a process of its own; empty: it is not measured.
RunReport measure_stage_files(const std::vector<StageFile>& stages, const Recipe& what, ComputeMode compute,
                              const std::string& program = {});

}  // namespace hone
