// Any number of models on the same items, in lock-step: batches of a few windows or chats go through every
// model before the next batch, and logits live for a few rows only.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/threads.h"
#include "eval/evaluate.h"
#include "eval/softmax.h"

namespace hone {
namespace {

constexpr size_t kBatchTokens = 1024;  // short items are put together up to this
constexpr size_t kPieceTokens = 32;    // through a cache
constexpr size_t kLogitRows = 256;     // logits rows held at a time, per model

// Items put together; each attends only to itself.
struct Group {
  TokenBatch batch;
  std::vector<size_t> rows;      // of the batch: those with a target
  std::vector<int32_t> targets;  // per row
  std::vector<size_t> document;  // per row
};

void append(const ScoreItem& item, Group& group) {
  const size_t begin = group.batch.tokens.size();
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(group.batch.tokens, item.batch.tokens);
  add(group.batch.positions, item.batch.positions);
  for (size_t t = 0; t < item.targets.size(); ++t) {
    if (item.targets[t] < 0) continue;
    group.rows.push_back(begin + t);
    group.targets.push_back(item.targets[t]);
  }
  group.document.resize(group.rows.size(), item.document);
  for (const Sequence& s : item.batch.sequences) group.batch.sequences.push_back({begin + s.begin, s.length});
}

// The group of items [begin, …); *end is the first that is not in it.
Group next_group(const std::vector<ScoreItem>& items, size_t begin, size_t* end) {
  Group group;
  size_t i = begin;
  for (; i < items.size(); ++i) {
    if (i > begin && group.batch.tokens.size() + items[i].batch.tokens.size() > kBatchTokens) break;
    append(items[i], group);
  }
  *end = i;
  return group;
}

// Hidden states of the wanted rows, each sequence read kPieceTokens at a time over a cache.
Tensor hidden_through_caches(const Model& model, OpContext& ctx, const TokenBatch& batch,
                             std::span<const size_t> wanted, KvFormat format) {
  std::vector<KvCache> caches;
  caches.reserve(batch.sequences.size());
  size_t longest = 0;
  for (const Sequence& s : batch.sequences) {
    caches.emplace_back(model.config(), s.length, format);
    longest = std::max(longest, s.length);
  }
  Tensor all = Tensor::empty({batch.tokens.size(), model.config().n_embd});
  for (size_t done = 0; done < longest; done += kPieceTokens) {
    TokenBatch piece;
    std::vector<size_t> rows;  // of `out`
    for (size_t i = 0; i < caches.size(); ++i) {
      const Sequence& s = batch.sequences[i];
      if (s.length <= done) continue;
      const size_t n = std::min(kPieceTokens, s.length - done);
      piece.add(std::span(batch.tokens).subspan(s.begin + done, n), &caches[i]);
      for (size_t t = 0; t < n; ++t) rows.push_back(s.begin + done + t);
    }
    const Tensor hidden = model.hidden(ctx, piece);
    for (size_t r = 0; r < rows.size(); ++r)
      std::memcpy(all.row(rows[r]), hidden.row(r), hidden.cols() * sizeof(float));
  }
  return take_rows(ctx, all, wanted);
}

Tensor hidden_of(const Candidate& candidate, const Group& group) {
  OpContext ctx{.tape = nullptr, .compute = candidate.compute, .observer = nullptr};
  if (!candidate.cache_type) return candidate.model->hidden(ctx, group.batch, Model::Rows(group.rows));
  return hidden_through_caches(*candidate.model, ctx, group.batch, group.rows, *candidate.cache_type);
}

struct RowScore {
  double nll = 0, kl = 0;
  bool agrees = false;
};

// `weights` as softmax() left them for the reference; `scratch` is overwritten.
RowScore compare(std::span<const float> reference, const Softmax& ref, std::span<const float> weights,
                 std::span<const float> logits, std::span<float> scratch, int32_t target) {
  const Softmax own = softmax(logits, scratch);
  double divergence = 0, sum = 0;
  for (size_t v = 0; v < logits.size(); ++v) {
    const double w = static_cast<double>(weights[v]);
    sum += w;
    divergence += w * (static_cast<double>(reference[v]) - static_cast<double>(logits[v]));
  }
  RowScore out;
  out.nll = own.log_z - static_cast<double>(logits[static_cast<size_t>(target)]);
  // Rounding alone can make the divergence of all but equal distributions negative.
  out.kl = std::max(0.0, divergence / sum + own.log_z - ref.log_z);
  out.agrees = own.top == ref.top;
  return out;
}

class Scorer {
 public:
  Scorer(const std::vector<Candidate>& candidates, const Model* reference, size_t n_documents)
      : candidates_(candidates), reference_(reference), scores_(candidates.size()) {
    for (Scores& scores : scores_) {
      scores.nll.resize(n_documents);
      if (reference == nullptr) continue;
      scores.kl.resize(n_documents);
      scores.top1.resize(n_documents);
    }
  }

