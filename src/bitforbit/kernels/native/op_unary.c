/* Elementwise ops of one input: any shape, float32, half, bfloat16. */
#include "op.h"

enum { GRAIN = 8192, PIECE = 1024 };

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

static void unary(const char* name, TF_OpKernelContext* ctx) {
  bfb_call call = bfb_begin(ctx);
  bfb_tensor in, out;
  bfb_input(&call, 0, &in);
  bfb_output_like(&call, &in, &out);
  if (bfb_ok(&call)) {
    unary_job job = {bfb_find_unary(bfb_variant_for(in.count), name), &in, &out};
    bfb_parallel_for(in.count, GRAIN, unary_body, &job);
  }
  bfb_release(&in);
  bfb_release(&out);
  bfb_end(&call);
}

#define UNARY(op)                                                  \
  static void compute_##op(void* kernel, TF_OpKernelContext* ctx) { \
    (void)kernel;                                                  \
    unary(#op, ctx);                                               \
  }
UNARY(Rsqrt)
UNARY(Reciprocal)
UNARY(Inv)
UNARY(Erfc)
UNARY(Atan)
UNARY(Ndtri)
UNARY(Erfinv)

#define FLOATS {TF_FLOAT, TF_HALF, TF_BFLOAT16}
const bfb_op_row bfb_unary_ops[] = {
    {.op = "Rsqrt", .dtypes = FLOATS, .compute = compute_Rsqrt},
    {.op = "Reciprocal", .dtypes = FLOATS, .compute = compute_Reciprocal},
    {.op = "Inv", .dtypes = FLOATS, .compute = compute_Inv},
    {.op = "Erfc", .dtypes = FLOATS, .compute = compute_Erfc},
    {.op = "Atan", .dtypes = FLOATS, .compute = compute_Atan},
    {.op = "Ndtri", .dtypes = {TF_FLOAT}, .compute = compute_Ndtri},
    {.op = "Erfinv", .dtypes = {TF_FLOAT}, .compute = compute_Erfinv},
    {.op = 0},
};
