/* A float32 matrix product of fixed order: each output element is ONE chain of fused multiply-adds over k = 0, 1, ...
 *
 * Blocking touches rows and columns only, so tile sizes (which differ by vector width), threads and position in the batch
 * cannot change a bit.  A tile's accumulators live in registers through the whole k loop.  The left side is read in place,
 * the right side too, unless it is transposed, narrow, or used by many rows: then a panel of it is copied first.
 */
#include "variant.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"

#ifdef __AVX512F__
typedef __m512 vec;
enum { W = 16, ROWS = 12 };
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define SET1 _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define ZERO _mm512_setzero_ps
#else
typedef __m256 vec;
enum { W = 8, ROWS = 6 };
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define SET1 _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define ZERO _mm256_setzero_ps
#endif
enum { COLUMNS = 2 * W, REUSED = 4 * ROWS };

/* rows x COLUMNS of the product, `rows` a constant of the call so that the accumulators become registers. */
INLINE void tile(int rows, int64_t depth, const float* a, int64_t step_row, int64_t step_k, const float* b, int64_t step_b,
                 float* c, int64_t step_c, int columns) {
  vec sum[ROWS][2];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = ZERO();
  for (int64_t k = 0; k < depth; k++) {
    vec left = LOAD(b + k * step_b), right = LOAD(b + k * step_b + W);
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
      vec x = SET1(a[i * step_row + k * step_k]);
      sum[i][0] = FMA(x, left, sum[i][0]);
      sum[i][1] = FMA(x, right, sum[i][1]);
    }
  }
  float edge[COLUMNS];
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++) {
    float* to = columns == COLUMNS ? c + i * step_c : edge;
    STORE(to, sum[i][0]);
    STORE(to + W, sum[i][1]);
    if (columns < COLUMNS) memcpy(c + i * step_c, edge, (size_t)columns * sizeof(float));
  }
}

static void any_rows(int rows, int64_t depth, const float* a, int64_t step_row, int64_t step_k, const float* b,
                     int64_t step_b, float* c, int64_t step_c, int columns) {
  switch (rows) {
#define CASE(n) \
  case n: tile(n, depth, a, step_row, step_k, b, step_b, c, step_c, columns); break;
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#ifdef __AVX512F__
    CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
  }
}

/* Columns [first, first + columns) of the right side as (depth, COLUMNS), zeros beyond. */
static void copy_panel(float* panel, const float* b, int64_t depth, int64_t step_k, int64_t step_column, int columns) {
  if (columns < COLUMNS) memset(panel, 0, (size_t)(depth * COLUMNS) * sizeof(float));
  if (step_column == 1) {
    for (int64_t k = 0; k < depth; k++) memcpy(panel + k * COLUMNS, b + k * step_k, (size_t)columns * sizeof(float));
    return;
  }
  enum { SQUARE = 16 }; /* a few cache lines of both sides at a time */
  for (int64_t k0 = 0; k0 < depth; k0 += SQUARE)
    for (int j = 0; j < columns; j++)
      for (int64_t k = k0; k < k0 + SQUARE && k < depth; k++) panel[k * COLUMNS + j] = b[k * step_k + j * step_column];
}

/* Rows [row0, row1) of C (m x n) = A (m x depth) B (depth x n), columns [column0, column1), both given by their steps.
 * `panel` holds depth x 2 x 16 floats. */
void VARIANT(matmul)(const bfb_product* p, int64_t row0, int64_t row1, int64_t column0, int64_t column1, float* panel) {
  for (int64_t j = column0; j < column1; j += COLUMNS) {
    int columns = column1 - j < COLUMNS ? (int)(column1 - j) : COLUMNS;
    const float* b = p->b + j * p->b_column;
    int64_t step_b = p->b_k;
    if (columns < COLUMNS || p->b_column != 1 || row1 - row0 >= REUSED) {
      copy_panel(panel, b, p->depth, p->b_k, p->b_column, columns);
      b = panel;
      step_b = COLUMNS;
    }
    for (int64_t i = row0; i < row1; i += ROWS)
      any_rows(row1 - i < ROWS ? (int)(row1 - i) : ROWS, p->depth, p->a + i * p->a_row, p->a_row, p->a_k, b, step_b,
               p->c + i * p->n + j, p->n, columns);
  }
}
