/* The kernel for the popcnt instruction of x86-64, which counts 64 bits of *one* code.
 * So eight planes at a time are turned back into words, one per code; the work is shared
 * by the queries of the group. */
#ifndef SKHASH_KERNEL_POPCNT_H
#define SKHASH_KERNEL_POPCNT_H

#include "kernel.h"
#include "layout.h"
#include "processor.h"

#define TARGET_POPCNT TARGET("popcnt")

static bool popcnt_available(void)
{
    return cpu_supports("popcnt");
}

/* Add to four distances at once; left to itself, the compiler inserts every count into
 * a vector register. */
TARGET_POPCNT ALWAYS_INLINE void add_counts(const uint64_t words[4], uint64_t query,
                                            uint16_t distances[4])
{
    uint64_t counts = 0, sums;
    for (int i = 0; i < 4; i++)
        counts |= (uint64_t)COUNT_BITS(words[i] ^ query) << (16 * i);
    memcpy(&sums, distances, sizeof sums);
    sums += counts;
    memcpy(distances, &sums, sizeof sums);
}

/* Compute the distances of one block to the queries, 16 bits each. */
TARGET_POPCNT static void popcnt_block(const uint8_t *block, size_t n_bytes,
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

ALWAYS_INLINE bool popcnt_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                               const uint8_t *prepared, const uint32_t *bounds,
                               int n_queries, step_result *out, bool wide)
{
    uint16_t distances[GROUP][LANES];
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        popcnt_block(blocks + b * n_bytes * LANES, n_bytes, prepared, n_queries, distances);
        for (int i = 0; i < n_queries; i++)
            record_block(out, hits, i, b, distances[i], (uint16_t)bounds[i], wide);
    }
    return record_hits(out, hits);
}

static bool popcnt_narrow(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                          const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                          step_result *out)
{
    return popcnt_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, false);
}

static bool popcnt_wide(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                        const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                        step_result *out)
{
    return popcnt_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, true);
}

static const kernel POPCNT_KERNEL = {
    .name = "popcnt",
    .available = popcnt_available,
    .counts_words = true,
    .prepared_bytes = 4 * GROUP,
    .prepare = prepare_words,
    .narrow = popcnt_narrow,
    .wide = popcnt_wide,
};

#endif
