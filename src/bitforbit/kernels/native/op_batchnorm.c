/* FusedBatchNorm V1 to V3, _FusedBatchNormEx, and the gradients V1 to V3.
 *
 * Statistics in double: one pass over x around its first row, blocks of rows added in order (see batchnorm.c).
 * y = x a + b with a = scale / sqrt(variance + epsilon) and b = offset - mean a in double, rounded once.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

enum { BLOCK_ELEMENTS = 1 << 16, APPLY_GRAIN = 1 << 14, SMALL = 1024 };

typedef struct {
  float epsilon, factor;
  int training, channels_first, relu, side_inputs, gradient, reserve;
  TF_Tensor* zero; /* what output 5 of V3 always is here */
} config;

/* ---- sums over rows ---- */

typedef struct {
  const bfb_variant* v;
  const float *x, *dy, *pivot;
  int64_t rows, channels, block;
  int group;
  double* partial; /* (blocks, 2, channels) */
  int out_of_memory;
} sums_job;

static int64_t gcd(int64_t a, int64_t b) { return b == 0 ? a : gcd(b, a % b); }

static int64_t block_rows(int64_t channels) { return (BLOCK_ELEMENTS / channels + 15) / 16 * 16 + 16; }

static void sums_body(void* arg, int64_t begin, int64_t end) {
  sums_job* job = arg;
  const int64_t channels = job->channels;
  const int64_t width = 3 * job->group * channels;
  double small[SMALL], *wide = width <= SMALL ? small : malloc((size_t)width * sizeof(double));
  if (wide == NULL) {
    __atomic_store_n(&job->out_of_memory, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t b = begin; b < end; b++) {
    int64_t first = b * job->block, rows = job->rows - first < job->block ? job->rows - first : job->block;
    double* s = job->partial + 2 * b * channels;
    job->v->bn_sums(job->x + first * channels, job->dy ? job->dy + first * channels : NULL, job->pivot, rows,
                          channels, job->group, wide, s, s + channels);
  }
  if (wide != small) free(wide);
}

/* sums[0..channels) and sums[channels..2 channels): the two sums of bn_sums over all rows. */
static void sum_rows(bfb_call* call, const float* x, const float* dy, const float* pivot, const bfb_layout* layout,
                     double* sums) {
  const int64_t channels = layout->channels, block = block_rows(channels), blocks = (layout->rows + block - 1) / block;
  const int64_t partials = blocks * 2 * channels;
  double small[SMALL];
  sums_job job = {bfb_variant_for(layout->rows * channels), x, dy, pivot, layout->rows, channels, block,
                  (int)(16 / gcd(16, channels)), NULL, 0};
  job.partial = partials <= SMALL ? small : bfb_memory(call, partials, sizeof(double));
  if (job.partial == NULL) return;
  bfb_parallel_for(blocks, 1, sums_body, &job);
  if (job.out_of_memory) TF_SetStatus(call->status, TF_RESOURCE_EXHAUSTED, "no memory for batch normalization");
  for (int64_t c = 0; c < 2 * channels; c++) sums[c] = 0;
  for (int64_t b = 0; b < blocks; b++)
    for (int64_t c = 0; c < 2 * channels; c++) sums[c] += job.partial[2 * b * channels + c];
  if (job.partial != small) free(job.partial);
}

/* ---- elementwise part ---- */

typedef struct {
  const bfb_variant* v;
  const float *x, *dy;
  float* y;
  int64_t count, width;
  double *a, *b, *c;
} apply_job;

static void apply_body(void* arg, int64_t begin, int64_t end) {
  const apply_job* job = arg;
  int64_t at = begin * job->width, count = (end * job->width < job->count ? end * job->width : job->count) - at;
  if (job->dy)
    job->v->bn_apply_grad(job->dy + at, job->x + at, job->y + at, count, job->width, job->a, job->b, job->c);
  else
    job->v->bn_apply(job->x + at, job->y + at, count, job->width, job->a, job->b);
}

/* Repeat the channels' coefficients (a, b and, with dy, c) until a vector loop over them is worth its start. */
static void apply(bfb_call* call, const float* x, const float* dy, float* y, const bfb_layout* layout,
                  const double* coefficients) {
  const int64_t channels = layout->channels, enough = (256 + channels - 1) / channels;
  const int64_t copies = enough < layout->rows ? enough : layout->rows, width = copies * channels, kinds = dy ? 3 : 2;
  double small[SMALL], *repeated = kinds * width <= SMALL ? small : bfb_memory(call, kinds * width, sizeof(double));
  if (repeated == NULL) return;
  for (int k = 0; k < kinds; k++)
    for (int64_t i = 0; i < copies; i++)
      memcpy(repeated + k * width + i * channels, coefficients + k * channels, (size_t)channels * sizeof(double));
  apply_job job = {bfb_variant_for(layout->rows * channels), x, dy, y, layout->rows * channels, width, repeated,
                   repeated + width, repeated + 2 * width};
  bfb_parallel_for((job.count + width - 1) / width, APPLY_GRAIN / width + 1, apply_body, &job);
  if (repeated != small) free(repeated);
}

/* ---- arguments ---- */

static int need(bfb_call* call, int condition, const char* message, const bfb_tensor* t) {
  char shape[256];
  if (!condition) bfb_fail(call, "%s%s", message, t ? bfb_shape_text(t, shape, sizeof shape) : "");
  return condition;
}

static int need_channels(bfb_call* call, const char* name, const bfb_tensor* t, int64_t channels) {
  if (t->count != channels)
    bfb_fail(call, "%s must have the same number of elements as the channels of x, got %lld and %lld", name,
             (long long)t->count, (long long)channels);
  return t->count == channels;
}

static void to_float(const double* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i++) {
    float v = (float)from[i];
    to[i] = v == v ? (fabsf(v) <= 0x1p-126f ? 0.0f : v) : __builtin_nanf("");
  }
}

