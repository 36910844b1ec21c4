/* Rsqrt, Reciprocal and Erfc with four to six 256-bit vectors side by side, step by step.
 *
 * A chain of dependent fused multiply-adds leaves the units idle unless other chains stand next to it in the program: a
 * core's window holds little more than one element's worth of instructions, so a loop that finishes one vector before it
 * begins the next (which is what compilers make of `rsqrt_any` and `erfc_float`) waits.  The operations are those of
 * unary.h, element by element, so the bits are too; a step that looks different here gives the same number and says so.
 */
#ifndef BFB_SIDE_BY_SIDE_H
#define BFB_SIDE_BY_SIDE_H

#include <immintrin.h>

#include "unary.h"

enum { SIDES = 4, FLOATS = 8 * SIDES, DOUBLES = 4 * SIDES };
#define SIDE _Pragma("GCC unroll 4") for (int k = 0; k < SIDES; k++)
#define F(c) _mm256_set1_ps(c)
#define D(c) _mm256_set1_pd(c)

/* 32 elements at once; 0, and nothing written, where one of them is not a positive number that `rsqrt_core` takes: then the
 * residual before the last step is 1 or more, infinite or NaN, and so is 0.375 e + 0.5, else close to 0.5.  A square of
 * the estimate that underflows, from 2^126 on, shows in the same way. */
INLINE int rsqrt_side_by_side(const float* in, float* out) {
  __m256 x[SIDES], y[SIDES], e[SIDES], p[SIDES];
  __m256i largest = _mm256_setzero_si256(), limit = _mm256_set1_epi32(0x3f008000);
  SIDE x[k] = _mm256_loadu_ps(in + 8 * k);
  SIDE y[k] = _mm256_castsi256_ps(
      _mm256_sub_epi32(_mm256_set1_epi32(0x5f3759df), _mm256_srli_epi32(_mm256_castps_si256(x[k]), 1)));
  SIDE e[k] = _mm256_mul_ps(x[k], y[k]);
  SIDE e[k] = _mm256_fnmadd_ps(e[k], y[k], F(1.0f));
  SIDE p[k] = _mm256_fmadd_ps(F(RSQRT[2]), e[k], F(RSQRT[1]));
  SIDE p[k] = _mm256_fmadd_ps(p[k], e[k], F(RSQRT[0]));
  SIDE y[k] = _mm256_mul_ps(y[k], p[k]);
  SIDE y[k] = _mm256_and_ps(y[k], _mm256_castsi256_ps(_mm256_set1_epi32(~0xfff)));
  SIDE e[k] = _mm256_mul_ps(y[k], y[k]);
  SIDE e[k] = _mm256_fnmadd_ps(x[k], e[k], F(1.0f));
  SIDE p[k] = _mm256_fmadd_ps(F(0.375f), e[k], F(0.5f));
  SIDE largest = _mm256_max_epu32(largest, _mm256_castps_si256(p[k]));
  SIDE e[k] = _mm256_mul_ps(y[k], e[k]);
  SIDE y[k] = _mm256_fmadd_ps(e[k], p[k], y[k]);
  if (_mm256_movemask_epi8(_mm256_cmpeq_epi32(_mm256_max_epu32(largest, limit), limit)) != -1) return 0;
  SIDE _mm256_storeu_ps(out + 8 * k, y[k]);
  return 1;
}

/* 48 elements at once: 32 by the divider, and meanwhile 16 by the multipliers, which have nothing else to do; 0, and
 * nothing written, where one of them is NaN or one of the 16 is no normal number with a normal reciprocal.
 *
 * An integer seed (5 %), a cubic step, a quadratic one and one on an exact residual give the correctly rounded quotient:
 * the last one does whenever the estimate is within an ulp (Markstein 1990), but for x of the largest significand, where an
 * estimate just below leaves a tie.  The first step therefore aims a little above 1, so that the second meets 1/x there
 * from the other side; all 2^23 significands are tried in the tests.  The last residual is at most 2^-23.2 then; where
 * x or 1/x is zero, denormal, infinite or NaN, it is 1, +inf or NaN. */
