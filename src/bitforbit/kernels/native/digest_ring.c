/* The rows of digests that Python has not taken yet: a ring for each stream of steps. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

enum { ROWS = 64, MAX_STREAMS = 1 << 16 };

/* The rows of one stream of steps that Python has not taken yet.  Its steps come one after another. */
typedef struct {
  int64_t columns, waiting /* to be written */, written, taken;
  int64_t* rows; /* ROWS x columns, and one more for the digests that the step under way has so far */
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
  if (s) s->rows = malloc(sizeof(int64_t) * (ROWS + 1) * (size_t)(columns ? columns : 1));
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
  int64_t steps = streams[id]->written + streams[id]->waiting;
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

int bfb_ring_begin(int id) {
  pthread_mutex_lock(&lock);
  int open = id >= 0 && id < count && streams[id]->rows;
  if (open) streams[id]->waiting++;
  pthread_mutex_unlock(&lock);
  return open;
}

void bfb_ring_write(int id, const int64_t* row) {
  pthread_mutex_lock(&lock);
  stream* s = streams[id];
  int full = s->rows && s->written - s->taken == ROWS;
  pthread_mutex_unlock(&lock);
  if (full && on_full) on_full(id); /* takes the rows */
  pthread_mutex_lock(&lock);
  s->waiting--;
  if (s->rows && s->written - s->taken < ROWS) {
    memcpy(s->rows + s->written % ROWS * s->columns, row, sizeof(int64_t) * (size_t)s->columns);
    s->written++;
  }
  pthread_mutex_unlock(&lock);
}

int64_t bfb_ring_columns(int id) {
  pthread_mutex_lock(&lock);
  int64_t columns = id >= 0 && id < count ? streams[id]->columns : 0;
  pthread_mutex_unlock(&lock);
  return columns;
}

void bfb_ring_early(int id, int64_t column, int64_t digest) {
  pthread_mutex_lock(&lock);
  stream* s = id >= 0 && id < count ? streams[id] : NULL;
  if (s && s->rows && column < s->columns) s->rows[ROWS * s->columns + column] = digest;
  pthread_mutex_unlock(&lock);
}

void bfb_ring_take_early(int id, int64_t* row) {
  pthread_mutex_lock(&lock);
  stream* s = streams[id];
  if (s->rows) memcpy(row, s->rows + ROWS * s->columns, sizeof(int64_t) * (size_t)s->columns);
  pthread_mutex_unlock(&lock);
}

void bfb_ring_keep_or_release(int id, TF_Tensor** tensors, int64_t n) {
  pthread_mutex_lock(&lock);
  stream* s = id >= 0 && id < count && streams[id]->keep ? streams[id] : NULL;
  TF_Tensor** old = s ? s->tensors : tensors;
  int64_t old_n = s ? s->held : n;
  if (s) s->tensors = tensors, s->held = n;
  pthread_mutex_unlock(&lock);
  release(old, old_n);
}
