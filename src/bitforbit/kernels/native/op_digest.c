/* Digests of all tensors of a training step in one op, into a ring that Python empties; see diagnosis/trace/native.py.
 *
 * A digest is FarmHash64 (github.com/google/farmhash, `farmhashna::Hash64`) of the tensor's bytes, as the stock op
 * Fingerprint has it.  The op takes the handle of a resource that it never looks at: TensorFlow runs ops on one
 * resource in their order, also from one turn of a loop to the next.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"

/* The header is C++ but for these names. */
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct TF_ShapeHandle TF_ShapeHandle;
typedef struct TF_DimensionHandle TF_DimensionHandle;
#include "tensorflow/c/ops.h"

enum { ROWS = 64, MAX_STREAMS = 1 << 16, WORTH_SHARING = 1 << 17 /* bytes */ };

static const uint64_t k0 = 0xc3a5c85c97cb3127u, k1 = 0xb492b66fbe98f273u, k2 = 0x9ae16a3b2f90404fu;

static uint64_t fetch(const char* s) {
  uint64_t v;
  memcpy(&v, s, 8);
  return v;
}

static uint64_t fetch32(const char* s) {
  uint32_t v;
  memcpy(&v, s, 4);
  return v;
}

static uint64_t rotate(uint64_t v, int by) { return (v >> by) | (v << (64 - by)); }
static uint64_t shift_mix(uint64_t v) { return v ^ (v >> 47); }

static uint64_t pair(uint64_t u, uint64_t v, uint64_t mul) {
  uint64_t a = shift_mix((u ^ v) * mul);
  return shift_mix((v ^ a) * mul) * mul;
}

static uint64_t up_to_16(const char* s, uint64_t n) {
  if (n >= 8) {
    uint64_t mul = k2 + n * 2, a = fetch(s) + k2, b = fetch(s + n - 8);
    return pair(rotate(b, 37) * mul + a, (rotate(a, 25) + b) * mul, mul);
  }
  if (n >= 4) return pair(n + (fetch32(s) << 3), fetch32(s + n - 4), k2 + n * 2);
  if (n == 0) return k2;
  uint32_t a = (uint8_t)s[0], b = (uint8_t)s[n >> 1], c = (uint8_t)s[n - 1];
  uint32_t y = a + (b << 8), z = (uint32_t)n + (c << 2);
  return shift_mix(y * k2 ^ z * k0) * k2;
}

static uint64_t up_to_32(const char* s, uint64_t n) {
  uint64_t mul = k2 + n * 2, a = fetch(s) * k1, b = fetch(s + 8);
  uint64_t c = fetch(s + n - 8) * mul, d = fetch(s + n - 16) * k2;
  return pair(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + k2, 18) + c, mul);
}

static uint64_t up_to_64(const char* s, uint64_t n) {
  uint64_t mul = k2 + n * 2, a = fetch(s) * k2, b = fetch(s + 8);
  uint64_t c = fetch(s + n - 8) * mul, d = fetch(s + n - 16) * k2;
  uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d, z = pair(y, a + rotate(b + k2, 18) + c, mul);
  uint64_t e = fetch(s + 16) * mul, f = fetch(s + 24), g = (y + fetch(s + n - 32)) * mul, h = (z + fetch(s + n - 24)) * mul;
  return pair(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, mul);
}

static void weak(const char* s, uint64_t a, uint64_t b, uint64_t out[2]) {
  uint64_t w = fetch(s), x = fetch(s + 8), y = fetch(s + 16), z = fetch(s + 24);
  a += w;
  b = rotate(b + a + z, 21);
  uint64_t c = a;
  a += x + y;
  b += rotate(a, 44);
  out[0] = a + z;
  out[1] = b + c;
}

