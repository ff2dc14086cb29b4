// Any number of models on the same items, in lock-step: batches of a few windows or chats go through every
// model before the next batch, and logits live for a few rows only.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/threads.h"
#include "eval/score_group.h"
#include "eval/token_score.h"

namespace hone {
namespace {

constexpr size_t kLogitRows = 256;  // logits rows held at a time, per model

// A reference's row, as all candidates are compared with it.
struct ReferenceRow {
  LogitRow row;
  std::array<uint32_t, kTopTokens> top;
};

// `scratch` (V) is overwritten; `distributions`: js and top5 too.
TokenScore judge(TokenScore token, std::span<const float> logits, std::span<float> scratch,
                 const ReferenceRow* reference, bool distributions) {
  const LogitRow own{logits, scratch, softmax(logits, scratch)};
  token.nll = own.nll(token.target);
  token.hit = own.hits(token.target);
  if (reference == nullptr) return token;
  token.kl = kl_divergence(reference->row, own);
  token.top1 = own.softmax.top == reference->row.softmax.top;
  token.reference_nll = reference->row.nll(token.target);
  token.reference_hit = reference->row.hits(token.target);
  if (!distributions) return token;
  token.js = js_divergence(reference->row, own);
  std::array<uint32_t, kTopTokens> top{};
  token.top5 = shared_tokens(std::span(reference->top).first(std::min(kTopTokens, logits.size())),
                             top_tokens(logits, top));
  return token;
}

class Scorer {
 public:
  Scorer(const std::vector<Candidate>& candidates, const Model* reference, size_t n_documents,
         const TokenSink& sink, bool distributions)
      : candidates_(candidates),
        reference_(reference),
        sink_(sink),
        distributions_(distributions),
        scores_(candidates.size()) {
    for (Scores& scores : scores_) {
      scores.nll.resize(n_documents);
      if (reference == nullptr) continue;
      scores.kl.resize(n_documents);
      scores.top1.resize(n_documents);
    }
  }

  void run(const ScoreGroup& group) {
    if (group.rows.empty()) return;
    if (reference_ != nullptr || sink_)
      run_rows(group);
    else
      run_sums(group);
  }
  std::vector<Scores> take() { return std::move(scores_); }

 private:
  bool is_reference(const Candidate& candidate) const {
    return candidate.model == reference_ && !candidate.cache_type &&
           (candidate.compute == ComputeMode::kPrecise || candidate.model->fast_is_precise());
  }

  // Losses alone, without logits in memory.
  void run_sums(const ScoreGroup& group) {
    for (size_t c = 0; c < candidates_.size(); ++c) {
      OpContext ctx{.tape = nullptr, .compute = candidates_[c].compute, .observer = nullptr};
      const Tensor hidden = hidden_of(candidates_[c], group);
      const auto result =
          linear_cross_entropy(ctx, hidden, candidates_[c].model->head(), group.targets, 0.0f);
      for (size_t i = 0; i < group.rows.size(); ++i)
        add(scores_[c].nll[group.places[i].document], static_cast<double>(result.nll[i]));
    }
  }

  void run_rows(const ScoreGroup& group) {
    Tensor reference_hidden;
    if (reference_ != nullptr)
      reference_hidden = hidden_of({.model = reference_, .compute = ComputeMode::kPrecise}, group);
    std::vector<Tensor> hidden;
    for (const Candidate& candidate : candidates_)
      hidden.push_back(is_reference(candidate) ? reference_hidden : hidden_of(candidate, group));
    for (size_t begin = 0; begin < group.rows.size(); begin += kLogitRows)
      judge_rows(group, begin, std::min(kLogitRows, group.rows.size() - begin), reference_hidden, hidden);
  }

  // Rows [begin, begin + n) of the hidden states.
  void judge_rows(const ScoreGroup& group, size_t begin, size_t n, const Tensor& reference_hidden,
                  const std::vector<Tensor>& hidden) {
    Tensor reference;
    if (reference_ != nullptr) {
      reference = logits(*reference_, ComputeMode::kPrecise, reference_hidden, begin, n);
      prepare_reference(reference);
    }
    scratch_.resize(static_cast<size_t>(thread_pool().size()));
    std::vector<TokenScore> results(n);
    for (size_t c = 0; c < candidates_.size(); ++c) {
      const Tensor own = is_reference(candidates_[c])
                             ? reference
                             : logits(*candidates_[c].model, candidates_[c].compute, hidden[c], begin, n);
      thread_pool().run(n, [&](size_t i, int worker) {
        std::vector<float>& scratch = scratch_[static_cast<size_t>(worker)];
        scratch.resize(own.cols());
        results[i] = judge(group.places[begin + i], {own.row(i), own.cols()}, scratch,
                           reference_ != nullptr ? &reference_rows_[i] : nullptr, distributions_);
      });
      for (const TokenScore& token : results) take_token(c, token);
    }
  }

