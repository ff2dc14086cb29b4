#include "eval_overfit.h"

#include "base/error.h"

namespace hone::cli {
namespace {

Json to_json(const Memorised& m, const Dataset& data) {
  Json lines = Json::array();
  for (const size_t item : m.items) lines.push_back(data.samples[item].line);
  return {{"answers", m.n_answers},
          {"verbatim", hone::to_json(m.verbatim)},
          {"matched", hone::to_json(m.matched)},
          {"verbatim_lines", std::move(lines)}};
}

Json to_json(const OverfitSide& side, const Dataset& train, const Dataset& held_out) {
  return {{"train_loss", hone::to_json(side.loss.train)},
          {"held_out_loss", hone::to_json(side.loss.held_out)},
          {"gap", hone::to_json(side.loss.gap)},
          {"memorised_train", to_json(side.train, train)},
          {"memorised_held_out", to_json(side.held_out, held_out)}};
}

std::string memorised_line(const char* what, const Memorised& m) {
  if (m.n_answers == 0) return fmt::format("    memorised, {:<10} no answer is long enough\n", what);
  return fmt::format(
      "    memorised, {:<10} {:.1f} % of {} answers verbatim, {:.1f} % of their tokens matched\n", what,
      100 * m.verbatim.value, m.n_answers, 100 * m.matched.value);
}

std::string side_text(const char* name, const OverfitSide& side) {
  const LossGap& l = side.loss;
  std::string text = fmt::format(
      "  {:<10} loss {:.4f} on training data, {:.4f} held out: gap {:+.4f} ({:+.4f} to {:+.4f})\n", name,
      l.train.value, l.held_out.value, l.gap.value, l.gap.low, l.gap.high);
  return text + memorised_line("training", side.train) + memorised_line("held out", side.held_out);
}

}  // namespace

void OverfitOptions::declare(CLI::App& app) {
  CLI::Option* option = app.add_option("--train-chat", train,
                                       "training chats, beside --chat as held-out ones: gap in loss, and "
                                       "answers that are known by heart; with "
                                       "--reference for the base model, too");
  app.add_option(
         "--memorised-after", memorised.prefix,
         "with --train-chat: tokens of an answer that are given, before the next 32 are compared with what "
         "greedy choice writes (default 16)")
      ->needs(option)
      ->check(CLI::Range(0, 4096));
}

void OverfitOptions::check(const std::string& held_out) const {
  if (!train.empty() && held_out.empty())
    fail(ErrorCode::kInvalidArgument,
         "--train-chat: got {}, but no --chat, the held-out chats that it is compared with", train);
  if (!train.empty() && train == held_out)
    fail(
        ErrorCode::kInvalidArgument,
        "--train-chat: got {}, the same file as --chat; expected training chats there and held-out ones here",
        train);
}

void add_overfit(EvalOutput& out, const Overfit& result, const OverfitOptions& options, const Dataset& train,
                 const Dataset& held_out) {
  Json part = {{"train", options.train},
               {"prefix", options.memorised.prefix},
               {"length", options.memorised.length},
               {"model", to_json(result.model, train, held_out)}};
  out.text += fmt::format("overfitting: {} training chats in {}, {} held out\n", train.samples.size(),
                          options.train, held_out.samples.size());
  out.text += side_text("model", result.model);
  out.metrics["train_gap"] = hone::to_json(result.model.loss.gap);
  if (result.model.train.n_answers > 0)
    out.metrics["memorised_train"] = hone::to_json(result.model.train.verbatim);
  if (result.model.held_out.n_answers > 0)
    out.metrics["memorised_held_out"] = hone::to_json(result.model.held_out.verbatim);
  if (result.base) {
    part["base"] = to_json(*result.base, train, held_out);
    part["widening"] = hone::to_json(*result.widening);
    out.text += side_text("reference", *result.base);
    out.text += fmt::format("  the gap is {:+.4f} wider than the reference's ({:+.4f} to {:+.4f})\n",
                            result.widening->value, result.widening->low, result.widening->high);
    out.metrics["train_gap_widening"] = hone::to_json(*result.widening);
  }
  out.parts["overfit"] = std::move(part);
  out.protocol["train_chat"] = options.train;
  out.protocol["train_chats"] = train.samples.size();
  out.protocol["memorised"] =
      fmt::format("{} tokens of an answer given, the next {} compared with greedy choice",
                  options.memorised.prefix, options.memorised.length);
}

}  // namespace hone::cli
