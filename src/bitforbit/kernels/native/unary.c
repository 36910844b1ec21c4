/* Elementwise loops of this vector width, and the tables by which other files find them. */
#include "variant.h"

#ifdef __AVX512F__
#include "unary.h"
#else
#include "side_by_side.h"
#endif

#define MAP1(name, expression)                               \
  static void name(const float* x, float* y, int64_t n) {    \
    MAP_LOOP for (int64_t i = 0; i < n; i++) {               \
      float v = x[i];                                        \
      y[i] = (expression);                                   \
    }                                                        \
  }

/* Any inputs, and what is left over: one element's definition after another.  Apart, so that the loops of ordinary inputs keep
 * their registers. */
__attribute__((noinline)) MAP1(rsqrt_rest, rsqrt_any(v))
__attribute__((noinline)) MAP1(erfc_rest, erfc_float(v))
/* 512-bit divisions are no faster than two of 256 bits, and slow the clock of some CPUs. */
__attribute__((noinline, target("prefer-vector-width=256"))) MAP1(reciprocal_rest, reciprocal(v))

#ifdef __AVX512F__ /* the compiler's own loops */
/* Ordinary inputs (2^-100 to 2^100) in bulk; a block that holds any other goes through the full definition, which gives
 * the same bits where both apply. */
static void map_rsqrt(const float* x, float* y, int64_t n) {
  enum { BLOCK = 256, LOW = 0x0d800000, HIGH = 0x71800000 };
  int64_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) {
    uint32_t largest = 0;
    for (int j = 0; j < BLOCK; j++) {
      uint32_t above = (uint32_t)bits_of(x[i + j]) - LOW;
      largest = above > largest ? above : largest;
    }
    if (largest <= HIGH - LOW) {
      MAP_LOOP for (int j = 0; j < BLOCK; j++) y[i + j] = rsqrt_core(x[i + j]);
    } else {
      MAP_LOOP for (int j = 0; j < BLOCK; j++) y[i + j] = rsqrt_any(x[i + j]);
    }
  }
  rsqrt_rest(x + i, y + i, n - i);
}
#define map_erfc erfc_rest
#define map_reciprocal reciprocal_rest

#else
/* Blocks in bulk; one that `block` does not take, and what is left over, by `rest`. */
#define MAP_BLOCKS(name, size, block, rest)                    \
  static void name(const float* x, float* y, int64_t n) {      \
    int64_t i = 0;                                             \
    for (; i + size <= n; i += size)                           \
      if (!block(x + i, y + i)) rest(x + i, y + i, size);      \
    rest(x + i, y + i, n - i);                                 \
  }
MAP_BLOCKS(map_rsqrt, FLOATS, rsqrt_side_by_side, rsqrt_rest)
MAP_BLOCKS(map_reciprocal, QUOTIENTS, reciprocal_side_by_side, reciprocal_rest)

static void map_erfc(const float* x, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + DOUBLES <= n; i += DOUBLES) erfc_side_by_side(x + i, y + i);
  erfc_rest(x + i, y + i, n - i);
}
#endif

MAP1(map_atan, narrow(atan_double(v)))
MAP1(map_ndtri, narrow(ndtri_double(v)))
MAP1(map_erfinv, narrow(erfinv_double(v)))

/* Single IEEE operations, for chains of ops that Grappler fused. */
MAP1(map_abs, __builtin_fabsf(v))
MAP1(map_neg, -v)
MAP1(map_square, v * v)
MAP1(map_sqrt, __builtin_sqrtf(v))

static void map_atan2(const float* a, const float* b, float* y, int64_t n) {
  MAP_LOOP for (int64_t i = 0; i < n; i++) y[i] = narrow(atan2_double(a[i], b[i]));
}

const bfb_unary_row VARIANT(unary)[] = {
    {"Rsqrt", map_rsqrt}, {"Reciprocal", map_reciprocal}, {"Inv", map_reciprocal},
    {"Erfc", map_erfc},   {"Atan", map_atan},             {"SoftmaxExp", VARIANT(softmax_exp)},
    {"Abs", map_abs},     {"Neg", map_neg},               {"Square", map_square},
    {"Sqrt", map_sqrt},   {"Ndtri", map_ndtri},           {"Erfinv", map_erfinv},
    {0, 0},
};

const bfb_binary_row VARIANT(binary)[] = {
    {"Atan2", map_atan2},
    {0, 0},
};
