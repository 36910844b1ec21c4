/* _UnaryOpsComposition: what Grappler makes of a chain of unary ops (float32 and half).
 *
 * It is defined here as the chain itself, so that fusing changes no bit.  Where every part is ours or a single IEEE
 * operation, the chain runs piece by piece in one pass.  Otherwise the parts run one after another as ordinary ops, through
 * the public eager API: ours where we replace them, TensorFlow's own where they are the same on every CPU.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"
#include "tensorflow/c/eager/c_api.h"

enum { PIECE = 2048, GRAIN = 8192 };

typedef struct {
  int parts;
  int ours; /* every part is in the table of elementwise functions */
  bfb_map1* function;
  char** name; /* each ends with a zero, in `storage` */
  char* storage;
} composition;

/* ---- parts as ordinary ops ---- */

static TFE_Context* eager;
static pthread_once_t eager_once = PTHREAD_ONCE_INIT;

/* A context of its own, with no GPU and one scheduling thread; kernels still share TensorFlow's one compute pool. */
static void start_eager(void) {
  static const char config[] = {0x0a, 0x07, 0x0a, 0x03, 'G', 'P', 'U', 0x10, 0x00, 0x28, 0x01};
  TF_Status* status = TF_NewStatus();
  TFE_ContextOptions* options = TFE_NewContextOptions();
  TFE_ContextOptionsSetConfig(options, config, sizeof config, status);
  if (TF_GetCode(status) == TF_OK) eager = TFE_NewContext(options, status);
  TFE_DeleteContextOptions(options);
  TF_DeleteStatus(status);
}

static TFE_TensorHandle* run_op(const char* name, TFE_TensorHandle* input, TF_Status* status) {
  TFE_TensorHandle* output = NULL;
  int outputs = 1;
  TFE_Op* op = TFE_NewOp(eager, name, status);
  if (op) TFE_OpAddInput(op, input, status);
  if (TF_GetCode(status) == TF_OK) TFE_Execute(op, &output, &outputs, status);
  if (op) TFE_DeleteOp(op);
  return output;
}

static void run_parts(bfb_call* call, const composition* c, const bfb_tensor* in) {
  pthread_once(&eager_once, start_eager);
  if (eager == NULL) {
    TF_SetStatus(call->status, TF_INTERNAL, "no eager context for the parts of _UnaryOpsComposition");
    return;
  }
  TFE_TensorHandle* handle = TFE_NewTensorHandle(in->tensor, call->status);
  for (int i = 0; i < c->parts && bfb_ok(call); i++) {
    TFE_TensorHandle* next = run_op(c->name[i], handle, call->status);
    TFE_DeleteTensorHandle(handle);
    handle = next;
  }
  TF_Tensor* result = bfb_ok(call) ? TFE_TensorHandleResolve(handle, call->status) : NULL;
  if (bfb_ok(call)) TF_SetOutput(call->ctx, 0, result, call->status);
  if (result) TF_DeleteTensor(result);
  if (handle) TFE_DeleteTensorHandle(handle);
}

/* ---- parts in one pass ---- */

typedef struct {
  const composition* c;
  const bfb_tensor *in, *out;
} pass_job;

static void pass(void* arg, int64_t begin, int64_t end) {
  const pass_job* job = arg;
  float piece[PIECE];
  uint16_t narrow[PIECE];
  for (int64_t i = begin; i < end; i += PIECE) {
    int64_t n = end - i < PIECE ? end - i : PIECE;
    bfb_load(job->in, i, n, piece);
    for (int k = 0; k < job->c->parts; k++) {
      job->c->function[k](piece, piece, n);
      if (job->in->dtype == TF_HALF && k + 1 < job->c->parts) { /* each op of the chain rounds its result */
        bfb_active()->float_to_half(piece, narrow, n);
        bfb_active()->half_to_float(narrow, piece, n);
      }
    }
    bfb_store(job->out, i, n, piece);
  }
}

static void compute(void* kernel, TF_OpKernelContext* ctx) {
  const composition* c = kernel;
  bfb_call call = bfb_begin(ctx);
  bfb_tensor in, out;
  out.tensor = NULL;
  bfb_input(&call, 0, &in);
  if (bfb_ok(&call) && c->ours) {
    bfb_output_like(&call, &in, &out);
    pass_job job = {c, &in, &out};
    if (bfb_ok(&call)) bfb_parallel_for(in.count, GRAIN, pass, &job);
  } else if (bfb_ok(&call)) {
    run_parts(&call, c, &in);
  }
  bfb_release(&in);
  bfb_release(&out);
  bfb_end(&call);
}

static void destroy(void* kernel) {
  composition* c = kernel;
  free(c->function);
  free(c->name);
  free(c->storage);
  free(c);
}

/* Grappler fuses chains of any length. */
static void* create(TF_OpKernelConstruction* ctx) {
  composition* c = calloc(1, sizeof *c);
  TF_Status* status = TF_NewStatus();
  int32_t parts = 0, bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(ctx, "op_names", &parts, &bytes, status);
  size_t count = parts > 0 ? (size_t)parts : 1, size = bytes > 0 ? (size_t)bytes : 1, used = 0;
  char** values = calloc(count, sizeof *values);
  size_t* lengths = calloc(count, sizeof *lengths);
  char* raw = malloc(size);
  c->function = calloc(count, sizeof *c->function);
  c->name = calloc(count, sizeof *c->name);
  c->storage = calloc(size + count, 1);
  if (TF_GetCode(status) == TF_OK)
    TF_OpKernelConstruction_GetAttrStringList(ctx, "op_names", values, lengths, parts, raw, size, status);
  if (TF_GetCode(status) == TF_OK) {
    c->parts = parts;
    c->ours = 1;
    for (int i = 0; i < parts; i++) {
      c->name[i] = c->storage + used;
      memcpy(c->name[i], values[i], lengths[i]);
      used += lengths[i] + 1;
      c->function[i] = bfb_find_unary(bfb_active(), c->name[i]);
      c->ours &= c->function[i] != NULL;
    }
  } else {
    TF_OpKernelConstruction_Failure(ctx, status);
  }
  free(values);
  free(lengths);
  free(raw);
  TF_DeleteStatus(status);
  return c;
}

const bfb_op_row bfb_composition_ops[] = {
    {.op = "_UnaryOpsComposition", .dtypes = {TF_FLOAT, TF_HALF}, .create = create, .compute = compute, .destroy = destroy},
    {.op = 0},
};
