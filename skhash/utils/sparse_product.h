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

/* The instruction set is chosen when the module is loaded. The sanitizers run before
 * that, and macOS and musl have no such choice. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

/* Vectors of sums per block of outputs, 64 bytes each: few enough to stay in registers,
 * and enough that additions need not wait for each other. */
#define N_VECTORS 4

/* Define NAME(values, columns, starts, n_rows, weights, n_outputs, out): row by row, the
 * weights of its entries are read. */
#define DEFINE_ROWS(NAME, SUM, WEIGHT)                                                 \
    typedef SUM NAME##_sums __attribute__((vector_size(64), aligned(sizeof(SUM))));    \
    typedef WEIGHT NAME##_weights __attribute__((                                      \
        vector_size(64 / sizeof(SUM) * sizeof(WEIGHT)), aligned(sizeof(WEIGHT))));     \
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
                            values[i] * __builtin_convertvector(block[k], NAME##_sums); \
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

typedef float lanes __attribute__((vector_size(64), aligned(4)));
enum { TILE_WIDTH = N_VECTORS * 16, AHEAD = 4 };

/* The entries of rows in the order of their columns. */
typedef struct {
    int64_t *ends; /* of each column */
    int32_t *rows; /* relative to the first row */
    float *values;
    float *tile; /* sums of all rows, TILE_WIDTH of them each */
} by_column;

static void free_columns(by_column *entries)
{
    free(entries->ends);
    free(entries->rows);
    free(entries->values);
    free(entries->tile);
}

static int allocate_columns(by_column *entries, int64_t n_rows, int64_t n_entries,
                            int64_t n_columns)
{
    entries->ends = calloc(n_columns + 1, sizeof *entries->ends);
    entries->rows = malloc((n_entries + 1) * sizeof *entries->rows);
    entries->values = malloc((n_entries + 1) * sizeof *entries->values);
    /* Not aligned to lines of the cache, it takes twice as long to add to. */
    entries->tile = aligned_alloc(64, n_rows * TILE_WIDTH * sizeof *entries->tile);
    return entries->ends && entries->rows && entries->values && entries->tile;
}

static void sort_entries(const float *values, const int32_t *columns,
                         const int64_t *starts, int64_t n_rows, int64_t n_columns,
                         by_column *entries)
{
    int64_t *next = entries->ends;
    for (int64_t i = starts[0]; i < starts[n_rows]; i++)
        next[columns[i] + 1]++;
    for (int64_t column = 0; column < n_columns; column++)
        next[column + 1] += next[column];
    /* The start of each column moves to its end. */
    for (int64_t row = 0; row < n_rows; row++)
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) {
            int64_t position = next[columns[i]]++;
            entries->rows[position] = (int32_t)row;
            entries->values[position] = values[i];
        }
}

/* Add a block of outputs of all rows into the tile. */
CLONES void add_columns(const by_column *entries, int64_t n_columns,
                        const float *weights, int64_t n_outputs, int64_t width)
{
    float padded[TILE_WIDTH] = {0};
    int64_t i = 0;
    for (int64_t column = 0; column < n_columns; column++, weights += n_outputs) {
        if (i == entries->ends[column])
            continue;
        /* The step is too long for the processor to see. */
        for (int k = 0; k < N_VECTORS; k++)
            __builtin_prefetch(weights + AHEAD * n_outputs + 16 * k);
        const lanes *block = (const lanes *)weights;
        if (width < TILE_WIDTH) {
            memcpy(padded, weights, width * sizeof *weights);
            block = (const lanes *)padded;
        }
        lanes own[N_VECTORS];
        for (int k = 0; k < N_VECTORS; k++)
            own[k] = block[k];
        for (; i < entries->ends[column]; i++) {
            lanes *sums = (lanes *)(entries->tile + TILE_WIDTH * (int64_t)entries->rows[i]);
            for (int k = 0; k < N_VECTORS; k++)
                sums[k] += entries->values[i] * own[k];
        }
    }
}

/* As rows_float, for rows with ascending columns: column by column, the weights are read
 * once and in order, and the sums of all rows stay in the cache. Faster where a column
 * has many entries, since weights do not stay there. Returns 0 without memory. */
static int columns_float(const float *values, const int32_t *columns,
                         const int64_t *starts, int64_t n_rows, int64_t n_columns,
                         const float *weights, int64_t n_outputs, float *out)
{
    by_column entries;
    int64_t n_entries = starts[n_rows] - starts[0];
    int has_memory = allocate_columns(&entries, n_rows, n_entries, n_columns);
    if (has_memory) {
        sort_entries(values, columns, starts, n_rows, n_columns, &entries);
        for (int64_t j = 0; j < n_outputs; j += TILE_WIDTH) {
            int64_t width = n_outputs - j < TILE_WIDTH ? n_outputs - j : TILE_WIDTH;
            memset(entries.tile, 0, n_rows * TILE_WIDTH * sizeof *entries.tile);
            add_columns(&entries, n_columns, weights + j, n_outputs, width);
            for (int64_t row = 0; row < n_rows; row++)
                memcpy(out + row * n_outputs + j, entries.tile + row * TILE_WIDTH,
                       width * sizeof *out);
        }
    }
    free_columns(&entries);
    return has_memory;
}

#endif
