/* Hold one elementwise kernel against a reference on every STRIDE-th of the float32 bit patterns, both vector widths, each
 * at three positions of the loop (a loop may treat every third of 48 elements in its own way).
 *
 *   ./exhaustive FUNCTION [STRIDE [FIRST END]]        (built by exhaustive.py, together with the compute files of native/)
 *
 * Prints one line of JSON: largest error in ulp and where, how many results are not the correctly rounded one, how many
 * differ between vector widths or positions, how many special results are wrong.  The reference shares nothing with the kernels: IEEE
 * double arithmetic or glibc's double functions, glibc's long double functions wherever a double cannot tell how the result
 * rounds, and for the normal quantile Newton's method on erfcl in long double.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bfb.h"

enum { BLOCK = 4096, PAD = 48 };

/* Quantile of the normal distribution at p = 1 - q = 1/2 + d, all three given: Newton's method in long double. */
static long double quantile(long double p, long double q, long double d) {
  if (p == 0 || q == 0) return p == 0 ? -INFINITY : INFINITY;
  if (!(p > 0 && q > 0)) return NAN;
  long double tail = p < q ? p : q, root = sqrtl(2), pi = 3.14159265358979323846264L, s = d * d;
  if (fabsl(d) < 0x1p-11L) return sqrtl(2 * pi) * d * (1 + s * (pi / 3 + s * (7 * pi * pi / 30 + s * (127 * pi * pi * pi / 630))));
  long double x = tail > 0.1L ? fabsl(d) * 2.5L : sqrtl(-2 * logl(tail)) * 0.9L;
  for (int i = 0; i < 60; i++) {
    long double now = 0.5L * erfcl(x / root), step = logl(now / tail) * now / (expl(-x * x / 2) / sqrtl(2 * pi));
    x += step;
    if (fabsl(step) < 1e-17L * fabsl(x)) break;
  }
  return p < q ? -x : x;
}

static long double rsqrt_exact(long double x) { return x == 0 ? copysignl(INFINITY, x) : 1 / sqrtl(x); }
static long double reciprocal_exact(long double x) { return 1 / x; }
static long double softmax_exact(long double x) { return x > 0 ? NAN : expl(x); }
static long double ndtri_exact(long double x) { return quantile(x, 1 - x, x - 0.5L); }
static long double erfinv_exact(long double x) { return quantile((1 + x) / 2, (1 - x) / 2, x / 2) / sqrtl(2); }

static void rsqrt_block(const double* x, double* y, int n) { for (int i = 0; i < n; i++) y[i] = 1 / sqrt(x[i]); }
static void reciprocal_block(const double* x, double* y, int n) { for (int i = 0; i < n; i++) y[i] = 1 / x[i]; }
static void erfc_block(const double* x, double* y, int n) { for (int i = 0; i < n; i++) y[i] = erfc(x[i]); }
static void atan_block(const double* x, double* y, int n) { for (int i = 0; i < n; i++) y[i] = atan(x[i]); }
static void softmax_block(const double* x, double* y, int n) { for (int i = 0; i < n; i++) y[i] = exp(x[i]); }

/* The quantile along a block of neighbours: Taylor's series around its middle, whose coefficients follow from
 * x' = sqrt(2 pi) exp(x^2 / 2), with d = SCALE v + SHIFT for an argument v.  Held against Newton's method at the block's end. */
static void quantile_block(const double* v, double* y, int n, long double (*exact)(long double), double scale, double shift, double unit) {
  double middle = v[n / 2], tail = 0.5 - fabs(scale * v[n - 1] + shift), other = 0.5 - fabs(scale * v[0] + shift);
  double width = scale * fabs(v[n - 1] - v[0]), d = fabs(scale * middle + shift);
  if (other < tail) tail = other;
  if (n < BLOCK / 2 || !(width < tail * 0x1p-8) || d < width * 8 || d < 0x1p-10) {
    for (int i = 0; i < n; i++) y[i] = (double)exact(v[i]);
    return;
  }
  long double at = exact(middle), x = at * unit;
  double g = (double)(sqrtl(2 * 3.14159265358979323846264L) * expl(x * x / 2)), s = (double)(x * x), z = (double)x;
  double c1 = 1, c2 = z / 2, c3 = (1 + 2 * s) / 6, c4 = z * (7 + 6 * s) / 24, c5 = (7 + s * (46 + 24 * s)) / 120;
  double c6 = z * (127 + s * (326 + 120 * s)) / 720;
  for (int i = 0; i < n; i++) {
    double h = scale * (v[i] - middle) * g;
    y[i] = (double)at + h * (c1 + h * (c2 + h * (c3 + h * (c4 + h * (c5 + h * c6))))) / unit;
  }
  for (int end = 0; end < 2; end++) {
    long double known = exact(v[end ? n - 1 : 0]);
    if (fabsl(y[end ? n - 1 : 0] - known) > 0x1p-40L * fabsl(known)) fprintf(stderr, "the series is off at %a\n", v[0]), exit(3);
  }
}
static void ndtri_block(const double* x, double* y, int n) { quantile_block(x, y, n, ndtri_exact, 1, -0.5, 1); }
static void erfinv_block(const double* x, double* y, int n) { quantile_block(x, y, n, erfinv_exact, 0.5, 0, sqrt(2)); }

