/* Elementwise ops of one input: any shape, float32, half, bfloat16. */
#include <stdlib.h>

#include "op.h"

/* Waking another thread takes as long as a hundred thousand of the cheap functions, as ten thousand of the others. */
enum { GRAIN = 16384, CHEAP_GRAIN = 131072, PIECE = 1024 };

typedef struct {
  bfb_map1 function;
  const bfb_tensor *in, *out;
} unary_job;

static void unary_body(void* arg, int64_t begin, int64_t end) {
  const unary_job* job = arg;
  if (job->in->dtype == TF_FLOAT) {
    job->function((const float*)job->in->data + begin, (float*)job->out->data + begin, end - begin);
    return;
  }
  float piece[PIECE];
  for (int64_t i = begin; i < end; i += PIECE) {
    int64_t n = end - i < PIECE ? end - i : PIECE;
    bfb_load(job->in, i, n, piece);
    job->function(piece, piece, n);
    bfb_store(job->out, i, n, piece);
  }
}

/* What a kernel keeps: one function for each choice of `bfb_variant_for`. */
typedef struct {
  bfb_map1 narrow, wide;
  int64_t grain;
} functions;

static void* find(const char* name, int64_t grain) {
  functions* f = malloc(sizeof *f);
  f->grain = grain;
  f->narrow = bfb_find_unary(bfb_variant_for(0), name);
  f->wide = bfb_find_unary(bfb_active(), name);
  return f;
}

static void compute(void* kernel, TF_OpKernelContext* ctx) {
  const functions* f = kernel;
  bfb_call call = bfb_begin(ctx);
  bfb_tensor in, out;
  bfb_input(&call, 0, &in);
  bfb_output_like(&call, &in, &out);
  if (bfb_ok(&call)) {
    unary_job job = {bfb_variant_for(in.count) == bfb_active() ? f->wide : f->narrow, &in, &out};
    bfb_parallel_for(in.count, f->grain, unary_body, &job);
  }
  bfb_release(&in);
  bfb_release(&out);
  bfb_end(&call);
}

#define UNARY(op, grain)                                      \
  static void* create_##op(TF_OpKernelConstruction* ctx) {    \
    (void)ctx;                                                \
    return find(#op, grain);                                  \
  }
UNARY(Rsqrt, CHEAP_GRAIN)
UNARY(Reciprocal, CHEAP_GRAIN)
UNARY(Inv, CHEAP_GRAIN)
UNARY(Erfc, GRAIN)
UNARY(Atan, GRAIN)
UNARY(Ndtri, GRAIN)
UNARY(Erfinv, GRAIN)

#define ROW(name) .op = #name, .create = create_##name, .compute = compute, .destroy = free
#define FLOATS {TF_FLOAT, TF_HALF, TF_BFLOAT16}
const bfb_op_row bfb_unary_ops[] = {
    {ROW(Rsqrt), .dtypes = FLOATS},
    {ROW(Reciprocal), .dtypes = FLOATS},
    {ROW(Inv), .dtypes = FLOATS},
    {ROW(Erfc), .dtypes = FLOATS},
    {ROW(Atan), .dtypes = FLOATS},
    {ROW(Ndtri), .dtypes = {TF_FLOAT}},
    {ROW(Erfinv), .dtypes = {TF_FLOAT}},
    {.op = 0},
};
