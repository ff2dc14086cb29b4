// hone data check: what a file of chats looks like to a model, before it is trained on.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "command.h"
#include "data/dataset.h"
#include "pipeline/loaded_model.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string data, model, against;
  size_t max_length = 1024, limit = 0, sample = 1;
};

struct Lengths {
  size_t shortest = 0, median = 0, longest = 0;
};

Lengths lengths_of(const Dataset& dataset) {
  std::vector<size_t> lengths;
  for (const Sample& sample : dataset.samples) lengths.push_back(sample.tokens.size());
  std::sort(lengths.begin(), lengths.end());
  return {.shortest = lengths.front(), .median = lengths[lengths.size() / 2], .longest = lengths.back()};
}

// What makes two chats the same chat.
std::set<std::string> chat_hashes(const std::vector<ChatRecord>& records, size_t* duplicates) {
  std::set<std::string> seen;
  for (const ChatRecord& record : records) {
    if (!seen.insert(hash_text(record.messages.dump(-1, ' ', false, Json::error_handler_t::replace))).second)
      ++*duplicates;
  }
  return seen;
}

// The sample as the model sees it; what is learned in green on a terminal, in [[ ]] elsewhere.
std::string masked_text(const Sample& sample, const Tokenizer& tokenizer) {
  const bool colour = ::isatty(STDOUT_FILENO) == 1;
  const std::string on = colour ? "\033[32m" : "[[", off = colour ? "\033[0m" : "]]";
  std::string text;
  bool learned = false;
  for (size_t t = 0; t < sample.tokens.size(); ++t) {
    if ((sample.supervised[t] != 0) != learned) {
      learned = !learned;
      text += learned ? on : off;
    }
    text += tokenizer.token_bytes(sample.tokens[t], true);
  }
  return text + (learned ? off : "");
}

Outcome run(const Arguments& arguments) {
  const OpenedModel opened = open_model(arguments.model);
  const auto tokenizer = make_tokenizer(opened);
  const auto chat_template = make_chat_template(opened, *tokenizer);
  if (chat_template == nullptr)
    fail(ErrorCode::kNotSupported,
         "{}: this model has no chat template; chats cannot be rendered for it; give it "
         "one: hone convert MODEL -o NEW.gguf --chat-template FILE",
         opened.path.string());
  const ChatCodec codec{.tokenizer = *tokenizer, .chat_template = *chat_template};
  const Dataset dataset = load_dataset(arguments.data, codec, arguments.max_length, arguments.limit);
  const Lengths lengths = lengths_of(dataset);
  size_t duplicates = 0, overlap = 0, ignored = 0;
  const std::set<std::string> chats = chat_hashes(read_chats(arguments.data), &duplicates);
  if (!arguments.against.empty()) {
    for (const std::string& hash : chat_hashes(read_chats(arguments.against), &ignored))
      overlap += chats.count(hash);
  }
  const size_t shown = std::min(arguments.sample, dataset.samples.size());
  const std::string sample = shown == 0 ? "" : masked_text(dataset.samples[shown - 1], *tokenizer);

  Json json;
  json["chats"] = dataset.samples.size();
  json["tokens"] = dataset.n_tokens;
  json["supervised_tokens"] = dataset.n_supervised;
  json["truncated"] = dataset.n_truncated;
  json["length"] = {{"min", lengths.shortest}, {"median", lengths.median}, {"max", lengths.longest}};
  json["duplicates"] = duplicates;
  if (!arguments.against.empty()) json["overlap"] = overlap;
  std::string text =
      fmt::format("{}: {} chats, {} tokens, {} of them learned ({:.0f} %)\n", arguments.data,
                  dataset.samples.size(), dataset.n_tokens, dataset.n_supervised,
                  100.0 * static_cast<double>(dataset.n_supervised) / static_cast<double>(dataset.n_tokens));
  text += fmt::format("  tokens per chat: {} to {}, median {}; {} cut to {}\n  duplicates: {}\n",
                      lengths.shortest, lengths.longest, lengths.median, dataset.n_truncated,
                      arguments.max_length, duplicates);
  if (!arguments.against.empty()) text += fmt::format("  also in {}: {}\n", arguments.against, overlap);
  if (shown > 0) text += fmt::format("\nchat {} (what is learned is marked):\n{}\n", shown, sample);
  return {json, text};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("data", arguments->data, "chats, JSON Lines")->required();
  app.add_option("-m,--model", arguments->model, "the model whose tokenizer and chat template count")
      ->required();
  app.add_option("--against", arguments->against, "held-out chats: count those that are in both");
  app.add_option("--max-length", arguments->max_length,
                 "tokens per chat; longer ones are cut (default 1024)");
  app.add_option("--limit", arguments->limit, "only the first N chats");
  app.add_option("--sample", arguments->sample, "which chat to show, 0 = none (default 1)");
  return [arguments](const CommonOptions&) { return run(*arguments); };
}

}  // namespace

const Command kDataCheckCommand = {
    .name = "data check",
    .summary = "counts, lengths, duplicates, overlap, and a chat with its loss mask",
    .example = "hone data check examples/medical/data/train.jsonl --model smollm2-135m-instruct",
    .declare = declare,
};

}  // namespace hone::cli
