/* Small helpers around TensorFlow's C API, shared by the op files. */
#ifndef BFB_OP_H
#define BFB_OP_H

#include "bfb.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_tensor.h"

/* The header defines this constant in every C file that includes it. */
#pragma weak TF_InputRange_Args_STRUCT_SIZE

enum { BFB_MAX_RANK = 254 }; /* TensorFlow's own limit */

typedef struct {
  TF_Tensor* tensor;
  TF_DataType dtype;
  int rank;
  int64_t count;
  int64_t dims[BFB_MAX_RANK];
  void* data;
} bfb_tensor;

/* One call of a kernel: after a failure the next calls do nothing, and `bfb_end` reports the first error. */
typedef struct {
  TF_OpKernelContext* ctx;
  TF_Status* status;
  uint32_t mxcsr;
} bfb_call;

bfb_call bfb_begin(TF_OpKernelContext* ctx); /* also sets BFB_MXCSR for the calling thread */
void bfb_end(bfb_call* call);                /* restores it */
int bfb_ok(const bfb_call* call);
void bfb_fail(bfb_call* call, const char* format, ...) __attribute__((format(printf, 2, 3))); /* InvalidArgument */
void bfb_input(bfb_call* call, int index, bfb_tensor* t);
void bfb_output(bfb_call* call, int index, TF_DataType dtype, const int64_t* dims, int rank, bfb_tensor* t);
void bfb_output_same(bfb_call* call, int index, const TF_Tensor* tensor); /* its memory, which nobody may write later */
/* Output 0 of input 0's shape and dtype, in its memory where nobody else reads that. May release `*input`, whose data stay. */
void bfb_output_like(bfb_call* call, bfb_tensor* input, bfb_tensor* t);
void bfb_release(bfb_tensor* t);
const char* bfb_shape_text(const bfb_tensor* t, char* buffer, int size); /* "[2,3]" */

/* Elements [begin, begin + n) of a float, half or bfloat16 tensor, as float and back. */
void bfb_load(const bfb_tensor* t, int64_t begin, int64_t n, float* to);
void bfb_store(const bfb_tensor* t, int64_t begin, int64_t n, const float* from);

/* One row: an op, the values of its type attributes, its functions.  register.c gathers them. */
typedef struct {
  const char* op;
  TF_DataType dtypes[4];   /* of attribute T; ends with 0 */
  int float_u;             /* also constrain attribute U to float32 */
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*destroy)(void*);
} bfb_op_row;

extern const bfb_op_row bfb_unary_ops[], bfb_softmax_ops[], bfb_batchnorm_ops[],
    bfb_binary_ops[], bfb_composition_ops[], bfb_matmul_ops[]; /* each ends with a NULL op */

#endif
