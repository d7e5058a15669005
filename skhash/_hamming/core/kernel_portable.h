/* The kernel in plain C: loops over 64 bytes, which compilers turn into the vector
 * instructions that every machine of the family has. */
#ifndef SKHASH_KERNEL_PORTABLE_H
#define SKHASH_KERNEL_PORTABLE_H

#include "kernel.h"

static bool portable_available(void)
{
    return true;
}

/* Compute the distances of one block to one query, 16 bits each. */
static void portable_block(const uint8_t *block, size_t n_bytes, const uint8_t *prepared,
                           int query, uint16_t *distances)
{
    memset(distances, 0, LANES * sizeof *distances);
    for (size_t first = 0; first < n_bytes; first += BYTE_PLANES) {
        size_t last = first + BYTE_PLANES < n_bytes ? first + BYTE_PLANES : n_bytes;
        uint8_t sums[LANES] = {0};
        for (size_t j = first; j < last; j++) {
            const uint8_t *plane = block + j * LANES;
            uint8_t byte = prepared[4 * (j * GROUP + query)];
            for (int l = 0; l < LANES; l++) {
                uint8_t x = plane[l] ^ byte;
                x = (uint8_t)(x - ((x >> 1) & 0x55));
                x = (uint8_t)((x & 0x33) + ((x >> 2) & 0x33));
                sums[l] = (uint8_t)(sums[l] + ((x + (x >> 4)) & 0x0f));
            }
        }
        for (int l = 0; l < LANES; l++)
            distances[l] = (uint16_t)(distances[l] + sums[l]);
    }
}

ALWAYS_INLINE bool portable_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                                 const uint8_t *prepared, const uint32_t *bounds,
                                 int n_queries, step_result *out, bool wide)
{
    uint16_t distances[LANES];
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        for (int i = 0; i < n_queries; i++) {
            portable_block(blocks + b * n_bytes * LANES, n_bytes, prepared, i, distances);
            record_block(out, hits, i, b, distances, (uint16_t)bounds[i], wide);
        }
    }
    return record_hits(out, hits);
}

static bool portable_narrow(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                            const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                            step_result *out)
{
    return portable_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, false);
}

static bool portable_wide(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                          const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                          step_result *out)
{
    return portable_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, true);
}

static const kernel PORTABLE_KERNEL = {
    .name = "portable",
    .available = portable_available,
    .counts_words = false,
    .prepared_bytes = 4 * GROUP,
    .prepare = prepare_words,
    .narrow = portable_narrow,
    .wide = portable_wide,
};

#endif
