/* Digests of every kernel function on fixed inputs, without TensorFlow or Python: the same lines must come out on every
 * CPU, real or emulated, for every vector width, thread count and optimisation level.
 *
 *   cc FLAGS digest.c <the compute files of native/> -o digest && ./digest [threads]
 *
 * Line 1: "cpu" and CPUID leaf 1, as proof of who ran it.  Then "function vector-width digest".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bfb.h"

enum { N = 1 << 20 };
static const uint32_t special[] = {0x0,        0x1,        0x7fffff,   0x800000,   0x800001,   0xd800000,  0x3f7fffff, 0x3f800000,
                                   0x3f800001, 0x7e800000, 0x7e800001, 0x7f000000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000,
                                   0x7fd23456, 0x41133333};

static uint64_t state;
static uint32_t next(void) { /* splitmix64 */
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (uint32_t)(z >> 32);
}

/* Half of the values are any bit pattern, half lie in (-8, 8); the first ones are the special values of both signs. */
static void fill(float* x, int64_t n, uint64_t seed) {
  state = seed;
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits = next();
    float value = (float)(int32_t)bits * 0x1p-28f;
    memcpy(&x[i], i % 2 ? &bits : (uint32_t*)(void*)&value, 4);
  }
  for (int64_t i = 0; i < 36 && i < n; i++) {
    uint32_t bits = special[i / 2] | (i % 2 ? 0x80000000u : 0);
    memcpy(&x[i], &bits, 4);
  }
}

static void show(const char* name, const bfb_variant* v, const void* data, size_t bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ ((const unsigned char*)data)[i]) * 0x100000001b3u;
  printf("%s %s %016llx\n", name, v->isa, (unsigned long long)hash);
}

static float *a, *b, *y;

static void elementwise(const bfb_variant* v) {
  for (const bfb_unary_row* row = v->unary; row->name; row++) {
    fill(a, N, 1);
    bfb_unary(row->name, v->isa, a, y, N);
    show(row->name, v, y, N * sizeof(float));
    memcpy(y, a, N * sizeof(float));
    bfb_unary(row->name, v->isa, y, y, N - 3);
    bfb_unary(row->name, v->isa, y + N - 3, y + N - 3, 3);
    show(row->name, v, y, N * sizeof(float)); /* in place, in two calls: the same line again */
  }
  for (const bfb_binary_row* row = v->binary; row->name; row++) {
    fill(a, N, 1);
    fill(b, N, 2);
    memcpy(b + 100, a + 100, 1000 * sizeof(float));
    bfb_binary(row->name, v->isa, a, b, y, N);
    show(row->name, v, y, N * sizeof(float));
  }
}

static void rows(const bfb_variant* v) {
  static const int64_t cols[] = {1, 2, 3, 7, 10, 15, 16, 17, 33, 100, 1000, 4096};
  char name[64];
  for (size_t k = 0; k < sizeof cols / sizeof *cols; k++) {
    fill(a, N, 3 + k);
    for (int64_t i = 0; i < N; i++) /* mostly finite rows */
      if (!(a[i] > -100 && a[i] < 100) && i % 977) a[i] = -1;
    int64_t count = N / cols[k];
    bfb_softmax(v->isa, a, y, count, cols[k]);
    snprintf(name, sizeof name, "Softmax/%lld", (long long)cols[k]);
    show(name, v, y, (size_t)(count * cols[k]) * sizeof(float));
  }
}

static void batch_norm(const bfb_variant* v) {
  static const int64_t channels[] = {1, 2, 3, 5, 16, 20, 33, 64};
  static double wide[3 * 16 * 64], s[64], q[64], repeated[3][64 * 7];
  char name[64];
  uint32_t before = bfb_get_mxcsr();
  for (size_t k = 0; k < sizeof channels / sizeof *channels; k++) {
    int64_t c = channels[k], n = 1237 * c;
    int group = 16;
    while (group > 1 && group / 2 * c % 16 == 0) group /= 2;
    fill(a, n, 20 + k);
    fill(b, n, 40 + k);
    for (int64_t i = 0; i < n; i++) {
      if (!(a[i] > -100 && a[i] < 100)) a[i] = 0.5f;
      if (!(b[i] > -100 && b[i] < 100)) b[i] = 0.25f;
    }
    bfb_set_mxcsr(BFB_MXCSR);
    for (int gradient = 0; gradient < 2; gradient++) {
      v->bn_sums(a, gradient ? b : NULL, a, 1237, c, group, wide, s, q);
      snprintf(name, sizeof name, "bn_sums/%lld/%d", (long long)c, gradient);
      show(name, v, s, (size_t)c * sizeof(double));
      show(name, v, q, (size_t)c * sizeof(double));
    }
    for (int64_t i = 0; i < 7 * c; i++)
      for (int m = 0; m < 3; m++) repeated[m][i] = s[i % c] * (m + 1) + q[i % c] * 1e-3;
    v->bn_apply(a, y, n, 7 * c, repeated[0], repeated[1]);
    snprintf(name, sizeof name, "bn_apply/%lld", (long long)c);
    show(name, v, y, (size_t)n * sizeof(float));
    v->bn_apply_grad(b, a, y, n, 7 * c, repeated[0], repeated[1], repeated[2]);
    show(name, v, y, (size_t)n * sizeof(float));
    bfb_set_mxcsr(before);
  }
}

