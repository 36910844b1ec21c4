/* Softmax over the last dimension: float32, half, bfloat16 (computed in float32, rounded once). */
#include <stdlib.h>

#include "op.h"

enum { GRAIN_ELEMENTS = 16384 };

typedef struct {
  const bfb_variant* v;
  const bfb_tensor *in, *out;
  int64_t cols;
} rows_job;

/* Short rows: [begin, end) counts rows. */
static void short_rows(void* arg, int64_t begin, int64_t end) {
  const rows_job* job = arg;
  int64_t cols = job->cols;
  if (job->in->dtype == TF_FLOAT) {
    job->v->softmax_rows((const float*)job->in->data + begin * cols, (float*)job->out->data + begin * cols,
                               end - begin, cols);
    return;
  }
  float piece[BFB_SOFTMAX_BLOCK];
  int64_t group = BFB_SOFTMAX_BLOCK / cols;
  for (int64_t r = begin; r < end; r += group) {
    int64_t count = end - r < group ? end - r : group;
    bfb_load(job->in, r * cols, count * cols, piece);
    job->v->softmax_rows(piece, piece, count, cols);
    bfb_store(job->out, r * cols, count * cols, piece);
  }
}

typedef struct {
  const float* x;
  float *y, *maxima, shift, divisor;
  double* sums;
  int64_t cols;
} long_job;

#define FOR_BLOCKS(job, b, at, n)                                                                      \
  for (int64_t b = begin; b < end; b++)                                                                \
    for (int64_t at = b * BFB_SOFTMAX_BLOCK,                                                           \
                 n = job->cols - at < BFB_SOFTMAX_BLOCK ? job->cols - at : BFB_SOFTMAX_BLOCK, once = 1; \
         once; once = 0)

static void block_max(void* arg, int64_t begin, int64_t end) {
  long_job* job = arg;
  FOR_BLOCKS(job, b, at, n) job->maxima[b] = bfb_active()->row_max(job->x + at, n);
}
static void block_exp(void* arg, int64_t begin, int64_t end) {
  long_job* job = arg;
  FOR_BLOCKS(job, b, at, n) job->sums[b] = bfb_active()->exp_sum(job->x + at, job->shift, job->y + at, n);
}
static void block_divide(void* arg, int64_t begin, int64_t end) {
  long_job* job = arg;
  FOR_BLOCKS(job, b, at, n) bfb_active()->divide(job->y + at, job->divisor, job->y + at, n);
}

/* One row longer than a block: the blocks' sums are added in order, whoever computed them. */
static void long_row(long_job* job) {
  int64_t blocks = (job->cols + BFB_SOFTMAX_BLOCK - 1) / BFB_SOFTMAX_BLOCK;
  bfb_parallel_for(blocks, 2, block_max, job);
  job->shift = bfb_active()->row_max(job->maxima, blocks);
  bfb_parallel_for(blocks, 2, block_exp, job);
  double sum = 0;
  for (int64_t b = 0; b < blocks; b++) sum += job->sums[b];
  job->divisor = (float)sum;
  bfb_parallel_for(blocks, 2, block_divide, job);
}

static int long_rows(const bfb_tensor* in, const bfb_tensor* out, int64_t rows, int64_t cols) {
  int64_t blocks = (cols + BFB_SOFTMAX_BLOCK - 1) / BFB_SOFTMAX_BLOCK;
  int narrow = in->dtype != TF_FLOAT;
  char* memory = malloc((size_t)blocks * 12 + (narrow ? (size_t)cols * 4 : 0));
  if (memory == NULL) return 0;
  long_job job = {.cols = cols, .sums = (double*)memory, .maxima = (float*)(memory + blocks * 8)};
  float* row = (float*)(memory + blocks * 12);
  for (int64_t r = 0; r < rows; r++) {
    job.x = narrow ? row : (const float*)in->data + r * cols;
    job.y = narrow ? row : (float*)out->data + r * cols;
    if (narrow) bfb_load(in, r * cols, cols, row);
    long_row(&job);
    if (narrow) bfb_store(out, r * cols, cols, row);
  }
  free(memory);
  return 1;
}

static void compute_softmax(void* kernel, TF_OpKernelContext* ctx) {
  (void)kernel;
  bfb_call call = bfb_begin(ctx);
  bfb_tensor in, out;
  bfb_input(&call, 0, &in);
  if (bfb_ok(&call) && in.rank < 1) bfb_fail(&call, "logits must have >= 1 dimension, got []");
  bfb_output_like(&call, &in, &out);
  if (bfb_ok(&call) && in.count > 0) {
    int64_t cols = in.dims[in.rank - 1], rows = in.count / cols;
    if (cols <= BFB_SOFTMAX_BLOCK) {
      rows_job job = {bfb_variant_for(in.count), &in, &out, cols};
      bfb_parallel_for(rows, (GRAIN_ELEMENTS + cols - 1) / cols, short_rows, &job);
    } else if (!long_rows(&in, &out, rows, cols)) {
      TF_SetStatus(call.status, TF_RESOURCE_EXHAUSTED, "no memory for the softmax of a long row");
    }
  }
  bfb_release(&in);
  bfb_release(&out);
  bfb_end(&call);
}

const bfb_op_row bfb_softmax_ops[] = {
    {.op = "Softmax", .dtypes = {TF_FLOAT, TF_HALF, TF_BFLOAT16}, .compute = compute_softmax},
    {.op = 0},
};
