#include "bench_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/interrupt.h"
#include "base/rng.h"
#include "ops/gemm.h"

namespace hone::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kSeconds = 0.1;  // of one measurement, and once through the matrices at least
constexpr int kRuns = 3;

struct Shape {
  std::string name;
  std::vector<MatrixView> matrices;
};

std::vector<Shape> shapes_of(const Model& model) {
  std::map<std::string, Shape> shapes;
  const auto add = [&](const char* role, const MatrixView& w) {
    const std::string size = fmt::format("{} {} x {}", w.format->name, w.rows, w.cols);
    Shape& shape = shapes[size];
    if (shape.matrices.empty()) shape.name = fmt::format("{} {}", role, size);
    shape.matrices.push_back(w);
  };
  model.for_each_linear(
      [&](size_t, const Linear& linear) { add(role_name(linear.role()), linear.weight()); });
  add("output", model.head());
  std::vector<Shape> all;
  all.reserve(shapes.size());
  for (auto& [size, shape] : shapes) all.push_back(std::move(shape));
  return all;
}

double seconds_of_product(const Shape& shape, size_t rows, HeadProduct product) {
  const MatrixView& first = shape.matrices[0];
  Rng rng(1);
  std::vector<float> x(rows * first.cols), y(rows * first.rows);
  for (float& value : x) value = static_cast<float>(rng.normal());
  std::vector<double> runs;
  for (int run = 0; run < kRuns; ++run) {
    throw_if_interrupted("bench");
    size_t done = 0;
    const auto start = Clock::now();
    double seconds = 0;
    while (done < shape.matrices.size() || seconds < kSeconds) {
      gemm_nt(rows, x.data(), first.cols, shape.matrices[done % shape.matrices.size()], y.data(), first.rows,
              {.compute = product.compute}, product.exact);
      ++done;
      seconds = std::chrono::duration<double>(Clock::now() - start).count();
    }
    runs.push_back(seconds / static_cast<double>(done));
  }
  std::sort(runs.begin(), runs.end());
  return runs[runs.size() / 2];
}

}  // namespace

std::vector<ShapeResult> time_shapes(const Model& model, size_t rows, bool precise) {
  std::vector<ShapeResult> results;
  for (const Shape& shape : shapes_of(model)) {
    const MatrixView& w = shape.matrices[0];
    for (const size_t m : {size_t{1}, rows}) {
      const ComputeMode compute = serving_mode(precise);
      const HeadProduct product =
          w.data == model.head().data ? head_product(compute, m) : HeadProduct{compute};
      ShapeResult result;
      result.name = fmt::format("{}, {} row{}", shape.name, m, m == 1 ? "" : "s");
      result.operations =
          2.0 * static_cast<double>(m) * static_cast<double>(w.rows) * static_cast<double>(w.cols);
      result.bytes = static_cast<double>(w.rows * w.row_bytes() + m * (w.rows + w.cols) * sizeof(float));
      result.seconds = seconds_of_product(shape, m, product);
      results.push_back(std::move(result));
      if (rows == 1) break;
    }
  }
  return results;
}

}  // namespace hone::cli
