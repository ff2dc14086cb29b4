// The commands, in the order of the help.
#include "command.h"

namespace hone::cli {

std::span<const Command* const> all_commands() noexcept {
  static constexpr const Command* kCommands[] = {
      &kRunCommand,     &kTuneCommand,     &kMergeCommand,    &kQuantizeCommand,
      &kEvalCommand,    &kGenerateCommand, &kChatCommand,     &kConvertCommand,
      &kInspectCommand, &kPullCommand,     &kModelsCommand,   &kDataCheckCommand,
      &kBenchCommand,   &kRunsListCommand, &kRunsShowCommand, &kRunsCompareCommand,
  };
  return kCommands;
}

}  // namespace hone::cli
