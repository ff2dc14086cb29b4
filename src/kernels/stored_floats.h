// Floats as weights and caches store them: a vector of them, or one, widened to f32.
// No include guard on purpose: part of the body of an ISA file, after its simd header.

struct StoredF32 {
  static constexpr size_t kBytes = 4;
  static Vec get(const std::byte* p) { return load(reinterpret_cast<const float*>(p)); }
  static float one(const std::byte* p) { return *reinterpret_cast<const float*>(p); }
};
struct StoredF16 {
  static constexpr size_t kBytes = 2;
  static Vec get(const std::byte* p) { return load_f16(p); }
  static float one(const std::byte* p) { return half_at(p); }
};
struct StoredBf16 {
  static constexpr size_t kBytes = 2;
  static Vec get(const std::byte* p) { return load_bf16(p); }
  static float one(const std::byte* p) { return bf16_at(p); }
};
