// From items of a task to prompts: description, examples ("shots"), the model's chat template; and to the
// tokens that are scored.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/judge.h"
#include "eval/likelihood.h"
#include "eval/task_file.h"
#include "text/chat_template.h"

namespace hone {

struct PromptOptions {
  size_t shots = 0;  // solved examples before each question
  // Where they come from: the first of these rows (of the item's category where the task says so). Without,
  // rows of the task's own file are drawn, the same for all items but those that are drawn themselves, which
  // get the next one instead.
  const TaskFile* shots_file = nullptr;
  uint64_t seed = 42;  // of the draw
  // Description as system turn, examples as turns, the question as the last one; choices follow without the
  // task's delimiter. nullptr: plain text.
  const ChatTemplate* chat_template = nullptr;
  // Of tasks that are answered by writing; by default the task's own.
  std::optional<size_t> max_tokens = std::nullopt;
  std::optional<std::vector<std::string>> stop = std::nullopt;
  JudgeOptions judge = {};
};

class Prompts {
 public:
  // Throws kInvalidArgument when there are too few examples, or none because items have no answers, and for
  // chats without a template. Keeps references to both.
  Prompts(const TaskFile& file, const PromptOptions& options);
  // Of items[i]: one prompt, or one for each choice. Ends before the delimiter.
  std::vector<std::string> of(size_t i) const;
  // What a continuation begins with.
  std::string_view delimiter() const noexcept;

 private:
  std::vector<const TaskItem*> shots_for(size_t i) const;
  std::string plain(const std::vector<const TaskItem*>& shots, const TaskItem& item,
                    const std::string& question) const;
  std::string chat(const std::vector<const TaskItem*>& shots, const TaskItem& item,
                   const std::string& question) const;

  const TaskFile& file_;
  PromptOptions options_;
  std::vector<size_t> drawn_;  // of the task's own file, one more than asked
};

// A context and what follows it, each as tokens: the continuation is what the two together have beyond the
// context's own tokens; white space at the context's end goes to the continuation. As
// lm-evaluation-harness's, so that scores are comparable. BOS as the model's tokenizer adds it.
struct TokenPair {
  std::vector<TokenId> context, continuation;
};
TokenPair encode_pair(const Tokenizer& tokenizer, std::string context, std::string continuation);
std::vector<TokenId> encode_context(const Tokenizer& tokenizer, const std::string& text);

}  // namespace hone
