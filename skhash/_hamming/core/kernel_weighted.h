/* The kernels for weighted Hamming distances: the sum of the weights of differing bits.
 *
 * A query has one signed weight per bit, from -MOST_WEIGHT to MOST_WEIGHT; its code has
 * a 1 where the weight is positive, and a difference costs the magnitude. So the inner
 * product of the weights with the bits as +1 and -1 is the sum of the magnitudes less
 * twice the distance. As in `kernel_avx2.h`, two tables per plane and query give the
 * distance of each nibble. */
#ifndef SKHASH_KERNEL_WEIGHTED_H
#define SKHASH_KERNEL_WEIGHTED_H

#include "kernel.h"
#if defined(__x86_64__)
#include "kernel_avx2.h"
#endif

#define MOST_WEIGHT 7
#define WEIGHTED_PLANES 4 /* summed in a byte lane: 4 * 8 * 7 = 224 */
#define WEIGHTED_TABLES 32 /* bytes per plane and query: low and high nibble */

static void prepare_weighted(const uint8_t *const *queries, size_t n_bytes,
                             uint8_t *prepared)
{
    for (size_t j = 0; j < n_bytes; j++) {
        for (int i = 0; i < GROUP; i++) {
            const int8_t *weights = (const int8_t *)queries[i] + 8 * j;
            memset(prepared, 0, WEIGHTED_TABLES);
            for (int x = 0; x < 16; x++) {
                for (int bit = 0; bit < 4; bit++) { /* the first weight: highest bit */
                    int low = weights[7 - bit], high = weights[3 - bit];
                    if ((low > 0) != (x >> bit & 1))
                        prepared[x] = (uint8_t)(prepared[x] + (low < 0 ? -low : low));
                    if ((high > 0) != (x >> bit & 1))
                        prepared[16 + x] =
                            (uint8_t)(prepared[16 + x] + (high < 0 ? -high : high));
                }
            }
            prepared += WEIGHTED_TABLES;
        }
    }
}

static bool weighted_always_available(void)
{
    return true;
}

static bool weighted_portable(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                              const uint8_t *prepared, const uint32_t *bounds,
                              int n_queries, step_result *out)
{
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        for (int i = 0; i < n_queries; i++) {
            uint16_t distances[LANES] = {0};
            for (size_t j = 0; j < n_bytes; j++) {
                const uint8_t *plane = blocks + (b * n_bytes + j) * LANES;
                const uint8_t *tables = prepared + (j * GROUP + (size_t)i) * WEIGHTED_TABLES;
                for (int l = 0; l < LANES; l++)
                    distances[l] = (uint16_t)(distances[l] + tables[plane[l] & 15] +
                                              tables[16 + (plane[l] >> 4)]);
            }
            record_block(out, hits, i, b, distances, (uint16_t)bounds[i], true);
        }
    }
    return record_hits(out, hits);
}

static const kernel WEIGHTED_PORTABLE_KERNEL = {
    .name = "portable",
    .available = weighted_always_available,
    .prepared_bytes = WEIGHTED_TABLES * GROUP,
    .prepare = prepare_weighted,
    .narrow = weighted_portable,
    .wide = weighted_portable,
    .weighted = true,
};

#if defined(__x86_64__)
TARGET_AVX2 static bool weighted_avx2(const uint8_t *blocks, size_t n_blocks,
                                      size_t n_bytes, const uint8_t *prepared,
                                      const uint32_t *bounds, int n_queries,
                                      step_result *out)
{
    if (n_queries == 1)
        return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, 1, out,
                              WEIGHTED_PLANES);
    return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, GROUP, out,
                          WEIGHTED_PLANES);
}

static const kernel WEIGHTED_AVX2_KERNEL = {
    .name = "avx2",
    .available = avx2_available,
    .prepared_bytes = WEIGHTED_TABLES * GROUP,
    .prepare = prepare_weighted,
    .narrow = weighted_avx2,
    .wide = weighted_avx2,
    .weighted = true,
};
#endif

/* Return the weighted kernel for machines on which a kernel runs. */
static inline const kernel *weighted_kernel(const kernel *kernel)
{
#if defined(__x86_64__)
    if (kernel->sliced) /* AVX2 or more */
        return &WEIGHTED_AVX2_KERNEL;
#endif
    (void)kernel;
    return &WEIGHTED_PORTABLE_KERNEL;
}

#endif