enum { REFINED = 2, DIVIDED = 4, QUOTIENTS = 8 * (REFINED + DIVIDED) };
#define REFINE _Pragma("GCC unroll 2") for (int k = 0; k < REFINED; k++)
INLINE int reciprocal_side_by_side(const float* in, float* out) {
  __m256 d[DIVIDED], x[REFINED], y[REFINED], e[REFINED], p[REFINED];
  SIDE d[k] = _mm256_loadu_ps(in + 8 * (REFINED + k));
  __m256 odd = _mm256_or_ps(_mm256_cmp_ps(d[0], d[1], _CMP_UNORD_Q), _mm256_cmp_ps(d[2], d[3], _CMP_UNORD_Q));
  SIDE d[k] = _mm256_div_ps(F(1.0f), d[k]);
  REFINE x[k] = _mm256_loadu_ps(in + 8 * k);
  REFINE y[k] = _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_set1_epi32(0x7ef20ff7), _mm256_castps_si256(x[k])));
  REFINE e[k] = _mm256_fnmadd_ps(x[k], y[k], F(1.0f + 1291 * 0x1p-23f));
  REFINE p[k] = _mm256_fmadd_ps(e[k], e[k], e[k]);
  REFINE y[k] = _mm256_fmadd_ps(y[k], p[k], y[k]);
  REFINE e[k] = _mm256_fnmadd_ps(x[k], y[k], F(1.0f));
  REFINE y[k] = _mm256_fmadd_ps(y[k], e[k], y[k]);
  REFINE e[k] = _mm256_fnmadd_ps(x[k], y[k], F(1.0f));
  REFINE y[k] = _mm256_fmadd_ps(y[k], e[k], y[k]);
  REFINE odd = _mm256_or_ps(odd, _mm256_cmp_ps(e[k], F(0.5f), _CMP_NLT_UQ));
  if (_mm256_movemask_ps(odd)) return 0;
  REFINE _mm256_storeu_ps(out + 8 * k, y[k]);
  SIDE _mm256_storeu_ps(out + 8 * (REFINED + k), d[k]);
  return 1;
}
#undef REFINE

/* 16 elements.  -a^2 is never formed: a fused multiply-add may negate its product and its addend. */
INLINE void erfc_side_by_side(const float* in, float* out) {
  const __m256d magic = D(0x1.8p52), magnitude = _mm256_castsi256_pd(_mm256_set1_epi64x(0x7fffffffffffffff));
  __m256d x[SIDES], a[SIDES], r[SIDES], t[SIDES], q[SIDES], s[SIDES], p[SIDES];
  SIDE x[k] = _mm256_cvtps_pd(_mm_loadu_ps(in + 4 * k));
  SIDE a[k] = _mm256_min_pd(_mm256_and_pd(x[k], magnitude), D(9.5)); /* 9.5 for NaN too: see the last lines */
  SIDE r[k] = _mm256_div_pd(D(1.0), _mm256_add_pd(a[k], D(3.0)));
  SIDE a[k] = _mm256_mul_pd(a[k], a[k]);
  SIDE t[k] = _mm256_fnmadd_pd(a[k], D(0x1.71547652b82fep0), magic);
  SIDE q[k] = _mm256_sub_pd(t[k], magic);
  SIDE a[k] = _mm256_fnmsub_pd(q[k], D(0x1.62e42fefa39efp-1), a[k]);
  SIDE q[k] = _mm256_fmadd_pd(D(EXPD[5]), a[k], D(EXPD[4]));
  SIDE q[k] = _mm256_fmadd_pd(q[k], a[k], D(EXPD[3]));
  SIDE q[k] = _mm256_fmadd_pd(q[k], a[k], D(EXPD[2]));
  SIDE q[k] = _mm256_fmadd_pd(q[k], a[k], D(EXPD[1]));
  SIDE q[k] = _mm256_fmadd_pd(q[k], a[k], D(EXPD[0]));
  SIDE s[k] = _mm256_mul_pd(a[k], a[k]);
  SIDE q[k] = _mm256_fmadd_pd(s[k], q[k], a[k]);
  SIDE q[k] = _mm256_add_pd(q[k], D(1.0));
  SIDE q[k] = _mm256_castsi256_pd(
      _mm256_add_epi64(_mm256_castpd_si256(q[k]), _mm256_slli_epi64(_mm256_castpd_si256(t[k]), 52)));
  SIDE p[k] = _mm256_fmadd_pd(D(ERFC[10]), r[k], D(ERFC[9]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[8]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[7]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[6]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[5]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[4]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[3]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[2]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[1]));
  SIDE p[k] = _mm256_fmadd_pd(p[k], r[k], D(ERFC[0]));
  SIDE p[k] = _mm256_mul_pd(r[k], p[k]);
  SIDE p[k] = _mm256_mul_pd(q[k], p[k]);
  SIDE p[k] = _mm256_blendv_pd(p[k], _mm256_sub_pd(D(2.0), p[k]), x[k]); /* by the sign of x: fma(1, p, 0), fma(-1, p, 2) */
  for (int k = 0; k < SIDES; k += 2) {
    __m256 v = _mm256_loadu_ps(in + 4 * k);
    __m256 y = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(p[k])), _mm256_cvtpd_ps(p[k + 1]), 1);
    _mm256_storeu_ps(out + 4 * k, _mm256_blendv_ps(y, F(NAN_F), _mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
  }
}

#undef F
#undef D
#undef SIDE
#endif
