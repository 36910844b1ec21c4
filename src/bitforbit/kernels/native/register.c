/* Registration: every row of every table, above the stock kernels' priority. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op.h"

enum { PRIORITY = 100, MAX_KERNELS = 256 };

static const bfb_op_row* const tables[] = {bfb_unary_ops, bfb_softmax_ops, bfb_batchnorm_ops,
                                          bfb_binary_ops, bfb_composition_ops, bfb_matmul_ops};
static char names[MAX_KERNELS][64];
static int registered;
static char error[512];

static const char* dtype_name(TF_DataType dtype) {
  return dtype == TF_FLOAT ? "float32" : dtype == TF_HALF ? "float16" : dtype == TF_BFLOAT16 ? "bfloat16" : "float64";
}

/* A KernelDef in protobuf's wire format: op = 1, device_type = 2, constraint = 3 {name = 1, allowed_values = 2 {list = 1
 * {type = 6}}}, priority = 6.  The builder's own functions allow one type a kernel; TensorFlow compares an op's attributes
 * with every kernel of its name at every eager call, so one kernel for all types saves each call that time. */
typedef struct {
  char bytes[256];
  int size;
} wire;

static void put_bytes(wire* w, int field, const void* bytes, int size) {
  w->bytes[w->size++] = (char)(field << 3 | 2);
  w->bytes[w->size++] = (char)size;
  memcpy(w->bytes + w->size, bytes, (size_t)size);
  w->size += size;
}

static void put_constraint(wire* def, const char* attribute, const TF_DataType* dtypes) {
  wire constraint = {.size = 0}, value = {.size = 0}, list = {.size = 0};
  char types[8];
  int count = 0;
  for (; dtypes[count]; count++) types[count] = (char)dtypes[count];
  put_bytes(&list, 6, types, count);
  put_bytes(&value, 1, list.bytes, list.size);
  put_bytes(&constraint, 1, attribute, (int)strlen(attribute));
  put_bytes(&constraint, 2, value.bytes, value.size);
  put_bytes(def, 3, constraint.bytes, constraint.size);
}

static wire definition(const bfb_op_row* row) {
  wire def = {.size = 0};
  put_bytes(&def, 1, row->op, (int)strlen(row->op));
  put_bytes(&def, 2, "CPU", 3);
  put_constraint(&def, "T", row->dtypes);
  if (row->float_u) put_constraint(&def, "U", (const TF_DataType[]){TF_FLOAT, 0});
  def.bytes[def.size++] = 6 << 3;
  def.bytes[def.size++] = PRIORITY;
  def.bytes[def.size] = 0;
  return def;
}

static int register_row(const bfb_op_row* row) {
  TF_Status* status = TF_NewStatus();
  char kernel_name[80];
  snprintf(kernel_name, sizeof kernel_name, "bitforbit/%s", row->op);
  TF_RegisterKernelBuilderWithKernelDef(definition(row).bytes, kernel_name,
                                        TF_NewKernelBuilder(row->op, "CPU", row->create, row->compute, row->destroy), status);
  int ok = TF_GetCode(status) == TF_OK;
  for (int i = 0; ok && row->dtypes[i]; i++)
    snprintf(names[registered++], sizeof names[0], "%s/%s", row->op, dtype_name(row->dtypes[i]));
  if (!ok) snprintf(error, sizeof error, "%s: %s", row->op, TF_Message(status));
  TF_DeleteStatus(status);
  return ok;
}

/* What malloc gives back to the kernel costs a page fault for each 4 KiB when it is wanted again: more time than an elementwise
 * kernel takes.  Its limits grow with what is freed, so that whether a tensor of some MiB is kept from step to step is
 * luck; these are the limits at which they stop growing. */
static void keep_buffers(void) {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int bfb_register(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static int done;
  pthread_mutex_lock(&lock);
  if (!done && bfb_active() == NULL) {
    snprintf(error, sizeof error, "this CPU is below x86-64-v3 (AVX2, FMA, BMI2, F16C)");
  } else if (!done) {
    done = 1;
    keep_buffers();
    const char* matmul = getenv("BITFORBIT_MATMUL"); /* the last table is an experiment: see docs/kernels.md */
    size_t count = sizeof tables / sizeof tables[0] - !(matmul && strcmp(matmul, "1") == 0);
    for (size_t t = 0; t < count; t++)
      for (const bfb_op_row* row = tables[t]; row->op && register_row(row); row++) continue;
  }
  int result = error[0] ? -1 : registered;
  pthread_mutex_unlock(&lock);
  return result;
}

int bfb_kernel_count(void) { return registered; }
const char* bfb_kernel_name(int index) { return index >= 0 && index < registered ? names[index] : NULL; }
const char* bfb_error(void) { return error; }
