// y = x W^T, with a low-rank change if there is one, and its backward from the same stored bytes. All
// products of one input are one step of the tape: x and the gradients are converted once, and dx is a single
// sum.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "kernels/kernels.h"
#include "ops/dropout.h"
#include "ops/gated.h"
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

// The sums of a group of products of x, before they are taken, and what backward needs of them.
struct Products {
  Group group;
  bool record = false;
  Sums sums;  // without places for C
  std::optional<OperandRows> operand;

  Products(OpContext& ctx, const Tensor& x, std::span<const MatmulWeight> weights);
};

Products::Products(OpContext& ctx, const Tensor& x, std::span<const MatmulWeight> weights) {
  group.compute = ctx.compute;
  group.need_dx = ctx.tape != nullptr && ctx.tape->requires_grad(x);
  bool keep_x = false, low_rank = false;
  for (const MatmulWeight& weight : weights) {
    HONE_CHECK(x.cols() == weight.w.cols, "x has {} columns, W {}", x.cols(), weight.w.cols);
    group.branches.push_back({weight, {}, {}, {}});
    low_rank = low_rank || weight.low_rank.has_value();
    keep_x = keep_x || weight.low_rank || weight.trainable != nullptr;
  }
  record = ctx.tape != nullptr && (group.need_dx || keep_x);
  if (record) group.x = x.without_values();
  // x is converted once: to what is kept of it, or for the low-rank changes.
  if (record && keep_x) group.kept = KeptRows(x, ctx.compute, KeptFor::kProducts);
  if (!group.kept.defined() && low_rank) operand.emplace(x, ctx.compute);
  const GemmRows rows = operand ? operand->rows() : OperandRows(x, group.kept).rows();
  if (low_rank) fill_low(x, rows, group);
  for (const Branch& branch : group.branches) {
    std::vector<GemmTerm> terms = {{rows, branch.weight.w, branch.weight.exact}};
    // Adding zeros would turn -0 into +0.
    if (branch.low.defined() && !branch.weight.low_rank->b_is_zero)
      terms.push_back({rows_of(branch.low), f32_view(branch.weight.low_rank->b->value)});
    sums.add(std::move(terms), nullptr, branch.weight.w.rows);
  }
}

GemmOptions options_of(const OpContext& ctx, bool accumulate) {
  return {
      .compute = ctx.compute, .accumulate = accumulate, .steady = ctx.steady, .exact_rows = ctx.exact_rows};
}

// Into outputs, one for each weight, or on top of what is in them.
void multiply(const OpContext& ctx, Products& products, std::span<const Tensor> outputs, bool accumulate) {
  for (size_t i = 0; i < outputs.size(); ++i) products.sums.targets[i].c = outputs[i].data();
  gemm_nt(products.sums.targets, options_of(ctx, accumulate));
}

void record(Tape& tape, Products& products, std::span<const Tensor> outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    tape.require(outputs[i]);
    products.group.branches[i].y = outputs[i].without_values();
  }
  tape.record(
      [shared = std::make_shared<const Group>(std::move(products.group))](Tape& t) { backward(t, *shared); });
}

bool can_be_taken(const OpContext& ctx, size_t m, std::span<const MatmulWeight> weights) {
  const auto by = [&](const MatrixView& w, bool exact) {
    return by_panels({{m, w.cols}, w, exact}, ctx.compute);
  };
  return std::all_of(weights.begin(), weights.end(), [&](const MatmulWeight& weight) {
    return by(weight.w, weight.exact) && (!weight.low_rank || by(f32_view(weight.low_rank->b->value), false));
  });
}

}  // namespace

std::vector<Tensor> matmul(OpContext& ctx, const Tensor& x, std::span<const MatmulWeight> weights) {
  std::vector<Tensor> outputs;
  outputs.reserve(weights.size());
  for (const MatmulWeight& weight : weights) outputs.push_back(Tensor::empty({x.rows(), weight.w.rows}));
  Products products(ctx, x, weights);
  multiply(ctx, products, outputs, false);
  if (products.record) record(*ctx.tape, products, outputs);
  return outputs;
}

Tensor gated_matmul(OpContext& ctx, Activation activation, const Tensor& x, const MatmulWeight& gate,
                    const MatmulWeight& up) {
  const MatmulWeight weights[] = {gate, up};
  HONE_CHECK(gate.w.rows == up.w.rows);
  if (x.rows() == 0 || !can_be_taken(ctx, x.rows(), weights)) {
    const std::vector<Tensor> wide = matmul(ctx, x, weights);
    return gated(ctx, activation, wide[0], wide[1]);
  }
  const Tensor::Shape shape = {x.rows(), gate.w.rows};
  Products products(ctx, x, weights);
  const Tensor inputs[] = {Tensor::valueless(shape), Tensor::valueless(shape)};
  KeptRows kept[2];
  if (products.record)
    for (size_t i = 0; i < 2; ++i) kept[i] = KeptRows::room(inputs[i], ctx.compute);
  Tensor y = Tensor::empty(shape);
  const GatedUnit unit = gated_unit(activation);
  const auto take = [&](const SumBlock& b) {
    for (size_t r = 0; r < b.rows; ++r) {
      const float* rows[] = {b.sums[0] + r * b.stride, b.sums[1] + r * b.stride};
      unit(b.cols, rows[0], rows[1], y.row(b.m + r) + b.n);
      for (size_t i = 0; products.record && i < 2; ++i) kept[i].put(b.m + r, b.n, b.cols, rows[i]);
    }
  };
  gemm_nt_taken(products.sums.targets, take, options_of(ctx, false));
  if (!products.record) return y;
  record(*ctx.tape, products, inputs);
  record_gated(*ctx.tape, activation, std::move(kept[0]), std::move(kept[1]), y);
  return y;
}

void matmul_onto(OpContext& ctx, Tensor& sum, const Tensor& x, const MatmulWeight& weight) {
  HONE_CHECK(ctx.tape == nullptr && sum.rows() == x.rows() && sum.cols() == weight.w.rows);
  Products products(ctx, x, std::span(&weight, 1));
  multiply(ctx, products, std::span(&sum, 1), true);
}

Tensor matmul(OpContext& ctx, const Tensor& x, const MatrixView& w, Parameter* trainable) {
  const MatmulWeight weight{w, trainable, {}};
  return std::move(matmul(ctx, x, std::span(&weight, 1))[0]);
}

}  // namespace hone
