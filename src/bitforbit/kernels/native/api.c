/* What Python reads back: identity, chosen vector width, CPUID, floating point mode; and the functions for tests. */
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

#include "bfb.h"

#ifndef BFB_STAMP
#define BFB_STAMP "unstamped"
#endif

int bfb_abi_version(void) { return BFB_ABI_VERSION; }
const char* bfb_stamp(void) { return BFB_STAMP; }

uint32_t bfb_get_mxcsr(void) { return _mm_getcsr(); }
void bfb_set_mxcsr(uint32_t value) { _mm_setcsr(value); }

void bfb_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  __cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
}

/* __builtin_cpu_supports also asks the operating system whether it saves the wide registers. */
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("f16c") && __builtin_cpu_supports("movbe") && __builtin_cpu_supports("lzcnt");
}

static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

const bfb_variant* bfb_find_variant(const char* isa) {
  if (isa == NULL) return bfb_active();
  if (strcmp(isa, "avx2") == 0 && has_avx2()) return &bfb_variant_avx2;
  if (strcmp(isa, "avx512") == 0 && has_avx512()) return &bfb_variant_avx512;
  return NULL;
}

const bfb_variant* bfb_active(void) {
  static const bfb_variant* active;
  static int decided;
  if (!__atomic_load_n(&decided, __ATOMIC_ACQUIRE)) {
    const char* forced = getenv("BITFORBIT_KERNEL_ISA");
    const bfb_variant* choice = has_avx512() ? &bfb_variant_avx512 : has_avx2() ? &bfb_variant_avx2 : NULL;
    if (choice && forced && strcmp(forced, "avx2") == 0) choice = &bfb_variant_avx2;
    active = choice;
    __atomic_store_n(&decided, 1, __ATOMIC_RELEASE);
  }
  return active;
}

const bfb_variant* bfb_variant_for(int64_t elements) {
  return elements < 16384 ? &bfb_variant_avx2 : bfb_active();
}

const char* bfb_isa(void) {
  const bfb_variant* v = bfb_active();
  return v ? v->isa : "none";
}

bfb_map1 bfb_find_unary(const bfb_variant* v, const char* name) {
  for (const bfb_unary_row* row = v->unary; row->name; row++)
    if (strcmp(row->name, name) == 0) return row->function;
  return NULL;
}

bfb_map2 bfb_find_binary(const bfb_variant* v, const char* name) {
  for (const bfb_binary_row* row = v->binary; row->name; row++)
    if (strcmp(row->name, name) == 0) return row->function;
  return NULL;
}

/* The three below run on the pool, as the ops do. */
typedef struct {
  bfb_map1 one;
  bfb_map2 two;
  const bfb_variant* v;
  const float *a, *b;
  float* y;
  int64_t cols;
} direct_job;

static void direct_body(void* arg, int64_t begin, int64_t end) {
  const direct_job* job = arg;
  if (job->one)
    job->one(job->a + begin, job->y + begin, end - begin);
  else if (job->two)
    job->two(job->a + begin, job->b + begin, job->y + begin, end - begin);
  else
    job->v->softmax_rows(job->a + begin * job->cols, job->y + begin * job->cols, end - begin, job->cols);
}

static int direct(direct_job job, int64_t n, int64_t grain) {
  uint32_t before = bfb_get_mxcsr();
  bfb_set_mxcsr(BFB_MXCSR);
  bfb_parallel_for(n, grain, direct_body, &job);
  bfb_set_mxcsr(before);
  return 0;
}

int bfb_unary(const char* name, const char* isa, const float* x, float* y, int64_t n) {
  const bfb_variant* v = bfb_find_variant(isa);
  bfb_map1 function = v ? bfb_find_unary(v, name) : NULL;
  return function ? direct((direct_job){.one = function, .a = x, .y = y}, n, 8192) : -1;
}

int bfb_binary(const char* name, const char* isa, const float* a, const float* b, float* y, int64_t n) {
  const bfb_variant* v = bfb_find_variant(isa);
  bfb_map2 function = v ? bfb_find_binary(v, name) : NULL;
  return function ? direct((direct_job){.two = function, .a = a, .b = b, .y = y}, n, 8192) : -1;
}

int bfb_softmax(const char* isa, const float* x, float* y, int64_t rows, int64_t cols) {
  const bfb_variant* v = bfb_find_variant(isa);
  if (v == NULL || cols < 1 || cols > BFB_SOFTMAX_BLOCK) return -1;
  return direct((direct_job){.v = v, .a = x, .y = y, .cols = cols}, rows, 8192 / cols + 1);
}
