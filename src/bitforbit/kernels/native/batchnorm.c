/* Batch normalization's loops over a (rows, channels) matrix, channels last.
 *
 * Sums run in double along a fixed pattern: a block of BFB_BN_ROWS(channels) rows is summed along `group` interleaved
 * lanes of rows, where group x channels is a multiple of 16, so that the inner loop has no remainder for any number of
 * channels.  Pattern and block depend on the number of channels alone.
 */
#include "variant.h"

#include "scalar.h"

enum { LANES = 16 };

/* Two sums over rows of one block into s[channels], q[channels].
 * Without dy: of d and d^2, d = x - pivot.  With dy: of dy and dy (x - pivot).
 * `wide` holds 3 x group x channels doubles. */
void VARIANT(bn_sums)(const float* x, const float* dy, const float* pivot, int64_t rows, int64_t channels, int group,
                      double* wide, double* s_out, double* q_out) {
  const int64_t width = group * channels;
  double *p = wide, *s = wide + width, *q = s + width;
  for (int64_t j = 0, c = 0; j < width; j++, c = c + 1 == channels ? 0 : c + 1) p[j] = (double)pivot[c];
  for (int64_t j = 0; j < width; j++) s[j] = q[j] = 0;
  const int64_t whole = rows / group;
  for (int64_t j = 0; whole > 0 && j < width; j += LANES) {
    double ps[LANES], ss[LANES], qs[LANES];
    for (int l = 0; l < LANES; l++) ps[l] = p[j + l], ss[l] = 0, qs[l] = 0;
    if (dy == 0) {
      for (int64_t g = 0; g < whole; g++)
        for (int l = 0; l < LANES; l++) {
          double d = (double)x[g * width + j + l] - ps[l];
          ss[l] += d;
          qs[l] = __builtin_fma(d, d, qs[l]);
        }
    } else {
      for (int64_t g = 0; g < whole; g++)
        for (int l = 0; l < LANES; l++) {
          double d = (double)x[g * width + j + l] - ps[l], y = (double)dy[g * width + j + l];
          ss[l] += y;
          qs[l] = __builtin_fma(y, d, qs[l]);
        }
    }
    for (int l = 0; l < LANES; l++) s[j + l] = ss[l], q[j + l] = qs[l];
  }
  const int64_t done = whole * width, left = (rows - whole * group) * channels;
  for (int64_t j = 0; j < left; j++) {
    double d = (double)x[done + j] - p[j], y = dy ? (double)dy[done + j] : d;
    s[j] += y;
    q[j] = __builtin_fma(y, d, q[j]);
  }
  for (int64_t half = width / 2; half >= channels; half /= 2)
    for (int64_t j = 0; j < half; j++) s[j] += s[j + half], q[j] += q[j + half];
  for (int64_t c = 0; c < channels; c++) s_out[c] = s[c], q_out[c] = q[c];
}

/* A magnitude of 2^-126 or less is 0: whether the CPU flushes before or after rounding cannot show. */
INLINE float finish(double d) {
  float y = (float)d;
  y = __builtin_fabsf(y) <= 0x1p-126f ? 0.0f : y;
  return y == y ? y : NAN_F;
}

/* y = x a + b over whole groups of rows; a and b are repeated `group` times. */
void VARIANT(bn_apply)(const float* x, float* y, int64_t count, int64_t width, const double* a, const double* b) {
  for (int64_t i = 0; i < count; i += width) {
    int64_t n = count - i < width ? count - i : width;
    MAP_LOOP for (int64_t j = 0; j < n; j++) y[i + j] = finish(__builtin_fma((double)x[i + j], a[j], b[j]));
  }
}

/* dx = dy a + x b + c */
void VARIANT(bn_apply_grad)(const float* dy, const float* x, float* dx, int64_t count, int64_t width, const double* a,
                            const double* b, const double* c) {
  for (int64_t i = 0; i < count; i += width) {
    int64_t n = count - i < width ? count - i : width;
    MAP_LOOP for (int64_t j = 0; j < n; j++)
      dx[i + j] = finish(__builtin_fma((double)dy[i + j], a[j], __builtin_fma((double)x[i + j], b[j], c[j])));
  }
}
