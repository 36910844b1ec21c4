/* half and bfloat16 to float and back, rounding to nearest even; NaN becomes the one quiet NaN of the format.
 *
 * Integers and one float addition rather than the F16C instructions: those ignore the flush modes on real CPUs, but
 * qemu 7.2 lets DAZ and FTZ eat half's denormals, and results must not depend on who runs the instruction.
 */
#include "variant.h"

#include "scalar.h"

INLINE float half_float(uint16_t h) {
  int32_t magnitude = h & 0x7fff, sign = (int32_t)((uint32_t)(h & 0x8000) << 16);
  int32_t normal = (magnitude << 13) + (112 << 23);                    /* exponents 15 and 127 apart */
  int32_t special = (magnitude << 13) + (224 << 23);                   /* infinity, NaN */
  int32_t small = bits_of((float)magnitude * 0x1p-24f);                /* half's denormals are float's normals */
  int32_t value = magnitude < 0x400 ? small : magnitude < 0x7c00 ? normal : special;
  return float_of(sign | value);
}

INLINE uint16_t float_half(float x) {
  int32_t b = bits_of(x), magnitude = b & 0x7fffffff, sign = (int32_t)((uint32_t)b >> 16) & 0x8000;
  int32_t normal = (magnitude - (112 << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  int32_t small = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f); /* 0.5 has half's smallest step as its ulp */
  int32_t value = magnitude < (113 << 23) ? small : magnitude < 0x47800000 ? normal : 0x7c00;
  return (uint16_t)(magnitude > 0x7f800000 ? 0x7e00 : (sign | value));
}

INLINE uint16_t float_bfloat(float x) {
  uint32_t b = (uint32_t)bits_of(x), rounded = (b + 0x7fffu + ((b >> 16) & 1u)) >> 16;
  return (uint16_t)(x == x ? rounded : 0x7fc0u);
}

void VARIANT(half_to_float)(const uint16_t* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = half_float(x[i]);
}
void VARIANT(float_to_half)(const float* x, uint16_t* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = float_half(x[i]);
}
void VARIANT(bfloat_to_float)(const uint16_t* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = float_of((int32_t)((uint32_t)x[i] << 16));
}
void VARIANT(float_to_bfloat)(const float* x, uint16_t* y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = float_bfloat(x[i]);
}