  void run(const Group& group) {
    if (group.rows.empty()) return;
    if (reference_ != nullptr)
      run_compared(group);
    else
      run_alone(group);
  }
  std::vector<Scores> take() { return std::move(scores_); }

 private:
  bool is_reference(const Candidate& candidate) const {
    return candidate.model == reference_ && !candidate.cache_type &&
           (candidate.compute == ComputeMode::kPrecise || candidate.model->fast_is_precise());
  }

  void run_alone(const Group& group) {
    for (size_t c = 0; c < candidates_.size(); ++c) {
      OpContext ctx{.tape = nullptr, .compute = candidates_[c].compute, .observer = nullptr};
      const Tensor hidden = hidden_of(candidates_[c], group);
      const auto result =
          linear_cross_entropy(ctx, hidden, candidates_[c].model->head(), group.targets, 0.0f);
      for (size_t i = 0; i < group.rows.size(); ++i)
        add(scores_[c].nll[group.document[i]], static_cast<double>(result.nll[i]));
    }
  }

  void run_compared(const Group& group) {
    const Candidate reference{.model = reference_, .compute = ComputeMode::kPrecise};
    const Tensor reference_hidden = hidden_of(reference, group);
    std::vector<Tensor> hidden;
    for (const Candidate& candidate : candidates_)
      hidden.push_back(is_reference(candidate) ? reference_hidden : hidden_of(candidate, group));
    for (size_t begin = 0; begin < group.rows.size(); begin += kLogitRows)
      compare_rows(group, begin, std::min(kLogitRows, group.rows.size() - begin), reference_hidden, hidden);
  }

  // Rows [begin, begin + n) of the hidden states.
  void compare_rows(const Group& group, size_t begin, size_t n, const Tensor& reference_hidden,
                    const std::vector<Tensor>& hidden) {
    const Tensor reference = logits(*reference_, ComputeMode::kPrecise, reference_hidden, begin, n);
    const size_t vocab = reference.cols();
    weights_.resize(n * vocab);
    std::vector<Softmax> summaries(n);
    thread_pool().run(n, [&](size_t i, int) {
      summaries[i] = softmax({reference.row(i), vocab}, std::span(weights_).subspan(i * vocab, vocab));
    });
    scratch_.resize(static_cast<size_t>(thread_pool().size()));
    for (std::vector<float>& scratch : scratch_) scratch.resize(vocab);
    std::vector<RowScore> results(n);
    for (size_t c = 0; c < candidates_.size(); ++c) {
      const Tensor own = is_reference(candidates_[c])
                             ? reference
                             : logits(*candidates_[c].model, candidates_[c].compute, hidden[c], begin, n);
      thread_pool().run(n, [&](size_t i, int worker) {
        results[i] =
            compare({reference.row(i), vocab}, summaries[i], std::span(weights_).subspan(i * vocab, vocab),
                    {own.row(i), vocab}, scratch_[static_cast<size_t>(worker)], group.targets[begin + i]);
      });
      for (size_t i = 0; i < n; ++i) {
        const size_t document = group.document[begin + i];
        add(scores_[c].nll[document], results[i].nll);
        add(scores_[c].kl[document], results[i].kl);
        add(scores_[c].top1[document], results[i].agrees ? 1.0 : 0.0);
      }
    }
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
  std::vector<Scores> scores_;
  std::vector<float> weights_;
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
                          const std::vector<ScoreItem>& items, const std::string& progress_label) {
  check_vocabulary(candidates, reference, items);
  for (const Candidate& candidate : candidates) check_context(*candidate.model, items);
  if (reference != nullptr) check_context(*reference, items);
  size_t n_documents = 0, n_tokens = 0, done = 0;
  for (const ScoreItem& item : items) {
    n_documents = std::max(n_documents, item.document + 1);
    n_tokens += item.batch.tokens.size();
  }
  Scorer scorer(candidates, reference, n_documents);
  Progress progress(progress_label, n_tokens, "tok");
  for (size_t i = 0; i < items.size();) {
    throw_if_interrupted("evaluation");
    const Group group = next_group(items, i, &i);
    scorer.run(group);
    done += group.batch.tokens.size();
    progress.update(done);
  }
  progress.finish();
  return scorer.take();
}

}  // namespace hone