/* The fixed-order product against one chain of fma per element, all transposes; also in two halves. */
static void product(const bfb_variant* v) {
  static float panel[101 * 32], c[37 * 45], chain[37 * 45];
  const int64_t m = 37, n = 45, depth = 101;
  uint32_t before = bfb_get_mxcsr();
  bfb_set_mxcsr(BFB_MXCSR);
  for (int transposed = 0; transposed < 4; transposed++) {
    for (int64_t i = 0; i < 101 * 64; i++) a[i] = (float)(int32_t)next() * 0x1p-30f, b[i] = (float)(int32_t)next() * 0x1p-30f;
    int ta = transposed & 1, tb = transposed >> 1;
    bfb_product p = {a, b, c, m, n, depth, ta ? 1 : depth, ta ? m : 1, tb ? 1 : n, tb ? depth : 1};
    v->matmul(&p, 0, 20, 0, n, panel);
    v->matmul(&p, 20, m, 0, 32, panel);
    v->matmul(&p, 20, m, 32, n, panel);
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        float sum = 0;
        for (int64_t k = 0; k < depth; k++)
          sum = __builtin_fmaf(a[i * p.a_row + k * p.a_k], b[k * p.b_k + j * p.b_column], sum);
        chain[i * n + j] = sum;
      }
    show(memcmp(c, chain, sizeof c) ? "matmul_is_not_its_chain" : "matmul", v, c, sizeof c);
  }
  bfb_set_mxcsr(before);
}

static void conversions(const bfb_variant* v) {
  uint16_t* narrow = (uint16_t*)(void*)b;
  uint32_t before = bfb_get_mxcsr();
  bfb_set_mxcsr(BFB_MXCSR);
  for (int i = 0; i < 65536; i++) narrow[i] = (uint16_t)i;
  v->half_to_float(narrow, y, 65536);
  show("half_to_float", v, y, 65536 * sizeof(float));
  v->float_to_half(y, narrow, 65536);
  show("half_round_trip", v, narrow, 65536 * 2);
  fill(a, N, 5);
  v->float_to_half(a, narrow, N);
  show("float_to_half", v, narrow, N * 2);
  v->float_to_bfloat(a, narrow, N);
  show("float_to_bfloat", v, narrow, N * 2);
  v->bfloat_to_float(narrow, y, N);
  show("bfloat_to_float", v, y, N * sizeof(float));
  bfb_set_mxcsr(before);
}

uint64_t bfb_fingerprint_without(const void* data, int64_t bytes); /* the same file, compiled without AVX2 */

/* Every length up to some blocks, at every alignment, with AVX2 and without. */
static void fingerprints(const bfb_variant* v) {
  uint64_t(*of[])(const void*, int64_t) = {bfb_fingerprint, bfb_fingerprint_without};
  const char* bytes = (const char*)a;
  uint64_t* found = (uint64_t*)(void*)y;
  fill(a, N, 6);
  for (int k = 0; k < 2; k++) {
    for (int64_t n = 0; n < 4200; n++) found[n] = of[k](bytes + n % 64, n);
    found[4200] = of[k](bytes, N * sizeof(float));
    show("fingerprint", v, found, 4201 * sizeof *found);
  }
}

int main(int count, char** argument) {
  uint32_t id[4];
  bfb_cpuid(1, 0, id);
  printf("cpu %08x\n", id[0]);
  bfb_set_threads(count > 1 ? atoi(argument[1]) : 1);
  a = malloc(N * sizeof(float));
  b = malloc(N * sizeof(float));
  y = malloc(N * sizeof(float));
  const char* widths[] = {"avx2", "avx512"};
  for (int w = 0; w < 2; w++) {
    const bfb_variant* v = bfb_find_variant(widths[w]);
    if (v == NULL) continue;
    elementwise(v);
    rows(v);
    batch_norm(v);
    state = 99;
    product(v);
    conversions(v);
    fingerprints(v);
  }
  free(a);
  free(b);
  free(y);
  return 0;
}
