/* Hold one elementwise kernel against a reference on every STRIDE-th of the 2^32 float32 inputs, both vector widths.
 *
 *   cc -O2 exhaustive.c -o exhaustive -ldl -lm && ./exhaustive LIBRARY FUNCTION [STRIDE]
 *
 * Prints one line of JSON: largest error in ulp and where, how many results are not the correctly rounded one, how many
 * differ between vector widths, how many special results are wrong.  The reference is glibc's double or long double
 * function, or x87 arithmetic; none of it is shared with the kernels.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 };
typedef int (*unary)(const char*, const char*, const float*, float*, int64_t);

/* Inverse of the normal distribution from erfc by Newton's method in long double. */
static long double ndtri_reference(long double p) {
  if (p == 0) return -INFINITY;
  if (p == 1) return INFINITY;
  if (!(p > 0 && p < 1)) return NAN;
  long double q = p < 0.5L ? p : 1 - p, x = sqrtl(-2 * logl(q)) * 0.9L;
  for (int i = 0; i < 60; i++) {
    long double tail = 0.5L * erfcl(x / sqrtl(2.0L)), density = expl(-x * x / 2) / sqrtl(2 * 3.14159265358979323846264L);
    long double step = logl(tail / q) * tail / density;
    x += step;
    if (fabsl(step) < 1e-17L * (fabsl(x) + 1e-3L)) break;
  }
  return p < 0.5L ? -x : x;
}

static long double reference(const char* f, float v) {
  long double x = fabsf(v) < 0x1p-126f ? copysignl(0, v) : v;
  if (!strcmp(f, "Rsqrt")) return x == 0 ? copysignl(INFINITY, x) : 1 / sqrtl(x);
  if (!strcmp(f, "Reciprocal")) return 1 / x;
  if (!strcmp(f, "Erfc")) return erfc((double)x);
  if (!strcmp(f, "Atan")) return atan((double)x);
  if (!strcmp(f, "SoftmaxExp")) return x > 0 ? NAN : exp((double)x);
  if (!strcmp(f, "Ndtri")) return ndtri_reference(x);
  fprintf(stderr, "no reference for %s\n", f);
  exit(2);
}

int main(int count, char** argument) {
  void* library = dlopen(argument[1], RTLD_NOW);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 2;
  unary kernel = (unary)dlsym(library, "bfb_unary");
  const char* name = argument[2];
  uint64_t stride = count > 3 ? strtoull(argument[3], 0, 10) : 1, misrounded = 0, unequal = 0, special = 0, total = 0;
  double worst = 0;
  uint32_t where = 0;
  float x[BLOCK], a[BLOCK], b[BLOCK];
  for (uint64_t first = 0; first < 1ull << 32; first += BLOCK * stride) {
    int n = 0;
    for (; n < BLOCK && first + n * stride < 1ull << 32; n++) {
      uint32_t bits = (uint32_t)(first + n * stride);
      memcpy(&x[n], &bits, 4);
      if (!strcmp(name, "SoftmaxExp") && !(x[n] <= 0)) x[n] = 0; /* defined for x <= 0 */
    }
    if (kernel(name, "avx2", x, a, n)) return fprintf(stderr, "no kernel %s\n", name), 2;
    if (kernel(name, "avx512", x, b, n) == 0) unequal += memcmp(a, b, n * sizeof(float)) != 0;
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
