#include "line_reader.h"

#include <histedit.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string_view>

namespace hone::cli {
namespace {

constexpr int kHistoryLines = 1000;

// Asks the terminal to say where a pasted text begins and ends.
void mark_pastes(bool on) {
  std::fputs(on ? "\033[?2004h" : "\033[?2004l", stdout);
  std::fflush(stdout);
}

}  // namespace

struct LineReader::Editor {
  explicit Editor(std::filesystem::path file) : history_file(std::move(file)) {
    // Only character classes: the editor must know what a character is.
    if (std::setlocale(LC_CTYPE, "") == nullptr || std::strcmp(std::setlocale(LC_CTYPE, nullptr), "C") == 0)
      std::setlocale(LC_CTYPE, "C.UTF-8");
    history = ::history_init();
    HistEvent event;
    ::history(history, &event, H_SETSIZE, kHistoryLines);
    ::history(history, &event, H_SETUNIQUE, 1);
    if (!history_file.empty())
      ::history(history, &event, H_LOAD, history_file.c_str());  // none yet: an empty one
    edit = ::el_init("hone", stdin, stdout, stderr);
    ::el_set(edit, EL_CLIENTDATA, this);
    ::el_set(edit, EL_PROMPT, &Editor::show_prompt);
    ::el_set(edit, EL_HIST, &::history, history);
    ::el_set(edit, EL_EDITOR, "emacs");
    // By its wide form: the other one never frees its copies of the names.
    ::el_wset(edit, EL_ADDFN, L"hone-cancel", L"drops the line", &Editor::cancel);
    ::el_set(edit, EL_BIND, "^C", "hone-cancel", nullptr);
    ::el_wset(edit, EL_ADDFN, L"hone-suspend", L"back to the shell for a while", &Editor::suspend);
    ::el_set(edit, EL_BIND, "^Z", "hone-suspend", nullptr);
    ::el_set(edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    ::el_set(edit, EL_BIND, "^I", "ed-insert", nullptr);
    ::el_wset(edit, EL_ADDFN, L"hone-paste", L"takes what is pasted as it is", &Editor::paste);
    ::el_set(edit, EL_BIND, "\\e[200~", "hone-paste", nullptr);
    ::el_set(edit, EL_BIND, "\\e[1;5C", "em-next-word", nullptr);
    ::el_set(edit, EL_BIND, "\\e[1;5D", "ed-prev-word", nullptr);
    ::el_set(edit, EL_BIND, "\\e[3~", "ed-delete-next-char", nullptr);
    // While a line is edited Ctrl-C and Ctrl-Z are keys; at other times they are signals.
    ::el_set(edit, EL_SETTY, "-d", "-isig", nullptr);
  }
  ~Editor() {
    ::el_end(edit);
    ::history_end(history);
  }

  static Editor& of(EditLine* edit) {
    void* self = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<Editor*>(self);
  }
  static char* show_prompt(EditLine* edit) { return of(edit).prompt.data(); }
  static unsigned char cancel(EditLine* edit, int) {
    of(edit).cancelled = true;
    return CC_NEWLINE;
  }

  // Between the marks that a terminal puts around it, lines and all: no part of it is a command or an end.
  static unsigned char paste(EditLine* edit, int) {
    constexpr std::wstring_view kEnd = L"\x1b[201~";
    std::wstring text;
    for (wchar_t c = 0; ::el_wgetc(edit, &c) == 1;) {
      text += c == L'\r' ? L'\n' : c;
      if (!text.ends_with(kEnd)) continue;
      text.resize(text.size() - kEnd.size());
      break;
    }
    std::erase(text, L'\0');
    if (!text.empty() && ::el_winsertstr(edit, text.c_str()) != 0) return CC_ERROR;
    return CC_REFRESH;
  }

  static unsigned char suspend(EditLine* edit, int) {
    ::el_set(edit, EL_PREP_TERM, 0);
    std::raise(SIGTSTP);
    ::el_set(edit, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
  }

  void remember(const std::string& line) {
    HistEvent event;
    ::history(history, &event, H_ENTER, line.c_str());
    if (history_file.empty()) return;
    std::error_code ignored;
    std::filesystem::create_directories(history_file.parent_path(), ignored);
    ::history(history, &event, H_SAVE, history_file.c_str());  // a convenience: failing is no error
  }

  std::filesystem::path history_file;
  std::string prompt;
  bool cancelled = false;
  EditLine* edit = nullptr;
  History* history = nullptr;
};

LineReader::LineReader(std::filesystem::path history) {
  if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1)
    editor_ = std::make_unique<Editor>(std::move(history));
}
LineReader::~LineReader() = default;

LineReader::Got LineReader::read(const std::string& prompt, std::string& line) {
  line.clear();
  if (editor_ == nullptr) {
    if (!std::getline(std::cin, line)) return Got::kEnd;
    if (line.ends_with('\r')) line.pop_back();
    return Got::kLine;
  }
  Editor& editor = *editor_;
  editor.prompt = prompt;
  editor.cancelled = false;
  ::el_resize(editor.edit);
  int n = 0;
  mark_pastes(true);
  const char* got = ::el_gets(editor.edit, &n);
  mark_pastes(false);
  if (editor.cancelled) {
    std::fputs("^C\n", stdout);
    return Got::kCancelled;
  }
  if (got == nullptr || n <= 0) return Got::kEnd;
  line.assign(got, static_cast<size_t>(n));
  while (line.ends_with('\n')) line.pop_back();
  if (!line.empty()) editor.remember(line);
  return Got::kLine;
}

}  // namespace hone::cli
