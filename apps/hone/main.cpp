// hone: parse, run one command, print its result, turn any error into one line and an exit code.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/threads.h"
#include "command.h"
#include "cpu/isa.h"
#include "last_words.h"
#include "pipeline/suggest.h"
#include "record.h"
#include "reference.h"

namespace hone::cli {
namespace {

struct Declared {
  const Command* command = nullptr;
  CLI::App* app = nullptr;
  CommonOptions common;
  Action action;
};

void declare_common(CLI::App& app, CommonOptions& common) {
  app.add_flag("--json", common.json, "print one JSON object on stdout, everything else on stderr");
  app.add_option("--threads", common.threads, "threads to use (default: all this process may use)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--seed", common.seed, "seed of everything random (default 42)")
      ->check(CLI::Range(uint64_t{0}, uint64_t{INT64_MAX}));
  app.add_flag("--precise", common.precise, "compute in f32 throughout (slower)");
  app.add_flag("-q,--quiet", common.quiet, "no progress on stderr");
}

// Subcommands by name; "data check" makes "check" under "data".
std::vector<std::unique_ptr<Declared>> declare_commands(CLI::App& root) {
  std::vector<std::unique_ptr<Declared>> all;
  for (const Command* command : all_commands()) {
    auto declared = std::make_unique<Declared>();
    declared->command = command;
    CLI::App* parent = &root;
    std::string name(command->name);
    if (const size_t space = name.find(' '); space != std::string::npos) {
      const std::string group = name.substr(0, space);
      name = name.substr(space + 1);
      const auto groups = root.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == group; });
      parent = groups.empty() ? nullptr : groups.front();
      if (parent == nullptr) parent = root.add_subcommand(group, fmt::format("commands about {}", group));
      parent->require_subcommand(1);
    }
    declared->app = parent->add_subcommand(name, std::string(command->summary));
    declared->app->footer("");  // not the program's own
    declared->app->get_formatter()->column_width(32);
    declared->action = command->declare(*declared->app);
    // What a command has to say beyond its options stands behind the example.
    const std::string more = declared->app->get_footer();
    declared->app->footer(
        fmt::format("Example:\n  {}\n{}", command->example, more.empty() ? "" : "\n" + more));
    declare_common(*declared->app, declared->common);
    all.push_back(std::move(declared));
  }
  return all;
}

// The command that the arguments name, as deep as they go: where the unknown word was meant.
const CLI::App& deepest(const CLI::App& root, const std::vector<std::string>& arguments, size_t& next) {
  const CLI::App* app = &root;
  for (next = 0; next < arguments.size(); ++next) {
    const CLI::App* child = nullptr;
    for (const CLI::App* sub : app->get_subcommands(nullptr)) {
      if (sub->get_name() == arguments[next]) child = sub;
    }
    if (child == nullptr) break;
    app = child;
  }
  return *app;
}

// "unknown option --rnak; did you mean "--rank"?" when an argument is the cause, else what CLI11 says.
std::string usage_message(const CLI::App& root, const std::vector<std::string>& arguments,
                          const CLI::ParseError& error) {
  size_t next = 0;
  const CLI::App& app = deepest(root, arguments, next);
  const std::string help =
      fmt::format("; see {} --help", app.get_parent() == nullptr ? "hone" : "hone " + app.get_name());
  if (!app.get_subcommands(nullptr).empty()) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
    if (next < arguments.size() && !arguments[next].starts_with('-'))
      return fmt::format("unknown command \"{}\"{}", arguments[next], suggestion(arguments[next], names));
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const std::string& name : option->get_snames()) known.push_back("-" + name);
  }
  for (; next < arguments.size(); ++next) {
    const std::string name = arguments[next].substr(0, arguments[next].find('='));
    if (name == "--") break;
    if (!name.starts_with("--") || std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest(name, known);
    return fmt::format("unknown option {}{}", name,
                       near.empty() ? help : fmt::format("; did you mean \"{}\"?", near));
  }
  std::string message = error.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return message + help;
}

