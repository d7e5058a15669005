/* Products of sparse rows and dense weights.
 *
 * Every function adds the entries of a row in their order, and rounds after each product
 * and each sum, so that all of them give the same bits, as does SciPy: on every processor
 * (this file is compiled without contraction to fused operations), whichever function is
 * used, and whatever other rows there are. */
#ifndef SKHASH_SPARSE_PRODUCT_H
#define SKHASH_SPARSE_PRODUCT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../_hamming/core/compiler.h"

/* Vectors of sums per block of outputs, 64 bytes each: few enough to stay in registers,
 * and enough that additions need not wait for each other. */
#define N_VECTORS 4

/* Define NAME(values, columns, starts, n_rows, weights, n_outputs, out): row by row, the
 * weights of its entries are read. */
#define DEFINE_ROWS(NAME, SUM, WEIGHT)                                                 \
    typedef SUM NAME##_sums VECTOR(64, SUM);                                           \
    typedef WEIGHT NAME##_weights VECTOR(64 / sizeof(SUM) * sizeof(WEIGHT), WEIGHT);   \
                                                                                       \
    CLONES void NAME(const SUM *values, const int32_t *columns, const int64_t *starts, \
                     int64_t n_rows, const WEIGHT *weights, int64_t n_outputs,         \
                     SUM *out)                                                         \
    {                                                                                  \
        enum { WIDTH = N_VECTORS * 64 / sizeof(SUM) };                                 \
        for (int64_t row = 0; row < n_rows; row++, out += n_outputs) {                 \
            int64_t first = starts[row], last = starts[row + 1], j = 0;                \
            for (; j + WIDTH <= n_outputs; j += WIDTH) {                               \
                NAME##_sums sums[N_VECTORS] = {{0}};                                   \
                for (int64_t i = first; i < last; i++) {                               \
                    const NAME##_weights *block =                                      \
                        (const NAME##_weights *)(weights + columns[i] * n_outputs + j); \
                    for (int k = 0; k < N_VECTORS; k++)                                \
                        sums[k] +=                                                     \
                            values[i] * CONVERT_VECTOR(block[k], NAME##_sums);          \
                }                                                                      \
                memcpy(out + j, sums, sizeof sums);                                    \
            }                                                                          \
            if (j == n_outputs)                                                        \
                continue;                                                              \
            SUM rest[WIDTH] = {0};                                                     \
            for (int64_t i = first; i < last; i++) {                                   \
                const WEIGHT *block = weights + columns[i] * n_outputs + j;            \
                for (int64_t k = 0; k < n_outputs - j; k++)                            \
                    rest[k] += values[i] * (SUM)block[k];                              \
            }                                                                          \
            memcpy(out + j, rest, (n_outputs - j) * sizeof(SUM));                      \
        }                                                                              \
    }

DEFINE_ROWS(rows_float, float, float)
DEFINE_ROWS(rows_mixed, double, float)
DEFINE_ROWS(rows_double, double, double)

typedef float lanes VECTOR(64, float);
enum { BLOCK_WIDTH = N_VECTORS * 16, AHEAD = 8 };

/* Copy `width` weights of each column next to each other, N_VECTORS per column. */
static void take_weights(const float *weights, int64_t n_columns, int64_t n_outputs,
                         int64_t width, lanes *taken)
{
    if (width < BLOCK_WIDTH)
        memset(taken, 0, n_columns * N_VECTORS * sizeof *taken);
    for (int64_t column = 0; column < n_columns; column++) {
        /* The step is too long for the processor to see. */
        for (int k = 0; k < N_VECTORS; k++)
            PREFETCH(weights + AHEAD * n_outputs + 16 * k);
        memcpy(taken, weights, width * sizeof *weights);
        weights += n_outputs;
        taken += N_VECTORS;
    }
}

CLONES void write_block(const float *values, const int32_t *columns,
                        const int64_t *starts, int64_t n_rows, const lanes *weights,
                        int64_t n_outputs, int64_t width, float *out)
{
    for (int64_t row = 0; row < n_rows; row++, out += n_outputs) {
        lanes sums[N_VECTORS] = {{0}};
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) {
            const lanes *block = weights + (int64_t)columns[i] * N_VECTORS;
            for (int k = 0; k < N_VECTORS; k++)
                sums[k] += values[i] * block[k];
        }
        memcpy(out, sums, width * sizeof *out);
    }
}

/* As rows_float, one block of outputs after another for all rows. The weights of a block
 * lie next to each other, so that those of frequent columns stay in the cache. Faster
 * where columns have several entries. */
static void blocks_float(const float *values, const int32_t *columns,
                         const int64_t *starts, int64_t n_rows, int64_t n_columns,
                         const float *weights, int64_t n_outputs, float *out)
{
    lanes *taken = ALIGNED_ALLOC(64, n_columns * N_VECTORS * sizeof *taken);
    if (!taken) {
        rows_float(values, columns, starts, n_rows, weights, n_outputs, out);
        return;
    }
    for (int64_t j = 0; j < n_outputs; j += BLOCK_WIDTH) {
        int64_t width = n_outputs - j < BLOCK_WIDTH ? n_outputs - j : BLOCK_WIDTH;
        take_weights(weights + j, n_columns, n_outputs, width, taken);
        write_block(values, columns, starts, n_rows, taken, n_outputs, width, out + j);
    }
    ALIGNED_FREE(taken);
}

#endif
