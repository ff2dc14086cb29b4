#include "reference.h"

#include <fmt/format.h>

#include <sstream>

namespace hone::cli {
namespace {

// CLI11 says "TEXT:{f32,f16}" of an option with a set of values, "INT in [1 - 9]" of one with a range.
void read_type(const std::string& type, ReferenceOption& out) {
  out.value = type.substr(0, type.find_first_of(": ["));
  const size_t begin = type.find('{'), end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return;
  std::istringstream list(type.substr(begin + 1, end - begin - 1));
  for (std::string choice; std::getline(list, choice, ',');) out.choices.push_back(choice);
}

ReferenceOption option_of(const CLI::Option& option) {
  ReferenceOption out;
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  out.text = option.get_description();
  if (option.get_type_size() > 0) read_type(option.get_type_name(), out);
  return out;
}

void add(const CLI::App& app, const std::string& path, std::vector<ReferenceCommand>& all) {
  ReferenceCommand command;
  command.path = path;
  command.text = app.get_description();
  command.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    ReferenceOption read = option_of(*option);
    if (option->get_positional()) command.arguments += " " + option->get_name(true);
    if (!read.names.empty()) command.options.push_back(std::move(read));
  }
  for (const CLI::App* sub : app.get_subcommands(nullptr)) command.subcommands.push_back(sub->get_name());
  all.push_back(std::move(command));
  for (const CLI::App* sub : app.get_subcommands(nullptr))
    add(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), all);
}

}  // namespace

std::vector<ReferenceCommand> reference_of(const CLI::App& root) {
  std::vector<ReferenceCommand> all;
  add(root, "", all);
  return all;
}

std::span<const ReferenceWriter> reference_writers() {
  static constexpr ReferenceWriter kWriters[] = {
      {"man", write_man}, {"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
  return kWriters;
}

}  // namespace hone::cli
