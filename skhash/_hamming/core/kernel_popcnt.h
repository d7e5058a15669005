/* x86-64 with the popcnt instruction, which counts 64 bits of *one* code. So eight
 * planes at a time are turned back into words, one a code; the work is shared by the
 * queries of the group. */
#ifndef SKHASH_KERNEL_POPCNT_H
#define SKHASH_KERNEL_POPCNT_H

#include "layout.h"

#define TARGET_POPCNT __attribute__((target("popcnt")))

static bool popcnt_available(void)
{
    return __builtin_cpu_supports("popcnt");
}

/* Add to four distances at once; left to itself, the compiler inserts every count into
 * a vector register. */
TARGET_POPCNT ALWAYS_INLINE void add_counts(const uint64_t words[4], uint64_t query,
                                            uint16_t distances[4])
{
    uint64_t counts = 0, sums;
    for (int i = 0; i < 4; i++)
        counts |= (uint64_t)__builtin_popcountll(words[i] ^ query) << (16 * i);
    memcpy(&sums, distances, sizeof sums);
    sums += counts;
    memcpy(distances, &sums, sizeof sums);
}

/* The distances of one block to the queries, 16 bits each. */
TARGET_POPCNT static void scalar_block(const uint8_t *block, size_t n_bytes,
                                       const uint8_t *prepared, int n_queries,
                                       uint16_t distances[GROUP][LANES])
{
    memset(distances, 0, GROUP * LANES * sizeof(uint16_t));
    for (size_t first = 0; first < n_bytes; first += 8) {
        size_t n = n_bytes - first < 8 ? n_bytes - first : 8;
        uint64_t words[LANES];
        words_from_planes(block + first * LANES, n, words);
        for (int i = 0; i < n_queries; i++) {
            uint8_t bytes[8] = {0};
            for (size_t j = 0; j < n; j++)
                bytes[j] = prepared[4 * ((first + j) * GROUP + i)];
            uint64_t query;
            memcpy(&query, bytes, 8);
            for (int l = 0; l < LANES; l += 4)
                add_counts(words + l, query, distances[i] + l);
        }
    }
}

ALWAYS_INLINE bool scalar_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                               const uint8_t *prepared, const uint32_t *bounds,
                               int n_queries, step_result *out, bool wide)
{
    uint16_t distances[GROUP][LANES];
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        scalar_block(blocks + b * n_bytes * LANES, n_bytes, prepared, n_queries, distances);
        for (int i = 0; i < n_queries; i++)
            record_block(out, hits, i, b, distances[i], (uint16_t)bounds[i],
                         wide);
    }
    return record_hits(out, hits);
}

static bool scalar_narrow(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                          const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                          step_result *out)
{
    return scalar_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, false);
}

static bool scalar_wide(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                        const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                        step_result *out)
{
    return scalar_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, true);
}

static const kernel POPCNT_KERNEL = {
    .name = "popcnt",
    .available = popcnt_available,
    .prepared_bytes = 4 * GROUP,
    .prepare = prepare_words,
    .narrow = scalar_narrow,
    .wide = scalar_wide,
};

#endif