/* ---- forward ---- */

static void side_and_relu(const config* k, const float* side, float* y, int64_t n) {
  for (int64_t i = 0; side && i < n; i++) y[i] += side[i];
  for (int64_t i = 0; k->relu && i < n; i++) y[i] = y[i] < 0 ? 0.0f : y[i];
}

enum { X, SCALE, OFFSET, MEAN, VARIANCE, SIDE, INPUTS };

static void forward(bfb_call* call, const config* k, const bfb_tensor* in, const bfb_tensor* y, bfb_tensor* out) {
  const bfb_layout layout = bfb_layout_of(&in[X], k->channels_first);
  const int64_t channels = layout.channels;
  const float *scale = in[SCALE].data, *offset = in[OFFSET].data, *old_mean = in[MEAN].data, *old_var = in[VARIANCE].data;
  double small[SMALL], *work = 8 * channels <= SMALL ? small : bfb_memory(call, 8 * channels, sizeof(double));
  if (work == NULL) return;
  double *sums = work, *mean = work + 2 * channels, *var = mean + channels, *coefficients = var + channels;
  float* pivot = (float*)(coefficients + 3 * channels);
  bfb_matrix x = bfb_matrix_of(call, &in[X], &layout), to = bfb_matrix_for(call, y, &layout);
  if (bfb_ok(call) && k->training) {
    for (int64_t c = 0; c < channels; c++) pivot[c] = isfinite(x.data[c]) ? x.data[c] : 0;
    sum_rows(call, x.data, NULL, pivot, &layout, sums);
    const double rows = (double)layout.rows, adjust = layout.rows > 1 ? rows / (rows - 1) : 1.0;
    double *seen_mean = coefficients, *seen_var = coefficients + channels;
    for (int64_t c = 0; c < channels; c++) {
      double shift = sums[c] / rows, square = sums[channels + c] / rows;
      mean[c] = pivot[c] + shift;
      var[c] = __builtin_fma(-shift, shift, square);
      var[c] = var[c] < 0 ? 0 : var[c];
      seen_mean[c] = k->factor == 1.0f ? mean[c] : (1.0 - k->factor) * old_mean[c] + k->factor * mean[c];
      seen_var[c] = var[c] * adjust;
      if (k->factor != 1.0f) seen_var[c] = (1.0 - k->factor) * old_var[c] + k->factor * seen_var[c];
    }
    to_float(seen_mean, channels, out[0].data);
    to_float(seen_var, channels, out[1].data);
    to_float(mean, channels, out[2].data);
    to_float(var, channels, out[3].data);
  } else if (bfb_ok(call)) {
    for (int64_t c = 0; c < channels; c++) mean[c] = old_mean[c], var[c] = old_var[c];
  }
  if (bfb_ok(call)) {
    for (int64_t c = 0; c < channels; c++) {
      double a = scale[c] / sqrt(var[c] + k->epsilon);
      coefficients[c] = a;
      coefficients[channels + c] = __builtin_fma(-mean[c], a, offset[c]);
    }
    apply(call, x.data, NULL, to.data, &layout, coefficients);
    bfb_matrix side = {0};
    if (k->side_inputs) side = bfb_matrix_of(call, &in[SIDE], &layout);
    if (bfb_ok(call) && (k->relu || side.data)) side_and_relu(k, side.data, to.data, y->count);
    bfb_matrix_finish(&to, y, &layout);
    bfb_matrix_free(&side);
  }
  bfb_matrix_free(&x);
  bfb_matrix_free(&to);
  if (work != small) free(work);
}

