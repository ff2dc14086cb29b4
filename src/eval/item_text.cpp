#include "eval/item_text.h"

namespace hone {
namespace {

constexpr size_t kShownBytes = 400;

bool inside_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Choices are texts behind one prompt, or prompts before one text.
std::string choice(const TaskItem& item, size_t i) {
  const std::string& text = item.contexts.size() > 1 ? item.contexts[i] : item.choices[i];
  return end_of(text);
}

}  // namespace

std::string end_of(const std::string& text) {
  if (text.size() <= kShownBytes) return text;
  size_t begin = text.size() - kShownBytes;
  while (begin < text.size() && inside_character(text[begin])) ++begin;
  return "…" + text.substr(begin);
}

std::string shown_question(const TaskItem& item) {
  if (!item.messages.is_null() && !item.messages.empty())
    return end_of(item.messages.back().value("content", ""));
  return end_of(item.contexts.size() > 1 ? item.choices[0] : item.contexts[0]);
}

std::string shown_expected(const TaskItem& item) {
  if (item.choices.empty()) return {};  // judged by rules
  const size_t n = std::max(item.contexts.size(), item.choices.size());
  if (item.true_choices.empty()) return choice(item, item.answer);
  for (size_t i = 0; i < n; ++i)
    if (item.true_choices[i] != 0) return choice(item, i);
  return {};
}

std::string shown_answer(const Task& task, const TaskItem& item, const ItemResult& result) {
  switch (task.kind) {
    case TaskKind::kChoice:
      return choice(item, result.prediction);
    case TaskKind::kLastWord:
      return {};
    case TaskKind::kWritten:
      return end_of(result.written);
  }
  return {};
}

}  // namespace hone
