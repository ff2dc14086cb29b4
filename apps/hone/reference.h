// The manual page and the shells' completions, from the declarations of the commands: what the build
// installs.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

struct ReferenceOption {
  std::vector<std::string> names;  // "-n", "--max-tokens", as typed
  std::string text;
  std::string value;                 // "INT", empty for a flag
  std::vector<std::string> choices;  // the only values there are, if it is so
};
struct ReferenceCommand {
  std::string path;  // "data check"; empty: hone itself
  std::string text, footer, arguments;
  std::vector<ReferenceOption> options;
  std::vector<std::string> subcommands;
};
// The tree of commands, parents before children.
std::vector<ReferenceCommand> reference_of(const CLI::App& root);

struct ReferenceWriter {
  std::string_view name;  // "man", "bash", "zsh", "fish"
  std::string (*write)(std::span<const ReferenceCommand> commands);
};
std::span<const ReferenceWriter> reference_writers();

std::string write_man(std::span<const ReferenceCommand> commands);
std::string write_bash(std::span<const ReferenceCommand> commands);
std::string write_zsh(std::span<const ReferenceCommand> commands);
std::string write_fish(std::span<const ReferenceCommand> commands);

}  // namespace hone::cli
