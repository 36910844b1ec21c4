/* Layout and precision changes around batch normalization: all of them move or round single elements. */
#include "matrix.h"

#include <stdlib.h>

enum { PIECE = 2048, GRAIN = 16384 };

bfb_layout bfb_layout_of(const bfb_tensor* x, int channels_first) {
  bfb_layout layout = {.channels = x->dims[channels_first ? 1 : x->rank - 1], .inner = 1, .channels_first = channels_first};
  layout.rows = layout.channels ? x->count / layout.channels : 0;
  for (int i = 2; channels_first && i < x->rank; i++) layout.inner *= x->dims[i];
  return layout;
}

void* bfb_memory(bfb_call* call, int64_t count, int64_t size) {
  if (!bfb_ok(call)) return NULL;
  void* memory = malloc((size_t)(count > 0 ? count : 1) * (size_t)size);
  if (memory == NULL) TF_SetStatus(call->status, TF_RESOURCE_EXHAUSTED, "no memory for batch normalization");
  return memory;
}

typedef struct {
  const bfb_tensor* t;
  float* matrix;
  const bfb_layout* layout;
  int store;
} move_job;

static void move_flat(void* arg, int64_t begin, int64_t end) {
  const move_job* job = arg;
  if (job->store)
    bfb_store(job->t, begin, end - begin, job->matrix + begin);
  else
    bfb_load(job->t, begin, end - begin, job->matrix + begin);
}

/* One unit is a (sample, channel) plane of `inner` elements, strided by the channels in the matrix. */
static void move_planes(void* arg, int64_t begin, int64_t end) {
  const move_job* job = arg;
  const int64_t inner = job->layout->inner, channels = job->layout->channels;
  float piece[PIECE];
  for (int64_t plane = begin; plane < end; plane++) {
    float* base = job->matrix + plane / channels * inner * channels + plane % channels;
    for (int64_t at = 0; at < inner; at += PIECE) {
      int64_t n = inner - at < PIECE ? inner - at : PIECE;
      if (job->store) {
        for (int64_t i = 0; i < n; i++) piece[i] = base[(at + i) * channels];
        bfb_store(job->t, plane * inner + at, n, piece);
      } else {
        bfb_load(job->t, plane * inner + at, n, piece);
        for (int64_t i = 0; i < n; i++) base[(at + i) * channels] = piece[i];
      }
    }
  }
}

static void move(move_job* job) {
  const bfb_layout* layout = job->layout;
  if (!layout->channels_first)
    bfb_parallel_for(job->t->count, GRAIN, move_flat, job);
  else if (layout->inner > 0)
    bfb_parallel_for(job->t->count / layout->inner, GRAIN / layout->inner + 1, move_planes, job);
}

bfb_matrix bfb_matrix_for(bfb_call* call, const bfb_tensor* y, const bfb_layout* layout) {
  bfb_matrix m = {0};
  if (!bfb_ok(call)) return m;
  if (y->dtype == TF_FLOAT && !layout->channels_first)
    m.data = y->data;
  else
    m.data = m.owned = bfb_memory(call, y->count, sizeof(float));
  return m;
}

bfb_matrix bfb_matrix_of(bfb_call* call, const bfb_tensor* x, const bfb_layout* layout) {
  bfb_matrix m = bfb_matrix_for(call, x, layout);
  if (m.owned) move(&(move_job){x, m.owned, layout, 0});
  return m;
}

void bfb_matrix_finish(const bfb_matrix* m, const bfb_tensor* y, const bfb_layout* layout) {
  if (m->owned) move(&(move_job){y, m->owned, layout, 1});
}

void bfb_matrix_free(bfb_matrix* m) {
  free(m->owned);
  m->owned = NULL;
}