/* Outputs 1 to 4, one value a channel. In inference the first two are the inputs' own memory, and the reserves one zero. */
static void small_outputs(bfb_call* call, const config* k, const bfb_tensor* in, bfb_tensor* out) {
  const int given = !k->training && in[X].count > 0;
  for (int i = 0; i < 4; i++) {
    if (given && i < 2)
      bfb_output_same(call, 1 + i, in[MEAN + i].tensor);
    else if (given && i == 3)
      bfb_output_same(call, 4, out[2].tensor);
    else
      bfb_output(call, 1 + i, TF_FLOAT, in[SCALE].dims, 1, &out[i]);
    if (bfb_ok(call) && given && i == 2) memset(out[2].data, 0, (size_t)out[2].count * sizeof(float));
  }
}

static void check_forward(bfb_call* call, const config* k, const bfb_tensor* in) {
  if (!need(call, in[X].rank == 4 || in[X].rank == 5, "input must be 4 or 5-dimensional", &in[X]) ||
      !need(call, in[SCALE].rank == 1, "scale must be 1-dimensional", &in[SCALE]) ||
      !need(call, in[OFFSET].rank == 1, "offset must be 1-dimensional", &in[OFFSET]) ||
      !need(call, in[MEAN].rank == 1, "estimated_mean must be 1-dimensional", &in[MEAN]) ||
      !need(call, in[VARIANCE].rank == 1, "estimated_variance must be 1-dimensional", &in[VARIANCE]))
    return;
  int64_t channels = bfb_layout_of(&in[X], k->channels_first).channels;
  if (!need_channels(call, "scale", &in[SCALE], channels) || !need_channels(call, "offset", &in[OFFSET], channels)) return;
  if (k->side_inputs && !need(call, in[SIDE].count == in[X].count, "side_input shape must be equal to input shape: ", &in[SIDE]))
    return;
  if (k->training && k->factor == 1.0f) return;
  const char* when = k->training ? "When exponential_avg_factor != 1, " : "When is_training=false, ";
  char name[64];
  for (int i = MEAN; i <= VARIANCE; i++) {
    strcpy(name, when);
    if (!need_channels(call, strcat(name, i == MEAN ? "mean" : "variance"), &in[i], channels)) return;
  }
}

static void compute_forward(void* kernel, TF_OpKernelContext* ctx) {
  const config* k = kernel;
  bfb_call call = bfb_begin(ctx);
  bfb_tensor in[INPUTS], y, out[4];
  y.tensor = NULL;
  for (int i = 0; i < INPUTS; i++) in[i].tensor = NULL;
  for (int i = 0; i < 4; i++) out[i].tensor = NULL;
  for (int i = 0; i < SIDE + (k->side_inputs > 0); i++) bfb_input(&call, i, &in[i]);
  if (bfb_ok(&call)) check_forward(&call, k, in);
  if (bfb_ok(&call)) {
    bfb_output_like(&call, &in[X], &y);
    small_outputs(&call, k, in, out);
    if (k->reserve) bfb_output_same(&call, 5, k->zero);
  }
  if (bfb_ok(&call) && in[X].count > 0) forward(&call, k, in, &y, out);
  if (bfb_ok(&call) && in[X].count == 0)
    for (int64_t c = 0; c < out[0].count; c++) {
      ((float*)out[0].data)[c] = ((float*)out[1].data)[c] = __builtin_nanf("");
      ((float*)out[2].data)[c] = ((float*)out[3].data)[c] = 0;
    }
  for (int i = 0; i < INPUTS; i++) bfb_release(&in[i]);
  for (int i = 0; i < 4; i++) bfb_release(&out[i]);
  bfb_release(&y);
  bfb_end(&call);
}

/* ---- backward ---- */

enum { G_DY, G_X, G_SCALE, G_MEAN, G_VARIANCE, G_INPUTS };

