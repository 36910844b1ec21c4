/* Building blocks that a compiler can turn into vector code: no calls, no branches, no tables.
 *
 * Sources are written for one element; GCC widens the loops around them.  Every operation is elementwise, so the
 * widened loop and its scalar remainder give the same bits.
 */
#ifndef BFB_SCALAR_H
#define BFB_SCALAR_H

#include <stdint.h>
#include "coefficients.h"

#define INLINE static inline __attribute__((always_inline))
#define POLY_STEP(p, x, c) __builtin_fma((p), (x), (c))
#define POLY_STEPF(p, x, c) __builtin_fmaf((p), (x), (c))
/* In-place calls (x == y) are allowed: no element depends on another. */
#define MAP_LOOP _Pragma("GCC ivdep")

INLINE int32_t bits_of(float x) {
  union { float f; int32_t i; } u = {.f = x};
  return u.i;
}
INLINE float float_of(int32_t i) {
  union { int32_t i; float f; } u = {.i = i};
  return u.f;
}
INLINE int64_t dbits_of(double x) {
  union { double f; int64_t i; } u = {.f = x};
  return u.i;
}
INLINE double double_of(int64_t i) {
  union { int64_t i; double f; } u = {.i = i};
  return u.f;
}

#define INF_F __builtin_inff()
#define NAN_F __builtin_nanf("") /* 0x7fc00000: every NaN that a kernel returns, whatever came in */
#define INF_D __builtin_inf()
#define NAN_D __builtin_nan("")

/* Round a double once to float; below the normal range to a zero of its sign, decided here and not by the CPU's flush
 * mode, which differs between emulators at the boundary (before or after rounding). */
INLINE float narrow(double d) {
  float y = (float)(__builtin_fabs(d) < 0x1p-126 ? d * 0.0 : d);
  return y == y ? y : NAN_F;
}

/* Smaller magnitude of a float and a positive bound, by integers: one instruction, and NaN becomes the bound. */
INLINE float clamp_magnitude(float x, float bound) {
  int32_t a = bits_of(x) & 0x7fffffff;
  return float_of(a < bits_of(bound) ? a : bits_of(bound));
}

/* exp(x) for |x| <= 700: relative error below 2^-32.  1.5 x 2^52 added rounds to an integer held in the low bits. */
INLINE double exp_double(double x) {
  const double magic = 0x1.8p52;
  double t = __builtin_fma(x, 0x1.71547652b82fep0, magic);
  double n = t - magic;
  double r = __builtin_fma(n, -0x1.62e42fefa39efp-1, x);
  double q = EXPD[5];
  q = POLY_STEP(q, r, EXPD[4]);
  q = POLY_STEP(q, r, EXPD[3]);
  q = POLY_STEP(q, r, EXPD[2]);
  q = POLY_STEP(q, r, EXPD[1]);
  q = POLY_STEP(q, r, EXPD[0]);
  double p = 1.0 + __builtin_fma(r * r, q, r);
  return double_of((int64_t)((uint64_t)dbits_of(p) + ((uint64_t)dbits_of(t) << 52)));
}

/* log(x) of a positive normal double: relative error below 2^-36, except that log(1) is exactly 0 by s = 0. */
INLINE double log_double(double x) {
  int64_t b = (int64_t)((uint64_t)dbits_of(x) - 0x3fe6a09e667f3bcdu); /* sqrt(1/2): the significand left over lies around 1 */
  int64_t exponent = b >> 52;
  double m = double_of((b & 0xfffffffffffff) + 0x3fe6a09e667f3bcd);
  double s = (m - 1.0) / (m + 1.0), w = s * s, q = LOG[4];
  q = POLY_STEP(q, w, LOG[3]);
  q = POLY_STEP(q, w, LOG[2]);
  q = POLY_STEP(q, w, LOG[1]);
  q = POLY_STEP(q, w, LOG[0]);
  double tail = __builtin_fma(s * w, q, s + s);
  return __builtin_fma((double)(int32_t)exponent, 0x1.62e42fefa39efp-1, tail);
}

#endif
