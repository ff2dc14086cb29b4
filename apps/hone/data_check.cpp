// hone data check: what a file of chats looks like to a model, before it is trained on.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/clean_text.h"
#include "base/error.h"
#include "command.h"
#include "data/check.h"
#include "data/contamination.h"
#include "data/dataset.h"
#include "pipeline/loaded_model.h"
#include "terminal.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::string data, model, against;
  size_t max_length = 1024, limit = 0, sample = 1;
  ContaminationOptions overlap;
};

// The sample as the model sees it; what is learned in green on a terminal, in [[ ]] elsewhere.
std::string masked_text(const Sample& sample, const Tokenizer& tokenizer) {
  const bool colour = has_colours(STDOUT_FILENO);
  const std::string on = colour ? "\033[32m" : "[[", off = colour ? "\033[0m" : "]]";
  std::string text, part;
  bool learned = false;
  for (size_t t = 0; t < sample.tokens.size(); ++t) {
    if ((sample.supervised[t] != 0) != learned) {
      learned = !learned;
      text += clean_text(part) + (learned ? on : off);
      part.clear();
    }
    part += tokenizer.token_bytes(sample.tokens[t], true);
  }
  return text + clean_text(part) + (learned ? off : "");
}

// With a model: what it makes of the chats.
void add_tokens(const Arguments& arguments, Outcome& out) {
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
  const LengthStats lengths = check_chats({}, dataset.samples).tokens;
  out.json["tokens"] = dataset.n_tokens;
  out.json["supervised_tokens"] = dataset.n_supervised;
  out.json["truncated"] = dataset.n_truncated;
  out.json["length"] = {{"min", lengths.min}, {"median", lengths.p50}, {"max", lengths.max}};
  out.text += fmt::format(
      "  {} tokens, {} of them learned ({:.0f} %)\n  tokens per chat: {} to {}, median {}; {} cut to {}\n",
      dataset.n_tokens, dataset.n_supervised,
      100.0 * static_cast<double>(dataset.n_supervised) / static_cast<double>(dataset.n_tokens), lengths.min,
      lengths.max, lengths.p50, dataset.n_truncated, arguments.max_length);
  const size_t shown = std::min(arguments.sample, dataset.samples.size());
  if (shown > 0)
    out.text += fmt::format("\nchat {} (what is learned is marked):\n{}\n", shown,
                            masked_text(dataset.samples[shown - 1], *tokenizer));
}

Json to_json(const ContaminationMatch& match) {
  return {{"line", match.line},
          {"train_line", match.train_line},
          {"duplicate", match.duplicate},
          {"share", match.share},
          {"text", match.text}};
}

std::string shown(const std::string& whole) {
  constexpr size_t kShown = 160;
  const std::string text = single_line(whole);
  if (text.size() <= kShown) return text;
  size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

void add_overlap(const Arguments& arguments, Outcome& out) {
  const ContaminationOptions& options = arguments.overlap;
  const Contamination found =
      find_contamination(read_documents(arguments.data), read_documents(arguments.against), options);
  Json json = {{"file", arguments.against},
               {"ngram", options.n},
               {"shortest", options.shortest},
               {"documents", found.n_documents},
               {"compared", found.n_compared},
               {"shared", found.n_shared},
               {"duplicates", found.n_duplicates},
               {"ngrams", found.n_runs},
               {"shared_ngrams", found.n_shared_runs},
               {"worst", Json::array()}};
  const double percent = 100 * static_cast<double>(found.n_shared) / static_cast<double>(found.n_documents);
  out.text += fmt::format(
      "against {}: {} documents, {} with runs of {} words (or whole parts of {} and more)\n  share a run: {} "
      "({:.1f} %)"
      "; the same as a whole: {}\n",
      arguments.against, found.n_documents, found.n_compared, options.n,
      std::min(options.shortest, options.n), found.n_shared, percent, found.n_duplicates);
  for (const ContaminationMatch& match : found.worst) {
    json["worst"].push_back(to_json(match));
    out.text +=
        fmt::format("  line {} and line {}: {}, {:.0f} % of its words: {}\n", match.line, match.train_line,
                    match.duplicate ? "the same" : "shared", 100 * match.share, shown(match.text));
  }
  if (!found.worst.empty() || found.n_shared + found.n_duplicates > 0)
    out.text +=
        "  warning: what is measured on these lines is partly memory; leave them out of one of the files\n";
  out.json["overlap"] = found.n_duplicates;
  out.json["against"] = std::move(json);
}

Outcome run(const Arguments& arguments) {
  const std::vector<ChatRecord> chats = read_chats(arguments.data);
  const DataCheck check = check_chats(chats, {});
  const size_t n = arguments.limit > 0 ? std::min(arguments.limit, chats.size()) : chats.size();
  Outcome out{.json = Json::object(), .text = {}};
  out.json["chats"] = n;
  out.text = fmt::format("{}: {} chats\n", arguments.data, n);
  out.text += fmt::format("  duplicates: {}; {} more but for case, punctuation and spaces\n",
                          check.exact_duplicates, check.near_duplicates);
  out.json["duplicates"] = check.exact_duplicates;
  out.json["near_duplicates"] = check.near_duplicates;
  if (!arguments.against.empty()) add_overlap(arguments, out);
  if (!arguments.model.empty()) add_tokens(arguments, out);
  return out;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("data", arguments->data, "chats, JSON Lines")->required();
  app.add_option("-m,--model", arguments->model,
                 "count tokens and show a chat as this model reads it (default: only what needs no model)");
  CLI::Option* against =
      app.add_option("--against", arguments->against,
                     "held-out file (chats, a task's rows, text): what it shares with the data");
  app.add_option("--ngram", arguments->overlap.n, "with --against: words of a shared run (default 13)")
      ->needs(against)
      ->check(CLI::Range(1, 1000));
  app.add_option("--shortest", arguments->overlap.shortest,
                 "with --against: a text of fewer words than --ngram counts as one run from so many words on "
                 "(default 8)")
      ->needs(against)
      ->check(CLI::Range(1, 1000));
  app.add_option("--worst", arguments->overlap.worst, "with --against: how many matches to list (default 10)")
      ->needs(against);
  app.add_option("--max-length", arguments->max_length,
                 "tokens per chat; longer ones are cut (default 1024)");
  app.add_option("--limit", arguments->limit, "only the first N chats");
  app.add_option("--sample", arguments->sample, "which chat to show, 0 = none (default 1)");
  return [arguments](const CommonOptions&) { return run(*arguments); };
}

}  // namespace

const Command kDataCheckCommand = {
    .name = "data check",
    .summary = "counts, lengths, duplicates, what held-out data shares, and a chat with its loss mask",
    .example = "hone data check examples/medical/data/train.jsonl --model smollm2-135m-instruct",
    .declare = declare,
};

}  // namespace hone::cli
