/* Inputs, outputs, errors and half precision for the op files. */
#include "op.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xmmintrin.h>

enum { WORTH_FORWARDING = 1 << 16 }; /* bytes; below this an allocation is cheaper than the question who else reads the input */

/* From 32 MiB on, glibc's malloc takes every buffer fresh from the kernel and gives it back when freed, so each of its 4 KiB
 * pages costs a fault: more time than any elementwise kernel.  Pages of 2 MiB fault 512 times less; where the host
 * does not grant them, nothing changes. */
enum { ALWAYS_FRESH = 32 << 20, HUGE_PAGE = 2 << 20 };

static void want_huge_pages(const bfb_tensor* t, size_t bytes) {
  if (bytes < ALWAYS_FRESH) return;
  uintptr_t begin = ((uintptr_t)t->data + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
  uintptr_t end = ((uintptr_t)t->data + bytes) & ~(uintptr_t)(HUGE_PAGE - 1);
  madvise((void*)begin, end - begin, MADV_HUGEPAGE);
}

bfb_call bfb_begin(TF_OpKernelContext* ctx) {
  static _Thread_local TF_Status* status; /* one a thread, kept: half of a small call's cost is in allocations */
  if (status == NULL) status = TF_NewStatus();
  bfb_call call = {.ctx = ctx, .status = status, .mxcsr = _mm_getcsr()};
  /* Most callers have this mode already, but for the six flags of what happened so far, which decide nothing. */
  if ((call.mxcsr & ~0x3fu) != BFB_MXCSR) _mm_setcsr(BFB_MXCSR);
  return call;
}

void bfb_end(bfb_call* call) {
  if ((call->mxcsr & ~0x3fu) != BFB_MXCSR) _mm_setcsr(call->mxcsr);
  if (bfb_ok(call)) return;
  TF_OpKernelContext_Failure(call->ctx, call->status);
  TF_SetStatus(call->status, TF_OK, "");
}

int bfb_ok(const bfb_call* call) { return TF_GetCode(call->status) == TF_OK; }

static size_t size_of(TF_DataType dtype) {
  return dtype == TF_FLOAT ? 4 : dtype == TF_HALF || dtype == TF_BFLOAT16 ? 2 : TF_DataTypeSize(dtype);
}

void bfb_fail(bfb_call* call, const char* format, ...) {
  if (!bfb_ok(call)) return;
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  TF_SetStatus(call->status, TF_INVALID_ARGUMENT, text);
}

static void describe(bfb_tensor* t) {
  t->dtype = TF_TensorType(t->tensor);
  t->rank = TF_NumDims(t->tensor);
  t->count = 1;
  for (int i = 0; i < t->rank; i++) t->count *= t->dims[i] = TF_Dim(t->tensor, i);
  t->data = TF_TensorData(t->tensor);
}

void bfb_input(bfb_call* call, int index, bfb_tensor* t) {
  t->tensor = NULL;
  if (!bfb_ok(call)) return;
  TF_GetInput(call->ctx, index, &t->tensor, call->status);
  if (bfb_ok(call)) describe(t);
}

void bfb_output(bfb_call* call, int index, TF_DataType dtype, const int64_t* dims, int rank, bfb_tensor* t) {
  t->tensor = NULL;
  if (!bfb_ok(call)) return;
  t->dtype = dtype;
  t->rank = rank;
  t->count = 1;
  for (int i = 0; i < rank; i++) t->count *= t->dims[i] = dims[i];
  t->tensor = TF_AllocateOutput(call->ctx, index, dtype, dims, rank, (size_t)t->count * size_of(dtype), call->status);
  if (!bfb_ok(call)) return;
  t->data = TF_TensorData(t->tensor);
  want_huge_pages(t, (size_t)t->count * size_of(dtype));
}

void bfb_output_same(bfb_call* call, int index, const TF_Tensor* tensor) {
  if (bfb_ok(call)) TF_SetOutput(call->ctx, index, tensor, call->status);
}

void bfb_output_like(bfb_call* call, bfb_tensor* input, bfb_tensor* t) {
  t->tensor = NULL;
  if (!bfb_ok(call)) return;
  size_t bytes = (size_t)input->count * size_of(input->dtype);
  if (bytes < WORTH_FORWARDING) {
    bfb_output(call, 0, input->dtype, input->dims, input->rank, t);
    return;
  }
  bfb_release(input); /* our own reference would make the buffer look shared; the call keeps it alive */
  int candidate = 0, forwarded = -1;
  t->tensor = TF_ForwardInputOrAllocateOutput(call->ctx, &candidate, 1, 0, input->dims, input->rank, &forwarded,
                                              call->status);
  if (!bfb_ok(call)) return;
  describe(t);
  if (forwarded < 0) want_huge_pages(t, bytes);
}

void bfb_release(bfb_tensor* t) {
  if (t->tensor) TF_DeleteTensor(t->tensor);
  t->tensor = NULL;
}

const char* bfb_shape_text(const bfb_tensor* t, char* buffer, int size) {
  int used = snprintf(buffer, (size_t)size, "[");
  for (int i = 0; i < t->rank && used < size; i++)
    used += snprintf(buffer + used, (size_t)(size - used), i ? ",%lld" : "%lld", (long long)t->dims[i]);
  if (used < size) snprintf(buffer + used, (size_t)(size - used), "]");
  return buffer;
}

void bfb_load(const bfb_tensor* t, int64_t begin, int64_t n, float* to) {
  if (t->dtype == TF_FLOAT)
    memcpy(to, (const float*)t->data + begin, (size_t)n * sizeof(float));
  else if (t->dtype == TF_HALF)
    bfb_variant_for(n)->half_to_float((const uint16_t*)t->data + begin, to, n);
  else
    bfb_variant_for(n)->bfloat_to_float((const uint16_t*)t->data + begin, to, n);
}

void bfb_store(const bfb_tensor* t, int64_t begin, int64_t n, const float* from) {
  if (t->dtype == TF_FLOAT)
    memcpy((float*)t->data + begin, from, (size_t)n * sizeof(float));
  else if (t->dtype == TF_HALF)
    bfb_variant_for(n)->float_to_half(from, (uint16_t*)t->data + begin, n);
  else
    bfb_variant_for(n)->float_to_bfloat(from, (uint16_t*)t->data + begin, n);
}