int report_error(bool json, ErrorCode code, const std::string& message) {
  if (json) {
    const Json error = {{"error", {{"code", error_code_name(code)}, {"message", message}}}};
    fmt::print("{}\n", error.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  put_line("hone: error: " + message);
  return exit_code(code);
}

// Everything the command says goes out, or the failure is an error (a full disk, a closed pipe).
void print_outcome(const Outcome& outcome, bool json) {
  const std::string text =
      json ? outcome.json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n" : outcome.text;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) fail(ErrorCode::kIo, "stdout: cannot write the result");
}

// How to go on after `code`, behind the error's message.
std::string_view way_on(const Declared& declared, ErrorCode code) {
  if (code != ErrorCode::kCancelled || !declared.command->resumes) return "";
  const CLI::Option* restart = declared.app->get_option_no_throw("--restart");
  const bool restarted = restart != nullptr && restart->count() > 0;
  return restarted ? "; the same command without --restart goes on from there"
                   : "; the same command goes on from there";
}

int run(Declared& declared, const std::vector<std::string>& arguments) {
  const CommonOptions& common = declared.common;
  Progress::set_quiet(common.quiet);
  LedgerEntry entry = make_entry(declared.command->name, arguments);
  declared.common.entry = &entry;
  const auto failed = [&](ErrorCode code, std::string message) {
    message += way_on(declared, code);
    entry.finish(code == ErrorCode::kCancelled ? "interrupted" : "failed", message);
    return report_error(common.json, code, message);
  };
  try {
    if (common.threads > 0) set_thread_count(common.threads);
    fast_products();  // a wrong HONE_ISA or HONE_PRODUCTS is told here; kernels may not throw
    declared.common.seed_given = declared.app->count("--seed") > 0;
    const Outcome outcome = declared.action(common);
    print_outcome(outcome, common.json);
    if (outcome.unmet.empty()) {
      entry.finish("finished");
      return 0;
    }
    entry.finish("unmet", outcome.unmet);
    put_line("hone: not kept: " + outcome.unmet);
    return kUnmetExit;
  } catch (const Error& error) {
    return failed(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return failed(ErrorCode::kResourceExhausted, kNoMemory);
  } catch (const std::filesystem::filesystem_error& error) {
    return failed(ErrorCode::kIo, error.what());
  } catch (const std::exception& error) {
    return failed(ErrorCode::kInternal, fmt::format("a defect in hone: {}", error.what()));
  }
}

// For the build, in no help: hone --reference man|bash|zsh|fish.
int write_reference(const CLI::App& root, const std::string& kind) {
  for (const ReferenceWriter& writer : reference_writers()) {
    if (writer.name != kind) continue;
    print_outcome({.json = {}, .text = writer.write(reference_of(root))}, false);
    return 0;
  }
  return report_error(false, ErrorCode::kInvalidArgument,
                      fmt::format("--reference: got {}, expected man, bash, zsh or fish", kind));
}

int main(int argc, char** argv) {
  install_last_words();
  install_interrupt_handler();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // `ulimit -f`: the write fails and is an error like a full disk
  CLI::App root{"hone: tune, shrink and prove open-weight language models on your own machine", "hone"};
  root.set_version_flag("--version", "hone " HONE_VERSION);
  root.require_subcommand(1);
  root.footer(
      "Example:\n  hone run examples/medical/recipe.toml\nEvery command has --help with an example.\n");
  const auto commands = declare_commands(root);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "--reference") return write_reference(root, arguments[1]);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return root.exit(success);
  } catch (const CLI::ParseError& error) {
    if (arguments.empty()) {
      fmt::print(stderr, "{}", root.help());
      return exit_code(ErrorCode::kInvalidArgument);
    }
    const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
    return report_error(json, ErrorCode::kInvalidArgument, usage_message(root, arguments, error));
  }
  for (const auto& declared : commands) {
    if (declared->app->parsed()) return run(*declared, arguments);
  }
  return exit_code(ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace hone::cli

int main(int argc, char** argv) {
  return hone::cli::main(argc, argv);
}
