/* softmax over rows: e_i = exp(x_i - max), y_i = e_i / sum(e).
 *
 * exp in float32 (below 1 ulp), the sum in double along 16 fixed lanes, one correctly rounded division.  e is kept
 * times 2^24 so that no intermediate is near the flush boundary: results below 2^-126 become 0 by comparison.
 */
#include "variant.h"

#include "scalar.h"

enum { LANES = 16 };

/* exp(x) 2^24 for x <= 0, by definition 0 below -100; NaN for NaN. */
INLINE float exp_scaled(float x) {
  const float magic = 0x1.8p23f;
  float t = __builtin_fmaf(x, 0x1.715476p0f, magic);
  float n = t - magic;
  float r = __builtin_fmaf(n, -0x1.62e400p-1f, x); /* 15 bits of ln 2: the product is exact */
  r = __builtin_fmaf(n, -0x1.7f7d1cp-20f, r);
  float q = EXPF[4];
  q = POLY_STEPF(q, r, EXPF[3]);
  q = POLY_STEPF(q, r, EXPF[2]);
  q = POLY_STEPF(q, r, EXPF[1]);
  q = POLY_STEPF(q, r, EXPF[0]);
  float p = 1.0f + __builtin_fmaf(r * r, q, r);
  uint32_t shift = ((uint32_t)bits_of(t) << 23) + (24u << 23);
  float e = float_of((int32_t)((uint32_t)bits_of(p) + shift));
  e = x < -100.0f ? 0.0f : e;
  return x == x ? e : NAN_F;
}

INLINE float quotient(float e, float sum) {
  float q = e / sum;
  q = q < 0x1p-102f ? 0.0f : q * 0x1p-24f;
  return q == q ? q : NAN_F;
}

/* The sixteen lanes meet in a fixed tree: 0 with 8, then 4, 2, 1. */
INLINE double fold(const double lane[LANES]) {
  double a[8], b[4];
  for (int j = 0; j < 8; j++) a[j] = lane[j] + lane[j + 8];
  for (int j = 0; j < 4; j++) b[j] = a[j] + a[j + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/* NaN inputs may or may not win here; they reach every output of their row through the sum in either case. */
float VARIANT(row_max)(const float* x, int64_t n) {
  float lane[LANES], rest[LANES], a[8], b[4];
  for (int j = 0; j < LANES; j++) lane[j] = -INF_F;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
  for (int j = 0; j < LANES; j++) rest[j] = j < (int)(n - i) ? x[i + j] : -INF_F;
  for (int j = 0; j < LANES; j++) lane[j] = rest[j] > lane[j] ? rest[j] : lane[j];
  for (int j = 0; j < 8; j++) a[j] = lane[j + 8] > lane[j] ? lane[j + 8] : lane[j];
  for (int j = 0; j < 4; j++) b[j] = a[j + 4] > a[j] ? a[j + 4] : a[j];
  b[0] = b[2] > b[0] ? b[2] : b[0];
  b[1] = b[3] > b[1] ? b[3] : b[1];
  return b[1] > b[0] ? b[1] : b[0];
}

/* Sum of a block's unscaled elements: element i belongs to lane i mod 16. */
INLINE double block_sum(const float* e, int64_t n) {
  double lane[LANES] = {0};
  float rest[LANES];
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += (double)e[i + j];
  for (int j = 0; j < LANES; j++) rest[j] = j < (int)(n - i) ? e[i + j] : 0.0f;
  for (int j = 0; j < LANES; j++) lane[j] += (double)rest[j];
  return fold(lane) * 0x1p-24;
}

/* exp of x <= 0 as softmax uses it, for the accuracy checks. */
void VARIANT(softmax_exp)(const float* x, float* y, int64_t n) {
  MAP_LOOP for (int64_t i = 0; i < n; i++) y[i] = quotient(exp_scaled(x[i]), 1.0f);
}

double VARIANT(exp_sum)(const float* x, float shift, float* e, int64_t n) {
  MAP_LOOP for (int64_t i = 0; i < n; i++) e[i] = exp_scaled(x[i] - shift);
  return block_sum(e, n);
}

void VARIANT(divide)(const float* e, float sum, float* y, int64_t n) {
  MAP_LOOP for (int64_t i = 0; i < n; i++) y[i] = quotient(e[i], sum);
}

/* Fewer than 16 columns: sixteen rows side by side, one in each vector lane.  Element c is lane c of its row's sum, the
 * other lanes are empty, so the arithmetic is that of `block_sum`. */
static void few_columns(const float* x, float* y, int rows, int cols) {
  float t[LANES][LANES], max[LANES], sum[LANES];
  double lane[LANES][LANES];
  for (int c = 0; c < cols; c++)
    for (int r = 0; r < LANES; r++) t[c][r] = x[(r < rows ? r : 0) * cols + c];
  for (int r = 0; r < LANES; r++) max[r] = -INF_F;
  for (int c = 0; c < cols; c++)
    for (int r = 0; r < LANES; r++) max[r] = t[c][r] > max[r] ? t[c][r] : max[r];
  for (int c = 0; c < cols; c++)
    for (int r = 0; r < LANES; r++) t[c][r] = exp_scaled(t[c][r] - max[r]);
  for (int c = 0; c < cols; c++)
    for (int r = 0; r < LANES; r++) lane[c][r] = (double)t[c][r];
  for (int width = 8; width >= 1; width /= 2)
    for (int c = 0; c < width && c + width < (cols < 2 * width ? cols : 2 * width); c++)
      for (int r = 0; r < LANES; r++) lane[c][r] += lane[c + width][r];
  for (int r = 0; r < LANES; r++) sum[r] = (float)(lane[0][r] * 0x1p-24);
  for (int c = 0; c < cols; c++)
    for (int r = 0; r < LANES; r++) t[c][r] = quotient(t[c][r], sum[r]);
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < cols; c++) y[r * cols + c] = t[c][r];
}

/* Rows of a block go through each step together, so that the vector loops are long. */
void VARIANT(softmax_rows)(const float* x, float* y, int64_t rows, int64_t cols) {
  float buffer[BFB_SOFTMAX_BLOCK];
  if (cols < LANES) {
    for (int64_t r = 0; r < rows; r += LANES)
      few_columns(x + r * cols, y + r * cols, rows - r < LANES ? (int)(rows - r) : LANES, (int)cols);
    return;
  }
  int64_t group = BFB_SOFTMAX_BLOCK / cols;
  for (int64_t first = 0; first < rows; first += group) {
    int64_t count = rows - first < group ? rows - first : group, n = count * cols;
    const float* in = x + first * cols;
    float* out = y + first * cols;
    for (int64_t r = 0; r < count; r++) {
      float m = VARIANT(row_max)(in + r * cols, cols);
      for (int64_t c = 0; c < cols; c++) buffer[r * cols + c] = in[r * cols + c] - m;
    }
    for (int64_t i = 0; i < n; i++) buffer[i] = exp_scaled(buffer[i]);
    for (int64_t r = 0; r < count; r++) {
      float s = (float)block_sum(buffer + r * cols, cols);
      MAP_LOOP for (int64_t c = r * cols; c < (r + 1) * cols; c++) out[c] = quotient(buffer[c], s);
    }
  }
}