  void prepare_reference(const Tensor& logits) {
    const size_t n = logits.rows(), vocab = logits.cols();
    weights_.resize(n * vocab);
    reference_rows_.resize(n);
    thread_pool().run(n, [&](size_t i, int) {
      const std::span<const float> row(logits.row(i), vocab);
      const std::span<float> weights = std::span(weights_).subspan(i * vocab, vocab);
      reference_rows_[i].row = {row, weights, softmax(row, weights)};
      if (distributions_) top_tokens(row, reference_rows_[i].top);
    });
  }

  void take_token(size_t candidate, const TokenScore& token) {
    Scores& scores = scores_[candidate];
    add(scores.nll[token.document], token.nll);
    if (reference_ != nullptr) {
      add(scores.kl[token.document], token.kl);
      add(scores.top1[token.document], token.top1 ? 1.0 : 0.0);
    }
    if (sink_) sink_(candidate, token);
  }

  static Tensor logits(const Model& model, ComputeMode compute, const Tensor& hidden, size_t begin,
                       size_t n) {
    Tensor picked = Tensor::empty({n, hidden.cols()});
    std::memcpy(picked.data(), hidden.row(begin), n * hidden.cols() * sizeof(float));
    OpContext ctx{.tape = nullptr, .compute = compute, .observer = nullptr};
    return model.logits(ctx, picked);
  }

  static void add(DocumentScore& score, double value) {
    if (!std::isfinite(value))
      fail(ErrorCode::kCorruption,
           "evaluation: loss: got {}, expected a finite number; the model's weights are damaged", value);
    score.sum += value;
    score.count += 1;
  }

  const std::vector<Candidate>& candidates_;
  const Model* reference_;
  const TokenSink& sink_;
  bool distributions_;
  std::vector<Scores> scores_;
  std::vector<float> weights_;
  std::vector<ReferenceRow> reference_rows_;
  std::vector<std::vector<float>> scratch_;
};

void check_vocabulary(const std::vector<Candidate>& candidates, const Model* reference,
                      const std::vector<ScoreItem>& items) {
  HONE_CHECK(!candidates.empty());
  const size_t vocab = (reference != nullptr ? reference : candidates[0].model)->config().n_vocab;
  for (const Candidate& candidate : candidates)
    if (candidate.model->config().n_vocab != vocab)
      fail(ErrorCode::kInvalidArgument,
           "evaluation: vocabulary: got models of {} and {} tokens; only models with the same vocabulary can "
           "be compared",
           vocab, candidate.model->config().n_vocab);
  const auto outside = [&](int32_t id) { return id >= 0 && static_cast<size_t>(id) >= vocab; };
  for (const ScoreItem& item : items) {
    HONE_CHECK(item.targets.size() == item.batch.tokens.size(), "targets={} tokens={}", item.targets.size(),
               item.batch.tokens.size());
    if (std::any_of(item.batch.tokens.begin(), item.batch.tokens.end(),
                    [&](int32_t id) { return id < 0 || outside(id); }) ||
        std::any_of(item.targets.begin(), item.targets.end(), outside))
      fail(ErrorCode::kInvalidArgument,
           "evaluation: tokens: got an id beyond the model's {} tokens; was the text encoded for another "
           "model?",
           vocab);
  }
}

// Positions beyond the context were never trained: what comes out there is no measure of the model.
void check_context(const Model& model, const std::vector<ScoreItem>& items) {
  const size_t context = model.config().context_length;
  for (const ScoreItem& item : items)
    for (const Sequence& sequence : item.batch.sequences)
      if (context > 0 && sequence.length > context)
        fail(
            ErrorCode::kInvalidArgument,
            "evaluation: got a text of {} tokens at once, expected at most the model's context of {}; take a "
            "smaller --context or --max-length",
            sequence.length, context);
}

}  // namespace

std::vector<Scores> score(const std::vector<Candidate>& candidates, const Model* reference,
                          const std::vector<ScoreItem>& items, const std::string& progress_label,
                          const TokenSink& sink, bool distributions) {
  check_vocabulary(candidates, reference, items);
  for (const Candidate& candidate : candidates) check_context(*candidate.model, items);
  if (reference != nullptr) check_context(*reference, items);
  size_t n_documents = 0, n_tokens = 0, done = 0;
  for (const ScoreItem& item : items) {
    n_documents = std::max(n_documents, item.document + 1);
    n_tokens += item.batch.tokens.size();
  }
  Scorer scorer(candidates, reference, n_documents, sink, distributions);
  Progress progress(progress_label, n_tokens, "tok");
  for (size_t i = 0; i < items.size();) {
    throw_if_interrupted("evaluation");
    const ScoreGroup group = next_group(items, i, &i);
    scorer.run(group);
    done += group.batch.tokens.size();
    progress.update(done);
  }
  progress.finish();
  return scorer.take();
}

}  // namespace hone
