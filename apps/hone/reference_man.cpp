// hone.1, for man.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reference.h"

namespace hone::cli {
namespace {

// roff: backslashes, hyphens that may be typed, lines that look like requests.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string options_text(const ReferenceCommand& command) {
  std::string out;
  for (const ReferenceOption& option : command.options) {
    out += fmt::format(".TP\n\\fB{}\\fR", roff(fmt::format("{}", fmt::join(option.names, ", "))));
    if (!option.choices.empty()) {
      out += fmt::format(" \\fI{}\\fR", roff(fmt::format("{}", fmt::join(option.choices, "|"))));
    } else if (!option.value.empty()) {
      out += fmt::format(" \\fI{}\\fR", option.value);
    }
    out += fmt::format("\n{}\n", roff(option.text));
  }
  return out;
}

// "Example:\n  hone …" as lines that man does not fill.
std::string footer_text(const std::string& footer) {
  const size_t begin = footer.find('\n');
  if (begin == std::string::npos) return {};
  std::string out = ".PP\nExample:\n.PP\n.nf\n";
  for (size_t at = begin + 1; at < footer.size();) {
    const size_t end = std::min(footer.find('\n', at), footer.size());
    if (footer.compare(at, 2, "  ") == 0) out += "    " + roff(footer.substr(at + 2, end - at - 2)) + "\n";
    at = end + 1;
  }
  return out + ".fi\n";
}

}  // namespace

std::string write_man(std::span<const ReferenceCommand> commands) {
  std::string out = fmt::format(
      ".TH HONE 1 \"\" \"hone {}\" \"User Commands\"\n.SH NAME\nhone \\- {}\n.SH SYNOPSIS\n.B hone\n.I "
      "COMMAND\n"
      "[\\fIoptions\\fR]\n.SH DESCRIPTION\n"
      "One program takes an open\\-weight language model, teaches it a domain, shrinks it for the machine it "
      "will run "
      "on, and measures what each step kept and lost. Nothing is uploaded.\n",
      HONE_VERSION, roff(std::string_view(commands[0].text).substr(commands[0].text.find(": ") + 2)));
  out += footer_text(commands[0].footer) + ".SH COMMANDS\n";
  for (const ReferenceCommand& command : commands.subspan(1)) {
    if (!command.subcommands.empty()) continue;
    out +=
        fmt::format(".SS hone {}{}\n{}\n", roff(command.path), roff(command.arguments), roff(command.text));
    out += options_text(command) + footer_text(command.footer);
  }
  out +=
      ".SH FILES\n.TP\n\\fI~/.cache/hone\\fR\nthe model store, the ledger of runs and the history of "
      "\\fBhone chat\\fR, or where "
      "\\fBHONE_HOME\\fR says\n"
      ".SH ENVIRONMENT\n.TP\n\\fBHONE_HOME\\fR\nwhere models are kept\n"
      ".TP\n\\fBHONE_ISA\\fR\nthe instruction set to use: avx512, avx2 or scalar\n"
      ".TP\n\\fBHONE_PRODUCTS\\fR\nf32, bf16, f16 or i16 (16-bit fixed point): what unquantized numbers are "
      "multiplied in, instead of "
      "the fastest on this\n"
      "processor\n"
      ".SH EXIT STATUS\n0 when all went well, 2 for wrong usage or bad input, 3 when all was done but a "
      "promise "
      "of the recipe is not kept, 130 after Ctrl\\-C, 1 for everything else.\n";
  return out;
}

}  // namespace hone::cli
