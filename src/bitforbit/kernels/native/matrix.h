/* A float32, half or bfloat16 tensor of batch normalization as a float matrix (rows, channels). */
#ifndef BFB_MATRIX_H
#define BFB_MATRIX_H

#include "op.h"

/* A view of x where it is float32 with channels last, else a converted copy that `owned` points to. */
typedef struct {
  float* data;
  float* owned;
} bfb_matrix;

typedef struct {
  int64_t rows, channels;
  int64_t inner;      /* elements between two channels: 1 for channels last */
  int channels_first;
} bfb_layout;

bfb_layout bfb_layout_of(const bfb_tensor* x, int channels_first);
bfb_matrix bfb_matrix_of(bfb_call* call, const bfb_tensor* x, const bfb_layout* layout);     /* with x's values */
bfb_matrix bfb_matrix_for(bfb_call* call, const bfb_tensor* y, const bfb_layout* layout);    /* to be written */
void bfb_matrix_finish(const bfb_matrix* m, const bfb_tensor* y, const bfb_layout* layout);  /* write back */
void bfb_matrix_free(bfb_matrix* m);
void* bfb_memory(bfb_call* call, int64_t count, int64_t size); /* malloc; on failure the call ends in ResourceExhausted */

#endif
