// Completions for bash, zsh and fish.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "reference.h"

namespace hone::cli {
namespace {

// Inside single quotes of a shell; with `also`, these characters get a backslash besides.
std::string quoted(std::string_view text, std::string_view also = {}) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (also.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// Fish knows no '\'' but backslashes inside single quotes.
std::string fish_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::vector<std::string> words_of(const ReferenceCommand& command) {
  std::vector<std::string> words = command.subcommands;
  for (const ReferenceOption& option : command.options)
    words.insert(words.end(), option.names.begin(), option.names.end());
  return words;
}

std::string last_word(const std::string& path) {
  return path.substr(path.rfind(' ') + 1);
}
std::string parent(const std::string& path) {
  const size_t space = path.rfind(' ');
  return space == std::string::npos ? "" : path.substr(0, space);
}

}  // namespace

std::string write_bash(std::span<const ReferenceCommand> commands) {
  std::string paths, words, choices;
  for (const ReferenceCommand& command : commands) {
    if (!command.path.empty())
      paths += fmt::format("      \"{}:{}\") path=\"{}\" ;;\n", parent(command.path), last_word(command.path),
                           command.path);
    words += fmt::format("    \"{}\") words=\"{}\" ;;\n", command.path, fmt::join(words_of(command), " "));
    for (const ReferenceOption& option : command.options) {
      if (option.choices.empty()) continue;
      for (const std::string& name : option.names)
        choices += fmt::format("    \"{}:{}\") words=\"{}\" ;;\n", command.path, name,
                               fmt::join(option.choices, " "));
    }
  }
  return fmt::format(
      "# bash completion for hone\n"
      "_hone() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" previous=\"${{COMP_WORDS[COMP_CWORD-1]}}\" path=\"\" "
      "words=\"\" word\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case \"$path:$word\" in\n{}    esac\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  case \"$path:$previous\" in\n{}  esac\n"
      "  if [ -n \"$words\" ]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"$path\" in\n{}  esac\n"
      "  # Words of hone where they can be meant; file names otherwise.\n"
      "  if [[ \"$current\" == -* || \"$path\" == \"\" || \"$path\" == \"data\" ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  fi\n"
      "}}\n"
      "complete -o default -F _hone hone\n",
      paths, choices, words);
}

std::string write_zsh(std::span<const ReferenceCommand> commands) {
  std::string out = "#compdef hone\n";
  const auto function = [](const std::string& path) {
    std::string name = path.empty() ? "_hone" : "_hone_" + path;
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
  };
  // Children first: a function is defined before it is used.
  for (size_t i = commands.size(); i-- > 0;) {
    const ReferenceCommand& command = commands[i];
    out += fmt::format("\n{}() {{\n", function(command.path));
    if (!command.subcommands.empty()) {
      out += "  local -a commands=(\n";
      for (const ReferenceCommand& sub : commands)
        if (!sub.path.empty() && parent(sub.path) == command.path)
          out += fmt::format("    '{}:{}'\n", last_word(sub.path), quoted(sub.text, ":\\"));
      out +=
          "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
          "  shift words\n  (( CURRENT-- ))\n  case $words[1] in\n";
      for (const ReferenceCommand& sub : commands)
        if (!sub.path.empty() && parent(sub.path) == command.path)
          out += fmt::format("    {}) {} ;;\n", last_word(sub.path), function(sub.path));
      out += "  esac\n}\n";
      continue;
    }
    out += "  _arguments \\\n";
    for (const ReferenceOption& option : command.options) {
      for (const std::string& name : option.names) {
        out += fmt::format("    '{}[{}]", name, quoted(option.text, "[]\\"));
        if (!option.choices.empty()) out += fmt::format(":value:({})", fmt::join(option.choices, " "));
        if (option.choices.empty() && !option.value.empty()) out += ":value:_files";
        out += "' \\\n";
      }
    }
    out += "    '*:file:_files'\n}\n";
  }
  return out + "\nif [ \"$funcstack[1]\" = \"_hone\" ]; then _hone \"$@\"; else compdef _hone hone; fi\n";
}

std::string write_fish(std::span<const ReferenceCommand> commands) {
  std::string out = "# fish completion for hone\n";
  for (const ReferenceCommand& command : commands) {
    std::string condition = "__fish_use_subcommand";
    if (!command.path.empty()) {
      condition.clear();
      for (std::string path = command.path; !path.empty(); path = parent(path))
        condition = fmt::format("__fish_seen_subcommand_from {}{}{}", last_word(path),
                                condition.empty() ? "" : "; and ", condition);
    }
    for (const ReferenceCommand& sub : commands)
      if (!sub.path.empty() && parent(sub.path) == command.path)
        out += fmt::format("complete -c hone -n '{}' {}-a {} -d '{}'\n", condition,
                           command.path.empty() ? "-f " : "", last_word(sub.path), fish_quoted(sub.text));
    for (const ReferenceOption& option : command.options) {
      out += fmt::format("complete -c hone -n '{}'", condition);
      for (const std::string& name : option.names)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.choices.empty()) out += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
      if (option.choices.empty() && !option.value.empty()) out += " -r";
      out += fmt::format(" -d '{}'\n", fish_quoted(option.text));
    }
  }
  return out;
}

}  // namespace hone::cli
