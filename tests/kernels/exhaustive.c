/* Hold one elementwise kernel against a reference on every STRIDE-th of the 2^32 float32 inputs, both vector widths.
 *
 *   ./exhaustive FUNCTION [STRIDE [FIRST END]]        (built by exhaustive.py, together with the compute files of native/)
 *
 * Prints one line of JSON: largest error in ulp and where, how many results are not the correctly rounded one, how many
 * differ between vector widths, how many special results are wrong.  The reference is glibc's double or long double
 * function, or x87 arithmetic; none of it is shared with the kernels.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bfb.h"

enum { BLOCK = 4096 };

/* Quantile of the normal distribution at p = 1 - q = 1/2 + d, all three given: Newton's method in long double. */
static long double ndtri_reference(long double p, long double q, long double d) {
  if (p == 0 || q == 0) return p == 0 ? -INFINITY : INFINITY;
  if (!(p > 0 && q > 0)) return NAN;
  long double tail = p < q ? p : q, root = sqrtl(2), pi = 3.14159265358979323846264L;
  if (fabsl(d) < 1e-6L) return sqrtl(2 * pi) * (d + pi / 3 * d * d * d);
  long double x = tail > 0.1L ? fabsl(d) * 2.5L : sqrtl(-2 * logl(tail)) * 0.9L;
  for (int i = 0; i < 60; i++) {
    long double now = 0.5L * erfcl(x / root), step = logl(now / tail) * now / (expl(-x * x / 2) / sqrtl(2 * pi));
    x += step;
    if (fabsl(step) < 1e-17L * fabsl(x)) break;
  }
  return p < q ? -x : x;
}

static long double reference(const char* f, float v) {
  long double x = fabsf(v) < 0x1p-126f ? copysignl(0, v) : v;
  if (!strcmp(f, "Rsqrt")) return x == 0 ? copysignl(INFINITY, x) : 1 / sqrtl(x);
  if (!strcmp(f, "Reciprocal")) return 1 / x;
  if (!strcmp(f, "Erfc")) return erfc((double)x);
  if (!strcmp(f, "Atan")) return atan((double)x);
  if (!strcmp(f, "SoftmaxExp")) return x > 0 ? NAN : exp((double)x);
  if (!strcmp(f, "Ndtri")) return ndtri_reference(x, 1 - x, x - 0.5L);
  if (!strcmp(f, "Erfinv")) return ndtri_reference((1 + x) / 2, (1 - x) / 2, x / 2) / sqrtl(2);
  fprintf(stderr, "no reference for %s\n", f);
  exit(2);
}

int main(int count, char** argument) {
  const char* name = argument[1];
  uint64_t stride = count > 2 ? strtoull(argument[2], 0, 10) : 1, misrounded = 0, unequal = 0, special = 0, total = 0;
  uint64_t begin = count > 4 ? strtoull(argument[3], 0, 0) : 0, end = count > 4 ? strtoull(argument[4], 0, 0) : 1ull << 32;
  double worst = 0;
  uint32_t where = 0;
  float x[BLOCK], a[BLOCK], b[BLOCK];
  for (uint64_t first = begin; first < end; first += BLOCK * stride) {
    int n = 0;
    for (; n < BLOCK && first + n * stride < end; n++) {
      uint32_t bits = (uint32_t)(first + n * stride);
      memcpy(&x[n], &bits, 4);
      if (!strcmp(name, "SoftmaxExp") && !(x[n] <= 0)) x[n] = 0; /* defined for x <= 0 */
    }
    if (bfb_unary(name, "avx2", x, a, n)) return fprintf(stderr, "no kernel %s\n", name), 2;
    if (bfb_unary(name, "avx512", x, b, n) == 0) unequal += memcmp(a, b, n * sizeof(float)) != 0;
    for (int i = 0; i < n; i++, total++) {
      long double exact = reference(name, x[i]), size = fabsl(exact);
      if (isnan(exact) || isinf(exact) || size < 0x1p-126L || size > 0x1.fffffep127L) {
        int same = isnan(exact) ? isnan(a[i]) : size < 0x1p-126L ? fabsf(a[i]) <= 0x1p-126f && (a[i] == 0 || size > 0x1.ffffffp-127L)
                                                               : isinf(a[i]) && !signbit(a[i]) == !signbit(exact);
        special += !same;
        continue;
      }
      double error = (double)(fabsl(a[i] - exact) / ldexpl(1, ilogbl(size) - 23));
      misrounded += a[i] != (float)exact;
      if (!(error <= worst)) worst = error, memcpy(&where, &x[i], 4);
    }
  }
  printf("{\"function\": \"%s\", \"inputs\": %" PRIu64 ", \"max_ulp\": %.6f, \"at\": \"0x%08" PRIx32
         "\", \"not_correctly_rounded\": %" PRIu64 ", \"blocks_unequal_between_widths\": %" PRIu64 ", \"wrong_special\": %" PRIu64 "}\n",
         name, total, worst, where, misrounded, unequal, special);
  return unequal || special;
}
