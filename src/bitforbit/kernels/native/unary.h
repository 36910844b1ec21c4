/* The functions of one float32 variable, one element at a time. */
#ifndef BFB_UNARY_H
#define BFB_UNARY_H

#include "scalar.h"

/* 1/sqrt(x) of an x in [2^-100, 2^100]: integer seed (3.4 %), one cubic step, cut to 12 bits so that its square and
 * the residual 1 - x y^2 are exact, one more cubic step.  Error below 0.51 ulp. */
INLINE float rsqrt_core(float x) {
  float y = float_of((int32_t)(0x5f3759dfu - ((uint32_t)bits_of(x) >> 1)));
  float e = __builtin_fmaf(-(x * y), y, 1.0f);
  float p = POLY_STEPF(RSQRT[2], e, RSQRT[1]);
  p = POLY_STEPF(p, e, RSQRT[0]);
  y = float_of(bits_of(y * p) & ~0xfff);
  e = __builtin_fmaf(-x, y * y, 1.0f);
  return __builtin_fmaf(y * e, POLY_STEPF(0.375f, e, 0.5f), y);
}

/* Any x.  Far from 1 an intermediate would underflow: scale by powers of four, which leaves the significand's bits alone. */
INLINE float rsqrt_any(float x) {
  float scale = x < 0x1p-100f ? 0x1p60f : x > 0x1p100f ? 0x1p-60f : 1.0f;
  float back = x < 0x1p-100f ? 0x1p30f : x > 0x1p100f ? 0x1p-30f : 1.0f;
  float y = rsqrt_core(x * scale) * back;
  y = x <= 0x1.fffffep127f ? y : 0.0f; /* +inf, and NaN for now */
  y = __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(INF_F, x) : y;
  y = x <= -0x1p-126f ? NAN_F : y;
  return x == x ? y : NAN_F;
}

INLINE float reciprocal(float x) {
  float y = 1.0f / x;
  return y == y ? y : NAN_F;
}

/* erfc(|x|) = exp(-x^2) r P(r), erfc(-x) = 2 - erfc(x).  The last conversion flushes by the thread's mode: no float32
 * input comes so near 2^-126 that a rounding could lift it (the exhaustive check covers all of them). */
INLINE float erfc_float(float x) {
  double a = (double)clamp_magnitude(x, 9.5f); /* erfc(9.5) is far below the smallest normal float */
  double r = 1.0 / (a + 3.0);
  double p = ERFC[10];
  p = POLY_STEP(p, r, ERFC[9]);
  p = POLY_STEP(p, r, ERFC[8]);
  p = POLY_STEP(p, r, ERFC[7]);
  p = POLY_STEP(p, r, ERFC[6]);
  p = POLY_STEP(p, r, ERFC[5]);
  p = POLY_STEP(p, r, ERFC[4]);
  p = POLY_STEP(p, r, ERFC[3]);
  p = POLY_STEP(p, r, ERFC[2]);
  p = POLY_STEP(p, r, ERFC[1]);
  p = POLY_STEP(p, r, ERFC[0]);
  double v = exp_double(-a * a) * (r * p);
  double sign = __builtin_copysign(1.0, (double)x);
  float y = (float)__builtin_fma(sign, v, 1.0 - sign); /* v, or 2 - v */
  return x == x ? y : NAN_F;
}

/* atan(t) of 0 <= t <= 1. */
INLINE double atan_core(double t) {
  double s = t * t, q = ATAN[12];
  q = POLY_STEP(q, s, ATAN[11]);
  q = POLY_STEP(q, s, ATAN[10]);
  q = POLY_STEP(q, s, ATAN[9]);
  q = POLY_STEP(q, s, ATAN[8]);
  q = POLY_STEP(q, s, ATAN[7]);
  q = POLY_STEP(q, s, ATAN[6]);
  q = POLY_STEP(q, s, ATAN[5]);
  q = POLY_STEP(q, s, ATAN[4]);
  q = POLY_STEP(q, s, ATAN[3]);
  q = POLY_STEP(q, s, ATAN[2]);
  q = POLY_STEP(q, s, ATAN[1]);
  q = POLY_STEP(q, s, ATAN[0]);
  return __builtin_fma(t * s, q, t);
}

