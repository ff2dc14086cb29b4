// What a command is. One file per command defines its descriptor; command_list.cpp lists them; main.cpp does
// the rest: parsing, --json, threads, errors, exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "ledger/ledger.h"

namespace hone::cli {

using Json = nlohmann::ordered_json;

// Flags that every command has.
struct CommonOptions {
  bool json = false;
  bool quiet = false;
  bool precise = false;
  int threads = 0;  // 0 = all this process may use
  uint64_t seed = 42;
  bool seed_given = false;
  LedgerEntry* entry = nullptr;  // this call in the ledger, once the command begins it (record.h); never null
};

// What a command leaves on stdout: `json` with --json, `text` otherwise.
struct Outcome {
  Json json;
  std::string text;
  // Done, but something promised is not kept: said on stderr behind the result, exit code kUnmetExit.
  std::string unmet = {};
};
inline constexpr int kUnmetExit = 3;

using Action = std::function<Outcome(const CommonOptions&)>;

struct Command {
  std::string_view name;  // "tune", "data check"
  std::string_view summary;
  std::string_view example;
  bool resumes = false;  // stopped, the same command goes on from where it was (but for its --restart)
  // Declares the options on `app` and returns what runs them. The action owns the option values.
  Action (*declare)(CLI::App& app);
};

std::span<const Command* const> all_commands() noexcept;

extern const Command kRunCommand;
extern const Command kTuneCommand;
extern const Command kMergeCommand;
extern const Command kQuantizeCommand;
extern const Command kEvalCommand;
extern const Command kGenerateCommand;
extern const Command kChatCommand;
extern const Command kConvertCommand;
extern const Command kInspectCommand;
extern const Command kPullCommand;
extern const Command kModelsCommand;
extern const Command kDataCheckCommand;
extern const Command kBenchCommand;
extern const Command kRunsListCommand;
extern const Command kRunsShowCommand;
extern const Command kRunsCompareCommand;

}  // namespace hone::cli
