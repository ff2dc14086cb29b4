// y = x W^T, with a low-rank change if there is one, and its backward from the same stored bytes. All
// products of one input are one step of the tape: x and the gradients are converted once, and dx is a single
// sum.
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/dropout.h"
#include "ops/halves.h"
#include "ops/ops.h"

namespace hone {
namespace {

// One weight's part in the backward pass.
struct Branch {
  MatmulWeight weight;
  Tensor y;        // without values
  Tensor low;      // scaling * x A^T (T, r); undefined without a low-rank change
  KeptRows input;  // of the low-rank change, when dropout makes it differ from x
};

struct Group {
  Tensor x;  // without values
  KeptRows kept;
  bool need_dx = false;
  std::vector<Branch> branches;
  ComputeMode compute = ComputeMode::kFast;
};

GemmRows rows_of(const Tensor& x) {
  return {x.rows(), x.cols(), x.data(), x.cols()};
}

// Sums for one call of gemm, with the terms that its targets point to.
struct Sums {
  std::vector<std::vector<GemmTerm>> terms;
  std::vector<GemmTarget> targets;

  void add(std::vector<GemmTerm> sum, float* c, size_t ldc) {
    terms.push_back(std::move(sum));
    targets.push_back({terms.back(), c, ldc});
  }
};

// A branch whose output has received a gradient.
struct Flowing {
  const Branch* branch;
  OperandRows dy;
  Tensor dlow;  // scaling * dy B (T, r)
};

std::vector<Flowing> flowing_branches(Tape& tape, const Group& group) {
  std::vector<Flowing> flowing;
  for (const Branch& branch : group.branches) {
    const Tensor dy = tape.take_grad(branch.y);
    if (dy.defined()) flowing.push_back({&branch, OperandRows(dy, group.compute), {}});
  }
  return flowing;
}

void fill_dlow(std::vector<Flowing>& flowing, ComputeMode compute) {
  for (Flowing& f : flowing) {
    const std::optional<LowRank>& low_rank = f.branch->weight.low_rank;
    if (!low_rank) continue;
    f.dlow = Tensor::empty({f.dy.view().rows, low_rank->a->value.rows()});
    const GemmTerm term{f.dy.rows(), f32_view(low_rank->b->value)};
    const GemmTarget target{std::span(&term, 1), f.dlow.data(), f.dlow.cols()};
    gemm_nn(std::span(&target, 1), {.compute = compute, .alpha = low_rank->scaling});
  }
}

// dB += dy^T low, computed as (low^T dy)^T: the narrow side is the one that is turned. dA += dlow^T x.
void add_low_rank_gradients(const Group& group, const Flowing& f) {
  const LowRank& low_rank = *f.branch->weight.low_rank;
  const size_t n_tokens = f.dy.view().rows, rank = f.dlow.cols(), out = f.dy.view().cols;
  Tensor db = Tensor::empty({rank, out});
  gemm_tn(rank, f.branch->low.data(), rank, f.dy.view(), f.dy.k_factors(), db.data(), out,
          {.compute = group.compute});
  Tensor turned = Tensor::empty({out, rank});
  active_kernels().transpose32(rank, out, reinterpret_cast<const uint32_t*>(db.data()), out,
                               reinterpret_cast<uint32_t*>(turned.data()), rank);
  active_kernels().axpy(turned.size(), 1.0f, turned.data(), low_rank.b->ensure_grad().data());
  const KeptRows& input = f.branch->input.defined() ? f.branch->input : group.kept;
  HONE_CHECK(input.view().rows == n_tokens);
  gemm_tn(rank, f.dlow.data(), rank, input.view(), input.factors(), low_rank.a->ensure_grad().data(),
          input.view().cols, {.compute = group.compute, .accumulate = true});
}

void add_dx(Tape& tape, const Group& group, const std::vector<Flowing>& flowing) {
  std::vector<GemmTerm> terms;
  terms.reserve(2 * flowing.size());
  for (const Flowing& f : flowing)
    terms.push_back({f.dy.rows(), f.branch->weight.w, false, f.branch->weight.trainable == nullptr});
  for (const Flowing& f : flowing)
    if (f.dlow.defined() && !f.branch->input.defined())
      terms.push_back({rows_of(f.dlow), f32_view(f.branch->weight.low_rank->a->value)});
  const bool first = !tape.has_grad(group.x);
  Tensor dx = first ? Tensor::empty(group.x.shape()) : tape.grad(group.x);
  const GemmTarget target{terms, dx.data(), dx.cols()};
  gemm_nn(std::span(&target, 1), {.compute = group.compute, .accumulate = !first});
  if (first) tape.add_grad(group.x, dx);
  for (const Flowing& f : flowing) {
    if (!f.dlow.defined() || !f.branch->input.defined()) continue;
    const LowRank& low_rank = *f.branch->weight.low_rank;
    Tensor masked = Tensor::empty(group.x.shape());
    gemm_nn(f.dlow.rows(), f.dlow.data(), f.dlow.cols(), f32_view(low_rank.a->value), masked.data(),
            masked.cols(), {.compute = group.compute});
    apply_dropout(*low_rank.dropout, masked, masked);
    tape.add_grad(group.x, std::move(masked));
  }
}

void backward(Tape& tape, const Group& group) {
  std::vector<Flowing> flowing = flowing_branches(tape, group);
  if (flowing.empty()) return;
  fill_dlow(flowing, group.compute);
  for (const Flowing& f : flowing) {
    if (f.dlow.defined()) add_low_rank_gradients(group, f);
    if (Parameter* trainable = f.branch->weight.trainable) {
      const MatrixView x = group.kept.view();
      const GemmRows dy = f.dy.rows();
      gemm_tn(dy.k, dy.a, dy.k, x, group.kept.factors(), trainable->ensure_grad().data(), x.cols,
              {.compute = group.compute, .accumulate = true});
    }
  }
  if (group.need_dx) add_dx(tape, group, flowing);
}

// scaling * input A^T of every low-rank change, and the masked inputs of those with dropout.
void fill_low(const Tensor& x, const GemmRows& x_rows, Group& group) {
  Sums sums;
  std::vector<Tensor> masked;
  for (Branch& branch : group.branches) {
    if (!branch.weight.low_rank) continue;
    const LowRank& low_rank = *branch.weight.low_rank;
    HONE_CHECK(x.cols() == low_rank.a->value.cols() && branch.weight.w.rows == low_rank.b->value.rows());
    branch.low = Tensor::empty({x.rows(), low_rank.a->value.rows()});
    GemmRows input = x_rows;
    if (low_rank.dropout) {
      masked.push_back(Tensor::empty(x.shape()));
      apply_dropout(*low_rank.dropout, x, masked.back());
      branch.input = KeptRows(masked.back(), group.compute, KeptFor::kProducts);
      input = OperandRows(masked.back(), branch.input).rows();
    }
    sums.add({{input, f32_view(low_rank.a->value)}}, branch.low.data(), branch.low.cols());
  }
  gemm_nt(sums.targets, {.compute = group.compute});
  for (Branch& branch : group.branches)
    if (branch.low.defined() && branch.weight.low_rank->scaling != 1.0f)
      for (size_t i = 0; i < branch.low.size(); ++i) branch.low.data()[i] *= branch.weight.low_rank->scaling;
}

// The products into outputs, one for each weight, or on top of what is in them; what backward needs of them.
std::optional<Group> multiply(OpContext& ctx, const Tensor& x, std::span<const MatmulWeight> weights,
                              std::span<Tensor> outputs, bool accumulate) {
  Group group;
  group.compute = ctx.compute;
  group.need_dx = ctx.tape != nullptr && ctx.tape->requires_grad(x);
  bool keep_x = false, low_rank = false;
  for (const MatmulWeight& weight : weights) {
    HONE_CHECK(x.cols() == weight.w.cols, "x has {} columns, W {}", x.cols(), weight.w.cols);
    group.branches.push_back({weight, {}, {}, {}});
    low_rank = low_rank || weight.low_rank.has_value();
    keep_x = keep_x || weight.low_rank || weight.trainable != nullptr;
  }
  const bool record = ctx.tape != nullptr && (group.need_dx || keep_x);
  // x is converted once: to what is kept of it, or for the low-rank changes.
  if (record && keep_x) group.kept = KeptRows(x, ctx.compute, KeptFor::kProducts);
  std::optional<OperandRows> operand;
  if (!group.kept.defined() && low_rank) operand.emplace(x, ctx.compute);
  const GemmRows rows = operand ? operand->rows() : OperandRows(x, group.kept).rows();
  if (low_rank) fill_low(x, rows, group);

  Sums sums;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Branch& branch = group.branches[i];
    std::vector<GemmTerm> terms = {{rows, branch.weight.w, branch.weight.exact}};
    // Adding zeros would turn -0 into +0.
    if (branch.low.defined() && !branch.weight.low_rank->b_is_zero)
      terms.push_back({rows_of(branch.low), f32_view(branch.weight.low_rank->b->value)});
    sums.add(std::move(terms), outputs[i].data(), branch.weight.w.rows);
  }
  gemm_nt(
      sums.targets,
      {.compute = ctx.compute, .accumulate = accumulate, .steady = ctx.steady, .exact_rows = ctx.exact_rows});
  if (!record) return std::nullopt;
  group.x = x.without_values();
  return group;
}

}  // namespace