INLINE double atan_double(double x) {
  double a = __builtin_fabs(x), big = a > 1.0 ? 1.0 : 0.0;
  double t = a > 1.0 ? 1.0 / a : a;
  double v = atan_core(t);
  v = big > 0.0 ? 0x1.921fb54442d18p0 - v : v;
  v = __builtin_copysign(v, x);
  return x == x ? v : NAN_D;
}

/* atan2(y, x): the quadrant from the signs, zero over zero as C99 has it; inf over inf is a ratio of 1. */
INLINE double atan2_double(double y, double x) {
  double ay = __builtin_fabs(y), ax = __builtin_fabs(x);
  double hi = ay > ax ? ay : ax, lo = ay > ax ? ax : ay;
  double t = lo / hi;
  t = hi == 0.0 ? 0.0 : t;
  t = lo == INF_D ? 1.0 : t;
  double v = atan_core(t);
  v = ay > ax ? 0x1.921fb54442d18p0 - v : v;
  v = dbits_of(x) < 0 ? 0x1.921fb54442d18p1 - v : v;
  v = __builtin_copysign(v, y);
  return (x == x) & (y == y) ? v : NAN_D;
}

/* Quantile of the standard normal distribution at 1/2 + x, |x| < 1/2; q = 1/2 - |x|, given because the caller has it
 * without rounding. */
INLINE double quantile(double x, double q) {
  double u = x * x;
  double c = NDTRI[11];
  c = POLY_STEP(c, u, NDTRI[10]);
  c = POLY_STEP(c, u, NDTRI[9]);
  c = POLY_STEP(c, u, NDTRI[8]);
  c = POLY_STEP(c, u, NDTRI[7]);
  c = POLY_STEP(c, u, NDTRI[6]);
  c = POLY_STEP(c, u, NDTRI[5]);
  c = POLY_STEP(c, u, NDTRI[4]);
  c = POLY_STEP(c, u, NDTRI[3]);
  c = POLY_STEP(c, u, NDTRI[2]);
  c = POLY_STEP(c, u, NDTRI[1]);
  c = POLY_STEP(c, u, NDTRI[0]);
  double r = __builtin_sqrt(-2.0 * log_double(q > 0x1p-126 ? q : 0x1p-126));
  double s = 1.0 / (r + 2.0);
  double t = NDTRI_TAIL[12];
  t = POLY_STEP(t, s, NDTRI_TAIL[11]);
  t = POLY_STEP(t, s, NDTRI_TAIL[10]);
  t = POLY_STEP(t, s, NDTRI_TAIL[9]);
  t = POLY_STEP(t, s, NDTRI_TAIL[8]);
  t = POLY_STEP(t, s, NDTRI_TAIL[7]);
  t = POLY_STEP(t, s, NDTRI_TAIL[6]);
  t = POLY_STEP(t, s, NDTRI_TAIL[5]);
  t = POLY_STEP(t, s, NDTRI_TAIL[4]);
  t = POLY_STEP(t, s, NDTRI_TAIL[3]);
  t = POLY_STEP(t, s, NDTRI_TAIL[2]);
  t = POLY_STEP(t, s, NDTRI_TAIL[1]);
  t = POLY_STEP(t, s, NDTRI_TAIL[0]);
  t = __builtin_copysign(t * (r + 2.0), x);
  return __builtin_fabs(x) <= 0.375 ? x * c : t;
}

INLINE double ndtri_double(double p) {
  double v = quantile(p - 0.5, p > 0.5 ? 1.0 - p : p);
  v = p == 0.0 ? -INF_D : v;
  v = p == 1.0 ? INF_D : v;
  return (p >= 0.0) & (p <= 1.0) ? v : NAN_D;
}

/* erfinv(y) = ndtri((1 + y) / 2) / sqrt(2); 1 - |y| is exact. */
INLINE double erfinv_double(double y) {
  double a = __builtin_fabs(y);
  double v = quantile(0.5 * y, 0.5 * (1.0 - a)) * 0x1.6a09e667f3bcdp-1;
  v = a == 1.0 ? __builtin_copysign(INF_D, y) : v;
  return a <= 1.0 ? v : NAN_D;
}

#endif