uint64_t bfb_fingerprint(const void* data, int64_t bytes) {
  const char* s = data;
  uint64_t n = (uint64_t)bytes;
  if (n <= 16) return up_to_16(s, n);
  if (n <= 32) return up_to_32(s, n);
  if (n <= 64) return up_to_64(s, n);
  uint64_t seed = 81, y = seed * k1 + 113, z = shift_mix(y * k2 + 113) * k2, x = seed * k2 + fetch(s);
  uint64_t v[2] = {0, 0}, w[2] = {0, 0}, mul = k1, one = 1;
  const char *last = s + n - 64, *end = s + (n - 1) / 64 * 64;
  /* Every whole block, then the last 64 bytes with other factors. */
  for (int tail = 0;; tail = 1) {
    if (tail) {
      mul = k1 + ((z & 0xff) << 1);
      one = 9;
      s = last;
      w[0] += (n - 1) & 63;
      v[0] += w[0];
      w[0] += v[0];
    }
    do {
      x = rotate(x + y + v[0] + fetch(s + 8), 37) * mul;
      y = rotate(y + v[1] + fetch(s + 48), 42) * mul;
      x ^= w[1] * one;
      y += v[0] * one + fetch(s + 40);
      z = rotate(z + w[0], 33) * mul;
      weak(s, v[1] * mul, x + w[0], v);
      weak(s + 32, z + w[1], y + fetch(s + 16), w);
      uint64_t swapped = z;
      z = x;
      x = swapped;
      s += 64;
    } while (!tail && s != end);
    if (tail) break;
  }
  return pair(pair(v[0], w[0], mul) + shift_mix(y) * k0 + z, pair(v[1], w[1], mul) + x, mul);
}

/* The rows of one stream of steps that Python has not taken yet.  Its steps come one after another. */
typedef struct {
  int64_t columns, written, taken;
  int64_t* rows; /* ROWS x columns */
  int keep;      /* also hold the tensors of the last step, for Python to copy */
  int64_t held;
  TF_Tensor** tensors;
} stream;

static stream* streams[MAX_STREAMS];
static int count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bfb_on_full on_full;

void bfb_digest_on_full(bfb_on_full function) { on_full = function; }

int bfb_digest_open(int64_t columns) {
  stream* s = calloc(1, sizeof *s);
  if (s) s->columns = columns;
  if (s) s->rows = malloc(sizeof(int64_t) * ROWS * (size_t)(columns ? columns : 1));
  int id = -1;
  pthread_mutex_lock(&lock);
  if (s && s->rows && count < MAX_STREAMS) streams[id = count++] = s;
  pthread_mutex_unlock(&lock);
  if (id < 0 && s) free(s->rows);
  if (id < 0) free(s);
  return id;
}

static void release(TF_Tensor** tensors, int64_t n) {
  for (int64_t i = 0; i < n; i++) TF_DeleteTensor(tensors[i]);
  free(tensors);
}

void bfb_digest_keep(int id) { streams[id]->keep = 1; }

const void* bfb_digest_kept(int id, int64_t column, int* rank, int64_t* dims, int64_t* bytes) {
  const stream* s = streams[id];
  if (column >= s->held) return NULL;
  const TF_Tensor* tensor = s->tensors[column];
  *rank = TF_NumDims(tensor);
  *bytes = (int64_t)TF_TensorByteSize(tensor);
  for (int i = 0; i < *rank; i++) dims[i] = TF_Dim(tensor, i);
  return TF_TensorData(tensor);
}

/* Graphs that write to the stream may still be there, so only its rows and tensors go. */
void bfb_digest_close(int id) {
  pthread_mutex_lock(&lock);
  stream* s = streams[id];
  free(s->rows);
  s->rows = NULL;
  release(s->tensors, s->held);
  s->tensors = NULL;
  s->keep = s->held = 0;
  pthread_mutex_unlock(&lock);
}

int64_t bfb_digest_steps(int id) {
  pthread_mutex_lock(&lock);
  int64_t steps = streams[id]->written;
  pthread_mutex_unlock(&lock);
  return steps;
}

int64_t bfb_digest_take(int id, int64_t* out) {
  pthread_mutex_lock(&lock);
  stream* s = streams[id];
  int64_t taken = 0;
  for (; s->rows && s->taken < s->written; s->taken++, taken++)
    memcpy(out + taken * s->columns, s->rows + s->taken % ROWS * s->columns, sizeof(int64_t) * (size_t)s->columns);
  pthread_mutex_unlock(&lock);
  return taken;
}

