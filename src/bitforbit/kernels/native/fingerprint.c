/* FarmHash64 (github.com/google/farmhash, `farmhashna::Hash64`) of bytes, as TensorFlow's op Fingerprint has it. */
#include <string.h>

#include "bfb.h"

static const uint64_t k0 = 0xc3a5c85c97cb3127u, k1 = 0xb492b66fbe98f273u, k2 = 0x9ae16a3b2f90404fu;

static uint64_t fetch(const char* s) {
  uint64_t v;
  memcpy(&v, s, 8);
  return v;
}

static uint64_t fetch32(const char* s) {
  uint32_t v;
  memcpy(&v, s, 4);
  return v;
}

static uint64_t rotate(uint64_t v, int by) { return (v >> by) | (v << (64 - by)); }
static uint64_t shift_mix(uint64_t v) { return v ^ (v >> 47); }

static uint64_t pair(uint64_t u, uint64_t v, uint64_t mul) {
  uint64_t a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

static uint64_t up_to_16(const char* s, uint64_t n) {
  if (n >= 8) {
    uint64_t mul = k2 + n * 2, a = fetch(s) + k2, b = fetch(s + n - 8);
    return pair(rotate(b, 37) * mul + a, (rotate(a, 25) + b) * mul, mul);
  }
  if (n >= 4) return pair(n + (fetch32(s) << 3), fetch32(s + n - 4), k2 + n * 2);
  if (n == 0) return k2;
  uint32_t a = (uint8_t)s[0], b = (uint8_t)s[n >> 1], c = (uint8_t)s[n - 1];
  uint32_t y = a + (b << 8), z = (uint32_t)n + (c << 2);
  return shift_mix(y * k2 ^ z * k0) * k2;
}

static uint64_t up_to_32(const char* s, uint64_t n) {
  uint64_t mul = k2 + n * 2, a = fetch(s) * k1, b = fetch(s + 8);
  uint64_t c = fetch(s + n - 8) * mul, d = fetch(s + n - 16) * k2;
  return pair(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + k2, 18) + c, mul);
}

static uint64_t up_to_64(const char* s, uint64_t n) {
  uint64_t mul = k2 + n * 2, a = fetch(s) * k2, b = fetch(s + 8);
  uint64_t c = fetch(s + n - 8) * mul, d = fetch(s + n - 16) * k2;
  uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d, z = pair(y, a + rotate(b + k2, 18) + c, mul);
  uint64_t e = fetch(s + 16) * mul, f = fetch(s + 24), g = (y + fetch(s + n - 32)) * mul, h = (z + fetch(s + n - 24)) * mul;
  return pair(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, mul);
}

static void weak(const char* s, uint64_t a, uint64_t b, uint64_t out[2]) {
  uint64_t w = fetch(s), x = fetch(s + 8), y = fetch(s + 16), z = fetch(s + 24);
  a += w;
  b = rotate(b + a + z, 21);
  uint64_t c = a;
  a += x + y;
  b += rotate(a, 44);
  out[0] = a + z;
  out[1] = b + c;
}

uint64_t bfb_fingerprint(const void* data, int64_t bytes) {
  const char* s = data;
  uint64_t n = (uint64_t)bytes;
  if (n <= 16) return up_to_16(s, n);
  if (n <= 32) return up_to_32(s, n);
  if (n <= 64) return up_to_64(s, n);
  uint64_t seed = 81, y = seed * k1 + 113, z = shift_mix(y * k2 + 113) * k2, x = seed * k2 + fetch(s);
  uint64_t v[2] = {0, 0}, w[2] = {0, 0}, mul = k1, one = 1;
  const char *last = s + n - 64, *end = s + (n - 1) / 64 * 64;
  /* Every whole block, then the last 64 bytes with other factors. */
  for (int tail = 0;; tail = 1) {
    if (tail) {
      mul = k1 + ((z & 0xff) << 1);
      one = 9;
      s = last;
      w[0] += (n - 1) & 63;
      v[0] += w[0];
      w[0] += v[0];
    }
    do {
      x = rotate(x + y + v[0] + fetch(s + 8), 37) * mul;
      y = rotate(y + v[1] + fetch(s + 48), 42) * mul;
      x ^= w[1] * one;
      y += v[0] * one + fetch(s + 40);
      z = rotate(z + w[0], 33) * mul;
      weak(s, v[1] * mul, x + w[0], v);
      weak(s + 32, z + w[1], y + fetch(s + 16), w);
      uint64_t swapped = z;
      z = x;
      x = swapped;
      s += 64;
    } while (!tail && s != end);
    if (tail) break;
  }
  return pair(pair(v[0], w[0], mul) + shift_mix(y) * k0 + z, pair(v[1], w[1], mul) + x, mul);
}
