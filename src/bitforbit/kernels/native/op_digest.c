/* Digests of all tensors of a training step, into a ring that Python empties; see diagnosis/trace/native.py.
 *
 * The ops take the handle of a resource that they never look at: TensorFlow runs ops on one resource in their order,
 * also from one turn of a loop to the next.  BitforbitDigest makes the whole row and also returns it.  Or else some ops
 * BitforbitDigestEarly make a large tensor's digest where it has just been computed, so that its memory is free as soon
 * as without them (a flattened one is the same memory: one digest, several columns), and BitforbitDigestLater, the step's
 * last, makes the others', returns nothing and does not wait.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

/* The header is C++ but for these names. */
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_DimensionHandle TF_DimensionHandle;
#include "tensorflow/c/ops.h"

enum { WORTH_SHARING = 1 << 17, WORTH_LOOKING = 1 << 14 /* bytes */ };

/* What a kernel keeps of its op's attributes. */
typedef struct {
  int64_t id; /* of the stream */
  int32_t n;
  int64_t columns[];
} attributes;

static void* create(TF_OpKernelConstruction* ctx) {
  TF_Status* status = TF_NewStatus();
  int32_t n = 0, bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(ctx, "columns", &n, &bytes, status);
  attributes* a = calloc(1, sizeof *a + sizeof(int64_t) * (size_t)(n > 0 ? n : 1));
  a->n = n;
  if (TF_GetCode(status) == TF_OK && n > 0)
    TF_OpKernelConstruction_GetAttrInt64List(ctx, "columns", a->columns, n, status);
  if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrInt64(ctx, "stream", &a->id, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(ctx, status);
  TF_DeleteStatus(status);
  return a;
}

/* The tensor that has the memory of the newest one: a flattened one is another shape of the same bytes. */
static int64_t first_of_memory(const bfb_digest_job* job) {
  const TF_Tensor* newest = job->tensors[job->n];
  const void* data = TF_TensorData(newest);
  size_t bytes = TF_TensorByteSize(newest);
  for (int64_t i = 0; i < job->n && bytes > WORTH_LOOKING; i++)
    if (TF_TensorData(job->tensors[i]) == data && TF_TensorByteSize(job->tensors[i]) == bytes) return i;
  return job->n;
}

static bfb_digest_job* gather(bfb_call* call, const attributes* a) {
  int64_t n = a->n, columns = bfb_ring_columns((int)a->id);
  for (int64_t i = 0; i < n; i++) columns = a->columns[i] < columns ? columns : a->columns[i] + 1;
  bfb_digest_job* job = calloc(1, sizeof *job);
  job->id = (int)a->id;
  job->tensors = malloc(sizeof *job->tensors * (size_t)(n + 1));
  job->row = malloc(sizeof *job->row * (size_t)(columns + 1));
  job->columns = malloc(sizeof *job->columns * (size_t)(n + 1));
  memcpy(job->columns, a->columns, sizeof *job->columns * (size_t)n);
  job->same = malloc(sizeof *job->same * (size_t)(n + 1));
  for (; job->n < n; job->n++) {
    TF_GetInput(call->ctx, (int)job->n + 1, &job->tensors[job->n], call->status);
    if (!bfb_ok(call)) break;
    job->same[job->n] = first_of_memory(job);
    if (job->same[job->n] == job->n) job->bytes += (int64_t)TF_TensorByteSize(job->tensors[job->n]);
  }
  return job;
}

static void body(void* job, int64_t begin, int64_t end) {
  (void)begin, (void)end;
  bfb_digest_work(job);
}

static void now(bfb_digest_job* job) {
  bfb_parallel_for(job->n, job->bytes > WORTH_SHARING ? 1 : job->n, body, job);
  bfb_digest_settle(job);
  bfb_digest_wait(); /* rows come in the order of the steps */
}

static void compute(void* kernel, TF_OpKernelContext* ctx) {
  bfb_call call = bfb_begin(ctx);
  bfb_digest_job* job = gather(&call, kernel);
  bfb_tensor out;
  bfb_output(&call, 0, TF_INT64, &job->n, 1, &out);
  if (bfb_ok(&call)) {
    now(job);
    memcpy(out.data, job->row, sizeof *job->row * (size_t)job->n);
    if (bfb_ring_begin(job->id)) bfb_ring_write(job->id, job->row);
  }
  bfb_release(&out);
  bfb_digest_free(job);
  bfb_end(&call);
}

static void compute_early(void* kernel, TF_OpKernelContext* ctx) {
  const attributes* a = kernel;
  bfb_call call = bfb_begin(ctx);
  TF_Tensor* tensor = NULL;
  TF_GetInput(ctx, 1, &tensor, call.status);
  if (bfb_ok(&call)) {
    int64_t digest = bfb_digest_of(tensor);
    for (int32_t i = 0; i < a->n; i++) bfb_ring_early((int)a->id, a->columns[i], digest);
    TF_DeleteTensor(tensor);
  }
  bfb_end(&call);
}

static void compute_later(void* kernel, TF_OpKernelContext* ctx) {
  bfb_call call = bfb_begin(ctx);
  bfb_digest_job* job = gather(&call, kernel);
  int open = bfb_ok(&call) && bfb_ring_begin(job->id);
  if (open) bfb_ring_take_early(job->id, job->row);
  /* To wake a thread takes longer than so few bytes, and with a pool of one there shall be no second one. */
  if (!open || job->bytes <= WORTH_SHARING || bfb_threads() == 1 || !bfb_digest_later(job)) {
    if (open) now(job), bfb_ring_write(job->id, job->row);
    bfb_digest_free(job);
  }
  bfb_end(&call);
}

static void shape(TF_ShapeInferenceContext* ctx, TF_Status* status) {
  TF_ShapeHandle* row = TF_ShapeInferenceContextVectorFromSize(ctx, (size_t)TF_ShapeInferenceContextNumInputs(ctx) - 1);
  TF_ShapeInferenceContextSetOutput(ctx, 0, row, status);
  TF_DeleteShapeHandle(row);
}

static void no_shape(TF_ShapeInferenceContext* ctx, TF_Status* status) {
  (void)ctx;
  TF_SetStatus(status, TF_OK, "");
}

static void define(const char* name, void (*function)(void*, TF_OpKernelContext*), bool returns, TF_Status* status) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddInput(op, "order: resource");
  TF_OpDefinitionBuilderAddInput(op, "tensors: T");
  if (returns) TF_OpDefinitionBuilderAddOutput(op, "row: int64");
  TF_OpDefinitionBuilderAddAttr(op, "T: list(type) >= 1");
  TF_OpDefinitionBuilderAddAttr(op, "stream: int");
  TF_OpDefinitionBuilderAddAttr(op, "columns: list(int) >= 1");
  TF_OpDefinitionBuilderSetIsStateful(op, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, returns ? shape : no_shape);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, function, free), status);
}

int bfb_digest_register(void) {
  static int done;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  TF_Status* status = TF_NewStatus();
  if (!done) {
    define("BitforbitDigest", compute, true, status);
    if (TF_GetCode(status) == TF_OK) define("BitforbitDigestEarly", compute_early, false, status);
    if (TF_GetCode(status) == TF_OK) define("BitforbitDigestLater", compute_later, false, status);
    done = TF_GetCode(status) == TF_OK;
  }
  TF_DeleteStatus(status);
  int result = done ? 0 : -1;
  pthread_mutex_unlock(&lock);
  return result;
}