static void write_row(int id, const int64_t* row) {
  pthread_mutex_lock(&lock);
  stream* s = streams[id];
  int full = s->rows && s->written - s->taken == ROWS;
  pthread_mutex_unlock(&lock);
  if (full && on_full) on_full(id); /* takes the rows */
  pthread_mutex_lock(&lock);
  if (s->rows && s->written - s->taken < ROWS) {
    memcpy(s->rows + s->written % ROWS * s->columns, row, sizeof(int64_t) * (size_t)s->columns);
    s->written++;
  }
  pthread_mutex_unlock(&lock);
}

static void keep_or_release(int id, TF_Tensor** tensors, int64_t n) {
  pthread_mutex_lock(&lock);
  stream* s = id >= 0 && id < count && streams[id]->keep ? streams[id] : NULL;
  TF_Tensor** old = s ? s->tensors : tensors;
  int64_t old_n = s ? s->held : n;
  if (s) s->tensors = tensors, s->held = n;
  pthread_mutex_unlock(&lock);
  release(old, old_n);
}

typedef struct {
  TF_Tensor* const* tensors;
  int64_t* row;
} digest_job;

static void body(void* arg, int64_t begin, int64_t end) {
  const digest_job* job = arg;
  for (int64_t i = begin; i < end; i++)
    job->row[i] =
        (int64_t)bfb_fingerprint(TF_TensorData(job->tensors[i]), (int64_t)TF_TensorByteSize(job->tensors[i]));
}

static void* create(TF_OpKernelConstruction* ctx) {
  int64_t* id = malloc(sizeof *id);
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt64(ctx, "stream", id, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(ctx, status);
  TF_DeleteStatus(status);
  return id;
}

static void compute(void* kernel, TF_OpKernelContext* ctx) {
  int64_t id = *(const int64_t*)kernel, bytes = 0;
  bfb_call call = bfb_begin(ctx);
  int64_t n = TF_NumInputs(ctx) - 1, got = 0;
  TF_Tensor** tensors = malloc(sizeof *tensors * (size_t)(n + 1));
  for (; got < n && bfb_ok(&call); got++) {
    TF_GetInput(ctx, (int)got + 1, &tensors[got], call.status);
    if (!bfb_ok(&call)) break;
    bytes += (int64_t)TF_TensorByteSize(tensors[got]);
  }
  bfb_tensor out;
  bfb_output(&call, 0, TF_INT64, &n, 1, &out);
  if (bfb_ok(&call)) {
    digest_job job = {tensors, out.data};
    bfb_parallel_for(n, bytes > WORTH_SHARING ? 1 : n, body, &job);
    if (id >= 0 && id < count) write_row((int)id, out.data);
  }
  bfb_release(&out);
  keep_or_release((int)id, tensors, got);
  bfb_end(&call);
}

static void shape(TF_ShapeInferenceContext* ctx, TF_Status* status) {
  TF_ShapeHandle* row = TF_ShapeInferenceContextVectorFromSize(ctx, (size_t)TF_ShapeInferenceContextNumInputs(ctx) - 1);
  TF_ShapeInferenceContextSetOutput(ctx, 0, row, status);
  TF_DeleteShapeHandle(row);
}

int bfb_digest_register(void) {
  static int done;
  pthread_mutex_lock(&lock);
  TF_Status* status = TF_NewStatus();
  if (!done) {
    TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder("BitforbitDigest");
    TF_OpDefinitionBuilderAddInput(op, "order: resource");
    TF_OpDefinitionBuilderAddInput(op, "tensors: T");
    TF_OpDefinitionBuilderAddOutput(op, "row: int64");
    TF_OpDefinitionBuilderAddAttr(op, "T: list(type) >= 1");
    TF_OpDefinitionBuilderAddAttr(op, "stream: int");
    TF_OpDefinitionBuilderSetIsStateful(op, true);
    TF_OpDefinitionBuilderSetShapeInferenceFunction(op, shape);
    TF_RegisterOpDefinition(op, status);
    if (TF_GetCode(status) == TF_OK)
      TF_RegisterKernelBuilder("bitforbit/BitforbitDigest",
                               TF_NewKernelBuilder("BitforbitDigest", "CPU", create, compute, free), status);
    done = TF_GetCode(status) == TF_OK;
  }
  TF_DeleteStatus(status);
  int result = done ? 0 : -1;
  pthread_mutex_unlock(&lock);
  return result;
}
