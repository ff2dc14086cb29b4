#include "eval/prompts.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "eval/plain_text.h"

namespace hone {
namespace {

constexpr std::string_view kBetweenShots = "\n\n";

// Question and answer of an item that stands as an example.
const std::string& question_of(const TaskItem& item) {
  return item.contexts[item.contexts.size() == 1 ? 0 : item.answer];
}
const std::string& answer_of(const TaskItem& item) {
  return item.choices[item.choices.size() == 1 ? 0 : item.answer];
}

std::string where(const TaskFile& file) {
  return fmt::format("{}: {}", file.path.string(), file.task->name);
}

}  // namespace

Prompts::Prompts(const TaskFile& file, const PromptOptions& options) : file_(file), options_(options) {
  if (options.shots == 0) return;
  const TaskFile& source = options.shots_file == nullptr ? file : *options.shots_file;
  for (const TaskItem& item : source.items)
    if (item.choices.empty())
      fail(ErrorCode::kInvalidArgument,
           "{}:{}: {}: --shots: got {}, expected 0; the row has no answer that an example could show",
           source.path.string(), item.line, file.task->name, options.shots);
  if (options.shots_file != nullptr) return;  // counted per item: categories differ
  if (file.items.size() < options.shots + 1)
    fail(ErrorCode::kInvalidArgument,
         "{}: --shots: got {}, expected at most {}, the file's rows but one; lower it or give --shots-data",
         where(file), options.shots, file.items.size() - 1);
  std::vector<size_t> order(file.items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng(options.seed).shuffle(order);
  drawn_.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(options.shots + 1));
}

std::vector<const TaskItem*> Prompts::shots_for(size_t i) const {
  std::vector<const TaskItem*> shots;
  if (options_.shots == 0) return shots;
  if (options_.shots_file == nullptr) {
    for (const size_t drawn : drawn_)
      if (drawn != i && shots.size() < options_.shots) shots.push_back(&file_.items[drawn]);
    return shots;
  }
  const std::string& category = file_.items[i].category;
  for (const TaskItem& item : options_.shots_file->items) {
    if (file_.task->shots_of_category && item.category != category) continue;
    shots.push_back(&item);
    if (shots.size() == options_.shots) return shots;
  }
  fail(ErrorCode::kInvalidArgument, "{}: --shots: got {}, expected at most {}, the rows{}; lower it",
       where(*options_.shots_file), options_.shots, shots.size(),
       file_.task->shots_of_category ? fmt::format(" of category \"{}\"", category) : "");
}

std::string_view Prompts::delimiter() const noexcept {
  // A last word brings its own space.
  if (options_.chat_template != nullptr || file_.task->kind == TaskKind::kLastWord) return "";
  return file_.task->delimiter;
}

std::string Prompts::plain(const std::vector<const TaskItem*>& shots, const TaskItem& item,
                           const std::string& question) const {
  std::string text = file_.task->description == nullptr ? std::string() : file_.task->description(item);
  for (const TaskItem* shot : shots) {
    text += question_of(*shot);
    text += file_.task->delimiter;
    text += answer_of(*shot);
    text += kBetweenShots;
  }
  return text + question;
}

std::string Prompts::chat(const std::vector<const TaskItem*>& shots, const TaskItem& item,
                          const std::string& question) const {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  const auto say = [&](const char* role, const std::string& content) {
    messages.push_back({{"role", role}, {"content", content}});
  };
  if (file_.task->description != nullptr) {
    const std::string description = file_.task->description(item);
    if (!description.empty()) say("system", description);
  }
  for (const TaskItem* shot : shots) {
    say("user", question_of(*shot));
    say("assistant", answer_of(*shot));
  }
  for (const nlohmann::ordered_json& message : item.messages) messages.push_back(message);
  if (item.messages.is_null()) say("user", question);
  RenderOptions options;
  options.add_generation_prompt = true;
  return options_.chat_template->render(messages, options).text;
}

std::vector<std::string> Prompts::of(size_t i) const {
  const TaskItem& item = file_.items[i];
  if (!item.messages.is_null()) {
    if (options_.chat_template == nullptr)
      fail(ErrorCode::kInvalidArgument,
           "{}:{}: {}: \"messages\": got a chat, expected a \"prompt\"; or give --apply-chat-template",
           file_.path.string(), item.line, file_.task->name);
    if (options_.shots > 0)
      fail(ErrorCode::kInvalidArgument,
           "{}:{}: {}: --shots: got {}, expected 0 for \"messages\"; write the examples there as turns",
           file_.path.string(), item.line, file_.task->name, options_.shots);
    return {chat({}, item, {})};
  }
  const std::vector<const TaskItem*> shots = shots_for(i);
  std::vector<std::string> prompts;
  for (const std::string& question : item.contexts)
    prompts.push_back(options_.chat_template != nullptr ? chat(shots, item, question)
                                                        : plain(shots, item, question));
  return prompts;
}

std::vector<TokenId> encode_context(const Tokenizer& tokenizer, const std::string& text) {
  const TokenizerData& data = tokenizer.data();
  std::vector<TokenId> tokens = tokenizer.encode(text, {.add_special = false, .parse_special = true});
  const std::string bos = data.bos >= 0 ? tokenizer.token_bytes(data.bos, true) : std::string();
  const bool has_bos = !bos.empty() && text.starts_with(bos);
  if (data.add_bos && data.bos >= 0 && !has_bos) tokens.insert(tokens.begin(), data.bos);
  return tokens;
}

TokenPair encode_pair(const Tokenizer& tokenizer, std::string context, std::string continuation) {
  const size_t space = trailing_space(context);
  continuation.insert(0, context, context.size() - space);
  context.resize(context.size() - space);
  if (context.empty()) {
    // Nothing to stand behind: BOS, or EOS where there is none, and never twice.
    const TokenizerData& data = tokenizer.data();
    const TokenId first = data.bos >= 0 ? data.bos : data.eos;
    std::vector<TokenId> tokens = tokenizer.encode(continuation, {.add_special = false});
    if (first < 0)
      fail(ErrorCode::kInvalidArgument,
           "evaluation: context: got an empty one, expected text; the model has no token to begin with");
    if (tokens.empty() || tokens[0] != first) tokens.insert(tokens.begin(), first);
    return {{first}, {tokens.begin() + 1, tokens.end()}};
  }
  TokenPair pair{.context = encode_context(tokenizer, context), .continuation = {}};
  const std::vector<TokenId> whole = encode_context(tokenizer, context + continuation);
  const size_t begin = std::min(pair.context.size(), whole.size());
  pair.continuation.assign(whole.begin() + static_cast<std::ptrdiff_t>(begin), whole.end());
  return pair;
}

}  // namespace hone
