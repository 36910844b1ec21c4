/* Elementwise ops of two inputs with broadcasting: float32, half, bfloat16. */
#include <stdlib.h>
#include <string.h>

#include "op.h"

enum { GRAIN = 8192, PIECE = 1024 };

typedef struct {
  bfb_map2 function;
  const bfb_tensor *a, *b, *out;
  int rank;
  int64_t *dims, *step_a, *step_b; /* steps in elements, 0 where an input repeats */
} binary_job;

/* n elements of t from `at`, or one element n times. */
static void take(const bfb_tensor* t, int64_t at, int64_t step, int64_t n, float* to) {
  bfb_load(t, at, step ? n : 1, to);
  for (int64_t i = 1; step == 0 && i < n; i++) to[i] = to[0];
}

/* [begin, end) counts elements of the output; each run lies within one row of the last dimension. */
static void binary_body(void* arg, int64_t begin, int64_t end) {
  const binary_job* job = arg;
  const int last = job->rank - 1;
  float a[PIECE], b[PIECE], y[PIECE];
  for (int64_t i = begin; i < end;) {
    int64_t rest = i, at_a = 0, at_b = 0, column = i % job->dims[last];
    for (int d = last; d >= 0; d--) {
      int64_t index = rest % job->dims[d];
      rest /= job->dims[d];
      at_a += index * job->step_a[d];
      at_b += index * job->step_b[d];
    }
    int64_t n = job->dims[last] - column;
    n = n < end - i ? n : end - i;
    n = n < PIECE ? n : PIECE;
    take(job->a, at_a, job->step_a[last], n, a);
    take(job->b, at_b, job->step_b[last], n, b);
    job->function(a, b, y, n);
    bfb_store(job->out, i, n, y);
    i += n;
  }
}

/* The common shape, right-aligned; 0 where a dimension fits neither. */
static int broadcast(const bfb_tensor* a, const bfb_tensor* b, binary_job* job) {
  int64_t size_a = 1, size_b = 1;
  for (int d = job->rank - 1, i = a->rank - 1, j = b->rank - 1; d >= 0; d--, i--, j--) {
    int64_t na = i >= 0 ? a->dims[i] : 1, nb = j >= 0 ? b->dims[j] : 1;
    if (na != nb && na != 1 && nb != 1) return 0;
    job->dims[d] = na == 1 ? nb : na;
    job->step_a[d] = na == 1 ? 0 : size_a;
    job->step_b[d] = nb == 1 ? 0 : size_b;
    size_a *= na;
    size_b *= nb;
  }
  return 1;
}

static void binary(const char* name, TF_OpKernelContext* ctx) {
  bfb_call call = bfb_begin(ctx);
  bfb_tensor a, b, out;
  b.tensor = out.tensor = NULL;
  bfb_input(&call, 0, &a);
  bfb_input(&call, 1, &b);
  int64_t space[3 * BFB_MAX_RANK];
  if (bfb_ok(&call)) {
    int rank = a.rank > b.rank ? a.rank : b.rank;
    binary_job job = {bfb_find_binary(bfb_active(), name), &a, &b, &out, rank, space, space + rank, space + 2 * rank};
    char left[256], right[256];
    if (broadcast(&a, &b, &job))
      bfb_output(&call, 0, a.dtype, job.dims, rank, &out);
    else
      bfb_fail(&call, "Incompatible shapes: %s vs. %s", bfb_shape_text(&a, left, sizeof left),
               bfb_shape_text(&b, right, sizeof right));
    int flat = a.count == b.count && a.count == out.count; /* no repetition: one long row */
    if (rank == 0 || flat) {
      job.rank = 1;
      job.dims[0] = bfb_ok(&call) ? out.count : 0;
      job.step_a[0] = job.step_b[0] = 1;
    }
    if (bfb_ok(&call)) bfb_parallel_for(out.count, GRAIN, binary_body, &job);
  }
  bfb_release(&a);
  bfb_release(&b);
  bfb_release(&out);
  bfb_end(&call);
}

static void compute_atan2(void* kernel, TF_OpKernelContext* ctx) {
  (void)kernel;
  binary("Atan2", ctx);
}

const bfb_op_row bfb_binary_ops[] = {
    {.op = "Atan2", .dtypes = {TF_FLOAT, TF_HALF, TF_BFLOAT16}, .compute = compute_atan2},
    {.op = 0},
};
