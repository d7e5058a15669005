/* The kernels for weighted Hamming distances: the sum of the weights of differing bits.
 *
 * A query has one signed weight per bit, from -MOST_WEIGHT to MOST_WEIGHT; its code has
 * a 1 where the weight is positive, and a difference costs the magnitude. So the inner
 * product of the weights with the bits as +1 and -1 is the sum of the magnitudes less
 * twice the distance. As in `kernel_avx2.h`, two tables per plane and query give the
 * distance of each nibble. Their bytes hold sums of magnitudes below 8; larger ones are
 * split into two *digits*, 16 * high + low, each with tables of its own. */
#ifndef SKHASH_KERNEL_WEIGHTED_H
#define SKHASH_KERNEL_WEIGHTED_H

#include "kernel.h"
#if defined(__x86_64__)
#include "kernel_avx2.h"
#endif

#define MOST_WEIGHT 127
#define MOST_SMALL_WEIGHT 7     /* of queries with one digit */
#define MOST_WEIGHTED_SUM 65534 /* of the magnitudes of a query: distances take 16 bits */
#define WEIGHTED_PLANES 4       /* summed in a byte lane: 4 * 8 * 7 = 224 */
#define WEIGHTED_TABLES 32      /* bytes per plane, query and digit: two nibbles */

/* Find the largest magnitude, and the largest sum of the magnitudes of a query. */
static void measure_weights(const int8_t *weights, size_t n_queries, size_t n_bits,
                            uint32_t *most, uint32_t *most_sum)
{
    *most = *most_sum = 0;
    for (size_t q = 0; q < n_queries; q++) {
        uint32_t sum = 0;
        for (size_t i = 0; i < n_bits; i++) {
            int weight = weights[q * n_bits + i];
            uint32_t magnitude = (uint32_t)(weight < 0 ? -weight : weight);
            sum += magnitude;
            *most = magnitude > *most ? magnitude : *most;
        }
        *most_sum = sum > *most_sum ? sum : *most_sum;
    }
}

/* Make the table of a nibble for one digit; the first weight is that of its highest bit. */
static void weigh_nibble(const int8_t *weights, int shift, int mask, uint8_t *table)
{
    memset(table, 0, 16);
    for (int x = 0; x < 16; x++) {
        for (int bit = 0; bit < 4; bit++) {
            int weight = weights[3 - bit], magnitude = weight < 0 ? -weight : weight;
            if ((weight > 0) != (x >> bit & 1))
                table[x] = (uint8_t)(table[x] + (magnitude >> shift & mask));
        }
    }
}

static void prepare_digit(const uint8_t *const *queries, size_t n_bytes, int shift,
                          int mask, uint8_t *prepared)
{
    for (size_t j = 0; j < n_bytes; j++) {
        for (int i = 0; i < GROUP; i++) {
            const int8_t *weights = (const int8_t *)queries[i] + 8 * j;
            weigh_nibble(weights + 4, shift, mask, prepared);
            weigh_nibble(weights, shift, mask, prepared + 16);
            prepared += WEIGHTED_TABLES;
        }
    }
}

static void prepare_small_weights(const uint8_t *const *queries, size_t n_bytes,
                                  uint8_t *prepared)
{
    prepare_digit(queries, n_bytes, 0, 7, prepared);
}

static void prepare_weights(const uint8_t *const *queries, size_t n_bytes,
                            uint8_t *prepared)
{
    prepare_digit(queries, n_bytes, 4, 7, prepared);
    prepare_digit(queries, n_bytes, 0, 15, prepared + n_bytes * GROUP * WEIGHTED_TABLES);
}

static bool weighted_always_available(void)
{
    return true;
}

ALWAYS_INLINE bool weighted_portable(const uint8_t *blocks, size_t n_blocks,
                                     size_t n_bytes, const uint8_t *prepared,
                                     const uint32_t *bounds, int n_queries,
                                     step_result *out, int n_digits)
{
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        for (int i = 0; i < n_queries; i++) {
            uint16_t distances[LANES] = {0};
            for (size_t j = 0; j < (size_t)n_digits * n_bytes; j++) {
                const uint8_t *plane = blocks + (b * n_bytes + j % n_bytes) * LANES;
                const uint8_t *tables = prepared + (j * GROUP + (size_t)i) * WEIGHTED_TABLES;
                int shift = n_digits == 2 && j < n_bytes ? 4 : 0;
                for (int l = 0; l < LANES; l++) {
                    int sum = tables[plane[l] & 15] + tables[16 + (plane[l] >> 4)];
                    distances[l] = (uint16_t)(distances[l] + (sum << shift));
                }
            }
            record_block(out, hits, i, b, distances, (uint16_t)bounds[i], true);
        }
    }
    return record_hits(out, hits);
}

#define WEIGHTED_ARGUMENTS                                                               \
    const uint8_t *blocks, size_t n_blocks, size_t n_bytes, const uint8_t *prepared,     \
        const uint32_t *bounds, int n_queries, step_result *out

static bool portable_small_weights(WEIGHTED_ARGUMENTS)
{
    return weighted_portable(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, 1);
}

static bool portable_weights(WEIGHTED_ARGUMENTS)
{
    return weighted_portable(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, 2);
}

#define WEIGHTED_KERNELS(isa, is_available)                      \
    {                                                            \
        {.name = #isa,                                           \
         .available = is_available,                              \
         .prepared_bytes = WEIGHTED_TABLES * GROUP,              \
         .prepare = prepare_small_weights,                       \
         .narrow = isa##_small_weights,                          \
         .wide = isa##_small_weights,                            \
         .weighted = true},                                      \
        {.name = #isa,                                           \
         .available = is_available,                              \
         .prepared_bytes = 2 * WEIGHTED_TABLES * GROUP,          \
         .prepare = prepare_weights,                             \
         .narrow = isa##_weights,                                \
         .wide = isa##_weights,                                  \
         .weighted = true},                                      \
    }

/* With one digit, and with two. */
static const kernel WEIGHTED_PORTABLE_KERNELS[2] =
    WEIGHTED_KERNELS(portable, weighted_always_available);

#if defined(__x86_64__)
TARGET_AVX2 static bool avx2_small_weights(WEIGHTED_ARGUMENTS)
{
    if (n_queries == 1)
        return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, 1, out,
                              WEIGHTED_PLANES, 1);
    return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, GROUP, out,
                          WEIGHTED_PLANES, 1);
}

TARGET_AVX2 static bool avx2_weights(WEIGHTED_ARGUMENTS)
{
    if (n_queries == 1)
        return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, 1, out,
                              WEIGHTED_PLANES, 2);
    return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, GROUP, out,
                          WEIGHTED_PLANES, 2);
}

static const kernel WEIGHTED_AVX2_KERNELS[2] = WEIGHTED_KERNELS(avx2, avx2_available);
#endif

/* Return the weighted kernel for machines on which a kernel runs, for weights of
 * magnitudes up to `most`. */
static inline const kernel *weighted_kernel(const kernel *kernel, uint32_t most)
{
    int two_digits = most > MOST_SMALL_WEIGHT;
#if defined(__x86_64__)
    if (kernel->sliced) /* AVX2 or more */
        return &WEIGHTED_AVX2_KERNELS[two_digits];
#endif
    (void)kernel;
    return &WEIGHTED_PORTABLE_KERNELS[two_digits];
}

#endif
