// Interleaved weights of every format and ISA: packing is an exact inverse, and every product equals a plain
// loop over the decoded weights and the rounded activations.
#include "kernels/packed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/half.h"
#include "base/rng.h"
#include "kernels/packed_layout.h"
#include "kernels/tables.h"

namespace hone {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<const Kernels*> tables() {
#if defined(HONE_TEST_VNNI_256)
  static const Kernels vnni = [] {
    Kernels table = avx2_kernels();
    table.packed = packed_avx2_vnni;
    table.int8 = int8_avx2_vnni;
    return table;
  }();
  return {&vnni};
#elif defined(HONE_EMULATE_AVX512)
  return {&avx512_kernels()};  // this program was built over an emulation of the instructions
#endif
  std::vector<const Kernels*> found;
  for (const Isa isa : all_isas())
    if (isa_supported(isa)) found.push_back(kernels_for(isa));
  return found;
}

// One group of `n_rows` rows of k elements.
struct Group {
  const Format& format;
  size_t n_rows, k;
  std::vector<std::byte> stored, packed;
  std::vector<float> values;

  Group(Rng& rng, const Format& f, size_t lanes, size_t rows, size_t width)
      : format(f),
        n_rows(rows),
        k(width),
        stored(rows * f.bytes(width)),
        packed(lanes * f.bytes(width) + 64) {
    std::vector<float> w(rows * width);
    for (float& v : w) v = static_cast<float>(rng.normal() + 0.3);
    f.from_float(w.data(), stored.data(), w.size());
    values.resize(w.size());
    f.to_float(stored.data(), values.data(), w.size());
    std::vector<const std::byte*> at(rows);
    for (size_t r = 0; r < rows; ++r) at[r] = stored.data() + r * f.bytes(width);
    pack_rows(*packed_layout(f.id), lanes, width / f.block_elems, at, packed.data());
  }
};

struct Activations {
  size_t m, k;
  std::vector<int8_t> q;
  std::vector<float> d;
  std::vector<int32_t> sums;
  Activations(Rng& rng, const Kernels& ks, size_t rows, size_t width)
      : m(rows), k(width), q(rows * width), d(rows * width / 32), sums(rows * width / 16) {
    std::vector<float> x(width);
    for (size_t i = 0; i < rows; ++i) {
      for (float& v : x) v = static_cast<float>(rng.normal() * 2);
      ks.quantize_int8(width, x.data(), q.data() + i * k, d.data() + i * (k / 32),
                       sums.data() + i * (k / 16));
    }
  }
  Int8Rows view() const { return {q.data(), d.data(), sums.data(), k}; }
  std::vector<int32_t> terms(const PackedKernels& packed) const {
    std::vector<int32_t> out(m * (k / packed.scale_elems));
    packed.run_terms(m, view(), out.data());
    return out;
  }
  // The product with a decoded row, and the size of its terms.
  double dot(size_t row, const float* w, double* size) const {
    double sum = 0;
    *size = 1e-3;
    for (size_t i = 0; i < k; ++i) {
      const double x = static_cast<double>(q[row * k + i]) * static_cast<double>(d[row * (k / 32) + i / 32]);
      sum += x * static_cast<double>(w[i]);
      *size += std::fabs(x * static_cast<double>(w[i]));
    }
    return sum;
  }
};

template <typename Body>
void for_each_packing(const Body& body) {
  for (const Kernels* ks : tables())
    for (const Format* format : all_formats()) {
      if (packed_layout(format->id) == nullptr) continue;
      const PackedKernels* packed = ks->packed(format->id);
      ASSERT_NE(packed, nullptr) << format->name;
      body(*ks, *format, *packed);
    }
}

TEST(Packed, UnpackingIsTheExactInverse) {
  Rng rng(1);
  for (const Format* format : all_formats()) {
    const PackedLayout* layout = packed_layout(format->id);
    if (layout == nullptr) continue;
    for (const size_t lanes : {4u, 8u, 16u}) {
      for (const size_t rows : {lanes, lanes - 3}) {
        const size_t blocks = 3, bytes = blocks * format->block_bytes;
        std::vector<std::byte> stored(rows * bytes), packed(lanes * bytes), row(bytes);
        for (std::byte& b : stored) b = static_cast<std::byte>(rng.next());
        std::vector<const std::byte*> at(rows);
        for (size_t r = 0; r < rows; ++r) at[r] = stored.data() + r * bytes;
        pack_rows(*layout, lanes, blocks, at, packed.data());
        for (size_t r = 0; r < rows; ++r) {
          unpack_row(*layout, lanes, packed.data(), r, 0, blocks, row.data());
          ASSERT_TRUE(std::equal(row.begin(), row.end(), at[r])) << format->name << " lanes " << lanes;
        }
      }
    }
  }
}

TEST(Packed, RowsCanBePackedOneByOne) {
  Rng rng(5);
  for (const Format* format : all_formats()) {
    const PackedLayout* layout = packed_layout(format->id);
    if (layout == nullptr) continue;
    for (const size_t lanes : {4u, 8u, 16u}) {
      const size_t blocks = 2, bytes = blocks * format->block_bytes;
      std::vector<std::byte> stored(lanes * bytes), expected(lanes * bytes), packed(lanes * bytes);
      for (std::byte& b : stored) b = static_cast<std::byte>(rng.next());
      for (std::byte& b : packed) b = static_cast<std::byte>(rng.next());  // what was there before goes
      std::vector<const std::byte*> at(lanes);
      for (size_t r = 0; r < lanes; ++r) at[r] = stored.data() + r * bytes;
      pack_rows(*layout, lanes, blocks, at, expected.data());
      for (size_t r = 0; r < lanes; ++r) pack_row(*layout, lanes, blocks, at[r], r, packed.data());
      ASSERT_EQ(packed, expected) << format->name << " lanes " << lanes;
    }
  }
}

TEST(Packed, DecodedGroupsAreBitEqual) {
  Rng rng(2);
  for_each_packing([&](const Kernels& ks, const Format& format, const PackedKernels& packed) {
    const size_t k = 2 * format.block_elems, stride = packed.lanes + 1;
    const Group group(rng, format, packed.lanes, packed.lanes, k);
    std::vector<float> out(k * stride, kNan);
    packed.unpack_f32(k, group.packed.data(), out.data(), stride);
    for (size_t i = 0; i < k; ++i) {
      for (size_t r = 0; r < packed.lanes; ++r)
        ASSERT_EQ(out[i * stride + r], group.values[r * k + i]) << format.name << " " << isa_name(ks.isa);
      ASSERT_TRUE(std::isnan(out[i * stride + packed.lanes]));
    }
    if (packed.unpack_pairs == nullptr) return;
    std::vector<uint32_t> pairs(k / 2 * stride, 7);
    packed.unpack_pairs(k, group.packed.data(), pairs.data(), stride);
    for (size_t i = 0; i < k; ++i)
      for (size_t r = 0; r < stride; ++r) {
        const uint32_t pair = pairs[i / 2 * stride + r];
        const auto half = static_cast<uint16_t>(i % 2 == 0 ? pair & 0xffff : pair >> 16);
        if (r == packed.lanes)
          ASSERT_EQ(pair, 7u);
        else
          ASSERT_EQ(half, f32_to_bf16(group.values[r * k + i])) << format.name;
      }
  });
}

void check(float got, double expected, double size, const Format& format, const Kernels& ks) {
  ASSERT_NEAR(got, expected, 2e-6 * size) << format.name << " " << isa_name(ks.isa);
}

TEST(Packed, RowsEqualThePlainLoop) {
  Rng rng(3);
  for_each_packing([&](const Kernels& ks, const Format& format, const PackedKernels& packed) {
    for (const size_t m : {1u, 2u, 3u, 4u, 7u}) {
      for (const size_t n_rows : {packed.lanes, packed.lanes - 1}) {
        const size_t k = 3 * format.block_elems, ldc = packed.lanes + 2;
        const Group group(rng, format, packed.lanes, n_rows, k);
        const Activations x(rng, ks, m, k);
        for (const bool accumulate : {false, true}) {
          std::vector<float> c(m * ldc, kNan);
          if (accumulate)
            for (size_t i = 0; i < m; ++i)
              std::fill_n(c.begin() + static_cast<ptrdiff_t>(i * ldc), n_rows, 1.0f);
          packed.rows(m, n_rows, group.packed.data(), x.view(), c.data(), ldc, 0.5f, accumulate);
          for (size_t i = 0; i < m; ++i) {
            for (size_t r = 0; r < n_rows; ++r) {
              double size = 0;
              const double expected =
                  0.5 * x.dot(i, group.values.data() + r * k, &size) + (accumulate ? 1 : 0);
              check(c[i * ldc + r], expected, size + 1, format, ks);
            }
            ASSERT_TRUE(std::isnan(c[i * ldc + n_rows])) << "written beyond the rows";
          }
        }
      }
    }
  });
}

TEST(Packed, TilesEqualThePlainLoop) {
  Rng rng(4);
  for_each_packing([&](const Kernels& ks, const Format& format, const PackedKernels& packed) {
    const size_t k = 2 * format.block_elems, cols = packed.panel_cols, before = format.block_elems;
    std::vector<uint8_t> codes(k * cols);
    std::vector<float> d(k / packed.scale_elems * cols), min(d.size());
    const Int8Panel panel{codes.data(), d.data(), min.data()};
    std::vector<Group> groups;
    for (size_t column = 0; column < cols; column += packed.lanes) {
      // The slice starts after a first block.
      groups.emplace_back(rng, format, packed.lanes, packed.lanes, k + before);
      packed.unpack_codes(k, groups.back().packed.data() + packed.lanes * format.block_bytes, panel, column);
    }
    for (size_t mr = 1; mr <= 2 * packed.tile_rows + 1; ++mr) {
      for (const size_t nr : {size_t{1}, packed.lanes, cols - 1, cols}) {
        const Activations x(rng, ks, mr, k + before);
        const size_t ldc = nr + 1;
        std::vector<float> c(mr * ldc, kNan);
        const std::vector<int32_t> terms = x.terms(packed);
        packed.tile(mr, nr, k, x.view().from(0, before), terms.data() + before / packed.scale_elems, panel,
                    c.data(), ldc, 1.0f, false);
        for (size_t i = 0; i < mr; ++i) {
          for (size_t n = 0; n < nr; ++n) {
            std::vector<float> w(k + before, 0.0f);  // without the first block
            const float* row = groups[n / packed.lanes].values.data() + n % packed.lanes * (k + before);
            std::copy(row + before, row + before + k, w.begin() + static_cast<ptrdiff_t>(before));
            double size = 0;
            const double expected = x.dot(i, w.data(), &size);
            check(c[i * ldc + n], expected, size, format, ks);
          }
          ASSERT_TRUE(std::isnan(c[i * ldc + nr])) << "written beyond the tile";
        }
      }
    }
  });
}

// Columns of floats, of any size, of zeros, with a NaN: a tile's sums are those of the nearest codes.
TEST(Int8, FloatsBecomeCodesOfPanels) {
  constexpr size_t kDepth = 96, kRows = 7;
  Rng rng(8);
  for (const FormatId id : {FormatId::kF32, FormatId::kF16, FormatId::kBF16})
    for (const Kernels* ks : tables()) {
      const Int8Kernels* int8 = ks->int8();
      if (int8 == nullptr) continue;
      ASSERT_EQ(int8->encode(FormatId::kQ8_0), nullptr);
      const size_t width = int8->panel_cols, stride = width + 3;
      std::vector<float> w(kDepth * stride, kNan), scales(kDepth / 32 * width);
      const float sizes[] = {1.0f, 0.0f, kNan, id == FormatId::kF16 ? 6e4f : 1e30f,
                             id == FormatId::kF16 ? 1e-3f : 1e-20f};
      for (size_t k = 0; k < kDepth; ++k)
        for (size_t c = 0; c < width; ++c)
          w[k * stride + c] =
              static_cast<float>(rng.uniform() * 2 - 1) * (c < width / 2 ? sizes[c % 5] : 0.02f);
      const Format& format = format_of(id);
      std::vector<std::byte> stored(format.bytes(w.size()));
      format.from_float(w.data(), stored.data(), w.size());
      format.to_float(stored.data(), w.data(), w.size());
      std::vector<uint8_t> codes(kDepth * width);
      const Int8Panel panel{codes.data(), scales.data(), nullptr};
      for (size_t c = 0; c < width; c += int8->lanes)
        int8->encode(id)(kDepth, stored.data() + format.bytes(c), format.bytes(stride), panel, c);
      const Activations x(rng, *ks, kRows, kDepth);
      std::vector<int32_t> terms(kRows * kDepth / 32);
      int8->run_terms(kRows, x.view(), terms.data());
      std::vector<float> y(kRows * stride, kNan);
      int8->tile(kRows, width, kDepth, x.view(), terms.data(), panel, y.data(), stride, 0.5f, false);
      for (size_t c = 0; c < width; ++c) {
        if (c < width / 2 && c % 5 == 2) {
          EXPECT_TRUE(std::isnan(scales[c]) && std::isnan(y[c]));
          continue;
        }
        std::vector<float> decoded(kDepth);
        float most = 0;
        for (size_t run = 0; run < kDepth / 32; ++run) {
          float top = 0;
          for (size_t k = 32 * run; k < 32 * (run + 1); ++k)
            top = std::max(top, std::fabs(w[k * stride + c]));
          const float scale = scales[run * width + c];
          EXPECT_NEAR(scale, top / 127, 1e-7f * top) << isa_name(ks->isa);
          for (size_t k = 32 * run; k < 32 * (run + 1); ++k)
            decoded[k] = scale > 0 ? std::rint(w[k * stride + c] / scale) * scale : 0.0f;
          most = std::max(most, scale);
        }
        for (size_t i = 0; i < kRows; ++i) {
          double size = 0;
          const double expected = 0.5 * x.dot(i, decoded.data(), &size);
          // A code may be off by one where the number lies half way between two.
          EXPECT_NEAR(y[i * stride + c], expected, 1e-5 * (size - 1e-3) + 4 * static_cast<double>(most))
              << isa_name(ks->isa) << " column " << c;
        }
      }
      EXPECT_TRUE(std::isnan(y[width]));
    }
}

// Nearly every code and every activation as large as it gets: sums of few bits must not run over.
TEST(Packed, LargestCodesFit) {
  Rng rng(5);
  for_each_packing([&](const Kernels& ks, const Format& format, const PackedKernels& packed) {
    const size_t k = format.block_elems;
    std::vector<float> w(k);
    for (size_t i = 0; i < k; ++i) w[i] = i % 16 == 0 ? -1.0f : 0.97f;
    Group group(rng, format, packed.lanes, 1, k);
    format.from_float(w.data(), group.stored.data(), k);
    format.to_float(group.stored.data(), group.values.data(), k);
    const std::vector<const std::byte*> row = {group.stored.data()};
    pack_rows(*packed_layout(format.id), packed.lanes, 1, row, group.packed.data());
    Activations x(rng, ks, packed.tile_rows, k);
    for (const int sign : {1, -1}) {
      std::fill(x.q.begin(), x.q.end(), static_cast<int8_t>(sign * 127));
      std::fill(x.sums.begin(), x.sums.end(), 16 * sign * 127);
      std::vector<uint8_t> codes(k * packed.panel_cols);
      std::vector<float> d(k / packed.scale_elems * packed.panel_cols), min(d.size());
      const Int8Panel panel{codes.data(), d.data(), min.data()};
      packed.unpack_codes(k, group.packed.data(), panel, 0);
      const std::vector<int32_t> terms = x.terms(packed);
      for (size_t i = 0; i < x.m; ++i) {
        float tile = kNan, rows = kNan;
        packed.tile(1, 1, k, x.view().from(i, 0), terms.data() + i * (k / packed.scale_elems), panel, &tile,
                    1, 1.0f, false);
        packed.rows(1, 1, group.packed.data(), x.view().from(i, 0), &rows, 1, 1.0f, false);
        double size = 0;
        const double expected = x.dot(i, group.values.data(), &size);
        check(tile, expected, size, format, ks);
        check(rows, expected, size, format, ks);
      }
    }
  });
}

}  // namespace
}  // namespace hone