static void backward(bfb_call* call, const config* k, const bfb_tensor* in, const bfb_tensor* dx, bfb_tensor* dscale,
                     bfb_tensor* doffset) {
  const bfb_layout layout = bfb_layout_of(&in[G_X], k->channels_first);
  const int64_t channels = layout.channels;
  const float *scale = in[G_SCALE].data, *mean = in[G_MEAN].data, *var = in[G_VARIANCE].data;
  double small[SMALL], *work = 6 * channels <= SMALL ? small : bfb_memory(call, 6 * channels, sizeof(double));
  if (work == NULL) return;
  double *sums = work, *dgamma = work + 2 * channels, *coefficients = dgamma + channels;
  bfb_matrix x = bfb_matrix_of(call, &in[G_X], &layout), dy = bfb_matrix_of(call, &in[G_DY], &layout),
             to = bfb_matrix_for(call, dx, &layout);
  if (bfb_ok(call)) sum_rows(call, x.data, dy.data, mean, &layout, sums);
  if (bfb_ok(call)) {
    const double rows = (double)layout.rows;
    for (int64_t c = 0; c < channels; c++) {
      double inverse = 1.0 / sqrt((double)var[c] + k->epsilon), a = scale[c] * inverse;
      double slope = k->training ? -a * inverse * inverse * (sums[channels + c] / rows) : 0.0;
      double level = k->training ? -a * (sums[c] / rows) : 0.0;
      dgamma[c] = sums[channels + c] * inverse;
      coefficients[c] = a;
      coefficients[channels + c] = slope;
      coefficients[2 * channels + c] = __builtin_fma(-slope, mean[c], level);
    }
    to_float(dgamma, channels, dscale->data);
    to_float(sums, channels, doffset->data);
    if (k->training)
      apply(call, x.data, dy.data, to.data, &layout, coefficients);
    else { /* dx = dy a, whatever x holds */
      memset(coefficients + channels, 0, (size_t)channels * sizeof(double));
      apply(call, dy.data, NULL, to.data, &layout, coefficients);
    }
    if (bfb_ok(call)) bfb_matrix_finish(&to, dx, &layout);
  }
  bfb_matrix_free(&x);
  bfb_matrix_free(&dy);
  bfb_matrix_free(&to);
  if (work != small) free(work);
}

static void check_backward(bfb_call* call, const config* k, const bfb_tensor* in) {
  char a[256], b[256];
  if (!need(call, in[G_DY].rank == 4 || in[G_DY].rank == 5, "input must be 4 or 5-dimensional", &in[G_DY]) ||
      !need(call, in[G_X].rank == 4 || in[G_X].rank == 5, "input must be 4 or 5-dimensional", &in[G_X]) ||
      !need(call, in[G_SCALE].rank == 1, "scale must be 1-dimensional", &in[G_SCALE]) ||
      !need(call, in[G_MEAN].rank == 1, "saved mean must be 1-dimensional", &in[G_MEAN]) ||
      !need(call, in[G_VARIANCE].rank == 1, "saved variance must be 1-dimensional", &in[G_VARIANCE]))
    return;
  bfb_shape_text(&in[G_X], a, sizeof a);
  bfb_shape_text(&in[G_DY], b, sizeof b);
  if (strcmp(a, b) != 0)
    bfb_fail(call, "x and y_backprop must have same shape, but x has shape %s and y_backprop has shape %s", a, b);
  else if (!k->training && k->channels_first)
    bfb_fail(call, "The implementation of FusedBatchNormGrad with is_training=False only support NHWC tensor format for now.");
  int64_t channels = bfb_layout_of(&in[G_X], k->channels_first).channels;
  if (need_channels(call, "scale", &in[G_SCALE], channels) && need_channels(call, "reserve_space_1", &in[G_MEAN], channels))
    need_channels(call, "reserve_space_2", &in[G_VARIANCE], channels);
}