static long double erfc_exact(long double x) { return erfcl(x); }
static long double atan_exact(long double x) { return atanl(x); }

static const struct {
  const char* name;
  long double (*exact)(long double);
  void (*block)(const double*, double*, int);
} references[] = {
    {"Rsqrt", rsqrt_exact, rsqrt_block},        {"Reciprocal", reciprocal_exact, reciprocal_block},
    {"Erfc", erfc_exact, erfc_block},           {"Atan", atan_exact, atan_block},
    {"SoftmaxExp", softmax_exact, softmax_block}, {"Ndtri", ndtri_exact, ndtri_block},
    {"Erfinv", erfinv_exact, erfinv_block},     {0, 0, 0},
};

/* Whether a result is as it must be where the exact one is no normal float32. */
static int special_ok(float got, long double exact) {
  long double size = fabsl(exact);
  if (isnan(exact)) return isnan(got);
  if (size < 0x1p-126L) return fabsf(got) <= 0x1p-126f && (got == 0 || size > 0x1.ffffffp-127L);
  return isinf(got) && !signbit(got) == !signbit(exact);
}

int main(int count, char** argument) {
  if (count < 2) return 2;
  const char* name = argument[1];
  int k = 0;
  while (references[k].name && strcmp(references[k].name, name)) k++;
  if (!references[k].name) return fprintf(stderr, "no reference for %s\n", name), 2;
  uint64_t stride = count > 2 ? strtoull(argument[2], 0, 10) : 1, misrounded = 0, unequal = 0, special = 0, total = 0;
  uint64_t begin = count > 4 ? strtoull(argument[3], 0, 0) : 0, end = count > 4 ? strtoull(argument[4], 0, 0) : 1ull << 32;
  double worst = 0;
  uint32_t where = 0;
  static float x[BLOCK + PAD], a[BLOCK + PAD], b[BLOCK + PAD];
  static double v[BLOCK], exact[BLOCK];
  for (uint64_t first = begin; first < end; first += BLOCK * stride) {
    int n = 0;
    for (; n < BLOCK && first + n * stride < end; n++) {
      uint32_t bits = (uint32_t)(first + n * stride);
      memcpy(&x[n], &bits, 4);
    }
    if (!strcmp(name, "SoftmaxExp")) { /* defined for x <= 0 */
      for (int i = n; i--;)
        if (!(x[i] <= 0)) x[i] = x[--n];
      if (n == 0) continue;
    }
    if (bfb_unary(name, "avx2", x, a, n)) return fprintf(stderr, "no kernel %s\n", name), 2;
    if (bfb_unary(name, "avx512", x, b, n) == 0) unequal += memcmp(a, b, n * sizeof(float)) != 0;
    for (int i = n; i < n + PAD; i++) x[i] = -1; /* whole blocks of the loop, whichever position they begin at */
    for (int shift = 0; shift < PAD; shift += 16) {
      int left = n - shift;
      if (left <= 0) break;
      bfb_unary(name, "avx2", x + shift, b, left + PAD);
      unequal += memcmp(a + shift, b, left * sizeof(float)) != 0;
    }
    for (int i = 0; i < n; i++) v[i] = fabsf(x[i]) < 0x1p-126f ? copysign(0, x[i]) : x[i];
    references[k].block(v, exact, n);
    total += n;
    for (int i = 0; i < n; i++) {
      double size = fabs(exact[i]);
      if (!(size >= 0x1p-126 && size <= 0x1.fffffep127)) {
        int clear = !(size >= 0x1p-127 && size <= 0x1.fffffep127 * 2);
        special += !special_ok(a[i], clear ? exact[i] : references[k].exact(v[i]));
        continue;
      }
      uint64_t bits;
      memcpy(&bits, &exact[i], 8);
      bits = (uint64_t)(2046 + 23 - (bits >> 52 & 0x7ff)) << 52; /* 1 / ulp */
      double per_ulp, error;
      memcpy(&per_ulp, &bits, 8);
      error = fabs(a[i] - exact[i]) * per_ulp;
      if (fabs(error - 0.5) < 0x1p-24) /* a double cannot tell */
        error = (double)(fabsl(a[i] - references[k].exact(v[i])) * per_ulp);
      misrounded += error > 0.5;
      if (!(error <= worst)) worst = error, memcpy(&where, &x[i], 4);
    }
  }
  printf("{\"function\": \"%s\", \"inputs\": %" PRIu64 ", \"max_ulp\": %.6f, \"at\": \"0x%08" PRIx32
         "\", \"not_correctly_rounded\": %" PRIu64 ", \"blocks_unequal_elsewhere\": %" PRIu64 ", \"wrong_special\": %" PRIu64 "}\n",
         name, total, worst, where, misrounded, unequal, special);
  return unequal || special;
}
