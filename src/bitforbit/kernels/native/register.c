/* Registration: every row of every table, above the stock kernels' priority. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"

enum { PRIORITY = 1000, MAX_KERNELS = 256 };

static const bfb_op_row* const tables[] = {bfb_unary_ops, bfb_softmax_ops, bfb_batchnorm_ops,
                                          bfb_binary_ops, bfb_composition_ops, bfb_matmul_ops};
static char names[MAX_KERNELS][64];
static int registered;
static char error[512];

static const char* dtype_name(TF_DataType dtype) {
  return dtype == TF_FLOAT ? "float32" : dtype == TF_HALF ? "float16" : dtype == TF_BFLOAT16 ? "bfloat16" : "float64";
}

static int register_one(const bfb_op_row* row, TF_DataType dtype) {
  TF_Status* status = TF_NewStatus();
  TF_KernelBuilder* builder = TF_NewKernelBuilder(row->op, "CPU", row->create, row->compute, row->destroy);
  TF_KernelBuilder_TypeConstraint(builder, "T", dtype, status);
  if (row->float_u && TF_GetCode(status) == TF_OK) TF_KernelBuilder_TypeConstraint(builder, "U", TF_FLOAT, status);
  TF_KernelBuilder_Priority(builder, PRIORITY);
  snprintf(names[registered], sizeof names[0], "%s/%s", row->op, dtype_name(dtype));
  char kernel_name[80];
  snprintf(kernel_name, sizeof kernel_name, "bitforbit/%s", names[registered]);
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(kernel_name, builder, status);
  else
    TF_DeleteKernelBuilder(builder);
  int ok = TF_GetCode(status) == TF_OK;
  if (ok)
    registered++;
  else
    snprintf(error, sizeof error, "%s: %s", names[registered], TF_Message(status));
  TF_DeleteStatus(status);
  return ok;
}

int bfb_register(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static int done;
  pthread_mutex_lock(&lock);
  if (!done && bfb_active() == NULL) {
    snprintf(error, sizeof error, "this CPU is below x86-64-v3 (AVX2, FMA, BMI2, F16C)");
  } else if (!done) {
    done = 1;
    const char* matmul = getenv("BITFORBIT_MATMUL"); /* the last table is an experiment: see docs/kernels.md */
    size_t count = sizeof tables / sizeof tables[0] - !(matmul && strcmp(matmul, "1") == 0);
    for (size_t t = 0; t < count; t++)
      for (const bfb_op_row* row = tables[t]; row->op; row++)
        for (int i = 0; i < 4 && row->dtypes[i]; i++)
          if (!register_one(row, row->dtypes[i])) break;
  }
  int result = error[0] ? -1 : registered;
  pthread_mutex_unlock(&lock);
  return result;
}

int bfb_kernel_count(void) { return registered; }
const char* bfb_kernel_name(int index) { return index >= 0 && index < registered ? names[index] : NULL; }
const char* bfb_error(void) { return error; }
