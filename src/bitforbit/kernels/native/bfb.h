/* The C interface that Python reads back through ctypes, and what the kernel files share.
 *
 * One rule holds for every kernel: an output element is a fixed sequence of IEEE operations (add, subtract, multiply,
 * divide, square root, fma) on its inputs, chosen by shapes alone.  Vector width, alignment, threads and the caller's
 * floating point mode therefore cannot change a bit.
 */
#ifndef BFB_H
#define BFB_H

#include <stdint.h>

#define BFB_ABI_VERSION 1
#define BFB_API __attribute__((visibility("default")))

/* api.c */
BFB_API int bfb_abi_version(void);
BFB_API const char* bfb_stamp(void);      /* hash of sources, flags and TensorFlow version: set by build.py */
BFB_API const char* bfb_isa(void);        /* "avx512", "avx2", or "none" where the CPU is below x86-64-v3 */
BFB_API void bfb_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]); /* eax, ebx, ecx, edx as this process sees them */
BFB_API uint32_t bfb_get_mxcsr(void);     /* of the calling thread */
BFB_API void bfb_set_mxcsr(uint32_t value);
/* Run one function of the table without TensorFlow: 0, or -1 for an unknown name.  `isa` NULL is the chosen one. */
BFB_API int bfb_unary(const char* name, const char* isa, const float* x, float* y, int64_t n);
BFB_API int bfb_binary(const char* name, const char* isa, const float* a, const float* b, float* y, int64_t n);
BFB_API int bfb_softmax(const char* isa, const float* x, float* y, int64_t rows, int64_t cols);

/* pool.c */
BFB_API int bfb_set_threads(int threads); /* pool size, the caller included; returns the size now in force */
BFB_API int bfb_threads(void);

/* register.c */
BFB_API int bfb_register(void);           /* idempotent; number of kernels, or -1 (see bfb_error) */
BFB_API int bfb_kernel_count(void);       /* kernels registered so far */
BFB_API const char* bfb_kernel_name(int index); /* "Rsqrt/float32" */
BFB_API const char* bfb_error(void);

/* op_digest.c, digest_ring.c: the ops of traces, which change nothing */
typedef void (*bfb_on_full)(int stream);
BFB_API int bfb_digest_register(void);             /* idempotent; 0, or -1 where TensorFlow refuses */
BFB_API uint64_t bfb_fingerprint(const void* data, int64_t bytes); /* XXH3-64 */
BFB_API int bfb_digest_open(int64_t columns);      /* a new stream of rows; its number, or -1 */
BFB_API void bfb_digest_keep(int stream);          /* also hold the tensors of the last step */
BFB_API const void* bfb_digest_kept(int stream, int64_t column, int* rank, int64_t* dims /* 254 */, int64_t* bytes);
BFB_API void bfb_digest_close(int stream);
BFB_API int64_t bfb_digest_steps(int stream);      /* begun so far, written or not */
BFB_API void bfb_digest_wait(void);                /* until every step that was begun is written */
BFB_API int64_t bfb_digest_take(int stream, int64_t* rows); /* moves what is new, 64 rows at most; how many */
BFB_API void bfb_digest_on_full(bfb_on_full);      /* called, by any thread, before a row finds no place */

/* Shared inside the library. */
enum { BFB_MXCSR = 0x9fc0 }; /* round to nearest, every exception masked, flush-to-zero, denormals-are-zero */

/* Splits [0, n) into pieces that begin at multiples of `grain`; `body` must write only outputs of its own piece. */
typedef void (*bfb_body)(void* arg, int64_t begin, int64_t end);
void bfb_parallel_for(int64_t n, int64_t grain, bfb_body body, void* arg);

/* Everything that computes, once per vector width (see variant.h). */
typedef void (*bfb_map1)(const float* x, float* y, int64_t n);
typedef void (*bfb_map2)(const float* a, const float* b, float* y, int64_t n);
enum { BFB_SOFTMAX_BLOCK = 4096 }; /* part of the definition of a long row's sum: changing it changes bits */

typedef struct {
  const char* name;
  bfb_map1 function;
} bfb_unary_row;

typedef struct {
  const char* name;
  bfb_map2 function;
} bfb_binary_row;

/* C (m x n, rows together) = A B over `depth`; element (i, k) of A is a[i * a_row + k * a_k], (k, j) of B likewise. */
typedef struct {
  const float *a, *b;
  float* c;
  int64_t m, n, depth, a_row, a_k, b_k, b_column;
} bfb_product;

typedef struct {
  const char* isa;
  const bfb_unary_row* unary;   /* ends with a NULL name */
  const bfb_binary_row* binary; /* ends with a NULL name */
  void (*half_to_float)(const uint16_t* x, float* y, int64_t n);
  void (*float_to_half)(const float* x, uint16_t* y, int64_t n);
  void (*bfloat_to_float)(const uint16_t* x, float* y, int64_t n);
  void (*float_to_bfloat)(const float* x, uint16_t* y, int64_t n);
  float (*row_max)(const float* x, int64_t n);
  double (*exp_sum)(const float* x, float shift, float* e, int64_t n); /* e = exp(x - shift) 2^24; fixed-order sum */
  void (*divide)(const float* e, float sum, float* y, int64_t n);      /* y = e / sum 2^-24 */
  void (*bn_sums)(const float* x, const float* dy, const float* pivot, int64_t rows, int64_t channels, int group,
                  double* wide, double* s, double* q);
  void (*bn_apply)(const float* x, float* y, int64_t count, int64_t width, const double* a, const double* b);
  void (*bn_apply_grad)(const float* dy, const float* x, float* dx, int64_t count, int64_t width, const double* a,
                        const double* b, const double* c);
  void (*matmul)(const bfb_product* p, int64_t row0, int64_t row1, int64_t column0, int64_t column1, float* panel);
  void (*softmax_rows)(const float* x, float* y, int64_t rows, int64_t cols); /* cols <= BFB_SOFTMAX_BLOCK */
} bfb_variant;

extern const bfb_variant bfb_variant_avx2, bfb_variant_avx512;
const bfb_variant* bfb_active(void); /* NULL below x86-64-v3 */
/* For so many elements: 512-bit units take longer to wake than a small tensor takes, and the bits are the same. */
const bfb_variant* bfb_variant_for(int64_t elements);
const bfb_variant* bfb_find_variant(const char* isa);
bfb_map1 bfb_find_unary(const bfb_variant* v, const char* name);
bfb_map2 bfb_find_binary(const bfb_variant* v, const char* name);

#endif
