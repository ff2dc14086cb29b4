// The options of everything that writes text, declared once: `hone generate`, `hone chat` and its /set.
#pragma once

#include <string>

#include "command.h"
#include "runtime/generate.h"

namespace hone::cli {

// --max-tokens, sampling and --stop, with options' values as defaults.
void declare_generation(CLI::App& app, GenerateOptions& options);
// --cache-type; empty when it was not given.
void declare_cache_type(CLI::App& app, std::string& cache_type);

}  // namespace hone::cli
