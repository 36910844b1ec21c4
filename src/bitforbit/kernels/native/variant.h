/* Included first by files that are compiled once per vector width, with -DBFB_VARIANT=avx2 or avx512. */
#ifndef BFB_VARIANT_H
#define BFB_VARIANT_H

#include "bfb.h"

#define BFB_PASTE_(a, b, c) a##b##_##c
#define BFB_PASTE(a, b, c) BFB_PASTE_(a, b, c)
#define VARIANT(name) BFB_PASTE(bfb_, name, BFB_VARIANT)

extern const bfb_unary_row VARIANT(unary)[];
extern const bfb_binary_row VARIANT(binary)[];
void VARIANT(half_to_float)(const uint16_t* x, float* y, int64_t n);
void VARIANT(float_to_half)(const float* x, uint16_t* y, int64_t n);
void VARIANT(bfloat_to_float)(const uint16_t* x, float* y, int64_t n);
void VARIANT(float_to_bfloat)(const float* x, uint16_t* y, int64_t n);
float VARIANT(row_max)(const float* x, int64_t n);
void VARIANT(softmax_exp)(const float* x, float* y, int64_t n);
double VARIANT(exp_sum)(const float* x, float shift, float* e, int64_t n);
void VARIANT(divide)(const float* e, float sum, float* y, int64_t n);
void VARIANT(bn_sums)(const float* x, const float* dy, const float* pivot, int64_t rows, int64_t channels, int group,
                      double* wide, double* s, double* q);
void VARIANT(bn_apply)(const float* x, float* y, int64_t count, int64_t width, const double* a, const double* b);
void VARIANT(bn_apply_grad)(const float* dy, const float* x, float* dx, int64_t count, int64_t width, const double* a,
                            const double* b, const double* c);
void VARIANT(matmul)(const bfb_product* p, int64_t row0, int64_t row1, int64_t column0, int64_t column1, float* panel);
void VARIANT(softmax_rows)(const float* x, float* y, int64_t rows, int64_t cols);

#endif