static void compute_backward(void* kernel, TF_OpKernelContext* ctx) {
  const config* k = kernel;
  bfb_call call = bfb_begin(ctx);
  bfb_tensor in[G_INPUTS], out[5];
  const int64_t none = 0;
  for (int i = 0; i < G_INPUTS; i++) in[i].tensor = NULL;
  for (int i = 0; i < 5; i++) out[i].tensor = NULL;
  for (int i = 0; i < G_INPUTS; i++) bfb_input(&call, i, &in[i]);
  if (bfb_ok(&call)) check_backward(&call, k, in);
  if (bfb_ok(&call)) {
    bfb_output(&call, 0, in[G_X].dtype, in[G_X].dims, in[G_X].rank, &out[0]);
    for (int i = 1; i < 3; i++) bfb_output(&call, i, TF_FLOAT, in[G_SCALE].dims, 1, &out[i]);
    for (int i = 3; i < 5; i++) bfb_output(&call, i, TF_FLOAT, &none, 1, &out[i]);
  }
  if (bfb_ok(&call) && in[G_X].count > 0) backward(&call, k, in, &out[0], &out[1], &out[2]);
  if (bfb_ok(&call) && in[G_X].count == 0)
    for (int i = 1; i < 3; i++) memset(out[i].data, 0, (size_t)out[i].count * sizeof(float));
  for (int i = 0; i < G_INPUTS; i++) bfb_release(&in[i]);
  for (int i = 0; i < 5; i++) bfb_release(&out[i]);
  bfb_end(&call);
}

/* ---- attributes ---- */

static int text_attribute(TF_OpKernelConstruction* ctx, const char* name, const char* wanted, TF_Status* status) {
  char value[32] = {0};
  TF_OpKernelConstruction_GetAttrString(ctx, name, value, sizeof value - 1, status);
  return strcmp(value, wanted) == 0;
}

static void* create(TF_OpKernelConstruction* ctx, int gradient, int reserve, int fused) {
  config* k = calloc(1, sizeof *k);
  TF_Status* status = TF_NewStatus();
  unsigned char training = 1;
  k->gradient = gradient;
  k->reserve = reserve;
  k->factor = 1.0f;
  TF_OpKernelConstruction_GetAttrFloat(ctx, "epsilon", &k->epsilon, status);
  TF_OpKernelConstruction_GetAttrBool(ctx, "is_training", &training, status);
  k->training = training;
  if (!gradient) TF_OpKernelConstruction_GetAttrFloat(ctx, "exponential_avg_factor", &k->factor, status);
  k->channels_first = text_attribute(ctx, "data_format", "NCHW", status) || text_attribute(ctx, "data_format", "NCDHW", status);
  if (fused) {
    k->relu = text_attribute(ctx, "activation_mode", "Relu", status);
    TF_OpKernelConstruction_GetAttrInt32(ctx, "num_side_inputs", &k->side_inputs, status);
  }
  if (reserve) {
    k->zero = TF_AllocateTensor(TF_FLOAT, NULL, 0, sizeof(float));
    *(float*)TF_TensorData(k->zero) = 0;
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(ctx, status);
  TF_DeleteStatus(status);
  return k;
}

static void destroy(void* kernel) {
  config* k = kernel;
  if (k->zero) TF_DeleteTensor(k->zero);
  free(kernel);
}

static void* create_forward(TF_OpKernelConstruction* ctx) { return create(ctx, 0, 0, 0); }
static void* create_forward_v3(TF_OpKernelConstruction* ctx) { return create(ctx, 0, 1, 0); }
static void* create_fused(TF_OpKernelConstruction* ctx) { return create(ctx, 0, 1, 1); }
static void* create_backward(TF_OpKernelConstruction* ctx) { return create(ctx, 1, 0, 0); }

#define FLOATS {TF_FLOAT, TF_HALF, TF_BFLOAT16}
#define FORWARD .compute = compute_forward, .destroy = destroy
#define BACKWARD .create = create_backward, .compute = compute_backward, .destroy = destroy
const bfb_op_row bfb_batchnorm_ops[] = {
    {.op = "FusedBatchNorm", .dtypes = {TF_FLOAT}, .create = create_forward, FORWARD},
    {.op = "FusedBatchNormV2", .dtypes = FLOATS, .float_u = 1, .create = create_forward, FORWARD},
    {.op = "FusedBatchNormV3", .dtypes = FLOATS, .float_u = 1, .create = create_forward_v3, FORWARD},
    {.op = "_FusedBatchNormEx", .dtypes = {TF_FLOAT, TF_BFLOAT16}, .float_u = 1, .create = create_fused, FORWARD},
    {.op = "FusedBatchNormGrad", .dtypes = {TF_FLOAT}, BACKWARD},
    {.op = "FusedBatchNormGradV2", .dtypes = FLOATS, .float_u = 1, BACKWARD},
    {.op = "FusedBatchNormGradV3", .dtypes = FLOATS, .float_u = 1, BACKWARD},
    {.op = 0},
};
