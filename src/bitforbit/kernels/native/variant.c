/* One table of this vector width's functions. */
#include "variant.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const bfb_variant VARIANT(variant) = {
    .isa = TEXT(BFB_VARIANT),
    .unary = VARIANT(unary),
    .binary = VARIANT(binary),
    .half_to_float = VARIANT(half_to_float),
    .float_to_half = VARIANT(float_to_half),
    .bfloat_to_float = VARIANT(bfloat_to_float),
    .float_to_bfloat = VARIANT(float_to_bfloat),
    .row_max = VARIANT(row_max),
    .exp_sum = VARIANT(exp_sum),
    .divide = VARIANT(divide),
    .bn_sums = VARIANT(bn_sums),
    .bn_apply = VARIANT(bn_apply),
    .bn_apply_grad = VARIANT(bn_apply_grad),
    .matmul = VARIANT(matmul),
    .softmax_rows = VARIANT(softmax_rows),
};
