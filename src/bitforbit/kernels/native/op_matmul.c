/* MatMul, float32, by the fixed-order product.  Registered only where BITFORBIT_MATMUL=1 (see docs/kernels.md). */
#include <stdlib.h>
#include <string.h>

#include "op.h"

enum { BLOCK_ROWS = 48, BLOCK_COLUMNS = 64, SMALL = 1 << 16 };

typedef struct {
  const bfb_variant* v;
  const bfb_product* p;
  int64_t column_blocks;
  int failed;
} product_job;

static void product_body(void* arg, int64_t begin, int64_t end) {
  product_job* job = arg;
  const bfb_product* p = job->p;
  float* panel = malloc((size_t)(p->depth > 0 ? p->depth : 1) * 32 * sizeof(float));
  if (panel == NULL) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  /* Neighbouring blocks of one column band run as one, so that a copied panel serves all of their rows. */
  const int64_t row_blocks = (p->m + BLOCK_ROWS - 1) / BLOCK_ROWS;
  for (int64_t at = begin; at < end;) {
    int64_t band = at / row_blocks, first = at % row_blocks, last = row_blocks < first + end - at ? row_blocks : first + end - at;
    int64_t row1 = last * BLOCK_ROWS < p->m ? last * BLOCK_ROWS : p->m;
    int64_t column1 = (band + 1) * BLOCK_COLUMNS < p->n ? (band + 1) * BLOCK_COLUMNS : p->n;
    job->v->matmul(p, first * BLOCK_ROWS, row1, band * BLOCK_COLUMNS, column1, panel);
    at += last - first;
  }
  free(panel);
}

int bfb_multiply(const bfb_variant* v, const bfb_product* p) {
  int64_t bands = (p->n + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS, rows = (p->m + BLOCK_ROWS - 1) / BLOCK_ROWS;
  product_job job = {v, p, bands, 0};
  int small = p->m * p->n * p->depth < SMALL * 8;
  if (p->m > 0 && p->n > 0) bfb_parallel_for(bands * rows, small ? bands * rows : 1, product_body, &job);
  return !job.failed;
}

typedef struct {
  int transpose_a, transpose_b;
} flags;

static void* create(TF_OpKernelConstruction* ctx) {
  flags* k = calloc(1, sizeof *k);
  TF_Status* status = TF_NewStatus();
  unsigned char a = 0, b = 0;
  TF_OpKernelConstruction_GetAttrBool(ctx, "transpose_a", &a, status);
  TF_OpKernelConstruction_GetAttrBool(ctx, "transpose_b", &b, status);
  k->transpose_a = a;
  k->transpose_b = b;
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(ctx, status);
  TF_DeleteStatus(status);
  return k;
}

static void compute(void* kernel, TF_OpKernelContext* ctx) {
  const flags* k = kernel;
  bfb_call call = bfb_begin(ctx);
  bfb_tensor a, b, c;
  char left[256], right[256];
  b.tensor = c.tensor = NULL;
  bfb_input(&call, 0, &a);
  bfb_input(&call, 1, &b);
  if (bfb_ok(&call)) {
    bfb_shape_text(&a, left, sizeof left);
    bfb_shape_text(&b, right, sizeof right);
    if (a.rank != 2 || b.rank != 2)
      bfb_fail(&call, "In[0] and In[1] has different ndims: %s vs. %s", left, right);
    else if (a.dims[!k->transpose_a] != b.dims[k->transpose_b])
      bfb_fail(&call, "Matrix size-incompatible: In[0]: %s, In[1]: %s", left, right);
  }
  if (bfb_ok(&call)) {
    int64_t dims[2] = {a.dims[k->transpose_a], b.dims[!k->transpose_b]};
    bfb_output(&call, 0, TF_FLOAT, dims, 2, &c);
    bfb_product p = {a.data, b.data, c.data, dims[0], dims[1], a.dims[!k->transpose_a],
                     k->transpose_a ? 1 : a.dims[1], k->transpose_a ? a.dims[1] : 1,
                     k->transpose_b ? 1 : b.dims[1], k->transpose_b ? b.dims[1] : 1};
    if (bfb_ok(&call) && !bfb_multiply(bfb_variant_for(p.m * p.n * p.depth), &p))
      TF_SetStatus(call.status, TF_RESOURCE_EXHAUSTED, "no memory for a panel of the matrix product");
  }
  bfb_release(&a);
  bfb_release(&b);
  bfb_release(&c);
  bfb_end(&call);
}

const bfb_op_row bfb_matmul_ops[] = {
    {.op = "MatMul", .dtypes = {TF_FLOAT}, .create = create, .compute = compute, .destroy = free},
    {.op = 0},
};