std::vector<Tensor> matmul(OpContext& ctx, const Tensor& x, std::span<const MatmulWeight> weights) {
  std::vector<Tensor> outputs;
  outputs.reserve(weights.size());
  for (const MatmulWeight& weight : weights) outputs.push_back(Tensor::empty({x.rows(), weight.w.rows}));
  std::optional<Group> group = multiply(ctx, x, weights, outputs, false);
  if (!group) return outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    ctx.tape->require(outputs[i]);
    group->branches[i].y = outputs[i].without_values();
  }
  ctx.tape->record(
      [shared = std::make_shared<const Group>(std::move(*group))](Tape& tape) { backward(tape, *shared); });
  return outputs;
}

void matmul_onto(OpContext& ctx, Tensor& sum, const Tensor& x, const MatmulWeight& weight) {
  HONE_CHECK(ctx.tape == nullptr && sum.rows() == x.rows() && sum.cols() == weight.w.rows);
  multiply(ctx, x, std::span(&weight, 1), std::span(&sum, 1), true);
}

Tensor matmul(OpContext& ctx, const Tensor& x, const MatrixView& w, Parameter* trainable) {
  const MatmulWeight weight{w, trainable, {}};
  return std::move(matmul(ctx, x, std::span(&weight, 1))[0]);
}

}  // namespace hone
