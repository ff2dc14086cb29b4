#include "base/error.h"
#include "ops/ops.h"
#include "ops/parallel.h"

namespace hone {

Tensor embedding(OpContext&, const MatrixView& table, std::span<const int32_t> ids, float scale) {
  Tensor y = Tensor::empty({ids.size(), table.cols});
  parallel_rows(ids.size(), table.cols, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      const auto id = static_cast<size_t>(ids[t]);
      HONE_CHECK(id < table.rows, "token {} of {}", id, table.rows);
      decode_elements(table, id, 0, table.cols, y.row(t));
      if (scale != 1.0f)
        for (size_t c = 0; c < table.cols; ++c) y.row(t)[c] *= scale;
    }
  });
  return y;
}

}  // namespace hone
