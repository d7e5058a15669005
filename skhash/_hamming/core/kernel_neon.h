/* The kernel for NEON, which every 64-bit arm processor has: it counts the bits of 16
 * bytes at once, so that a line is four registers. */
#ifndef SKHASH_KERNEL_NEON_H
#define SKHASH_KERNEL_NEON_H

#include <arm_neon.h>

#include "kernel.h"

#define QUARTERS 4 /* registers of 16 lanes in a line */

static bool neon_available(void)
{
    return true;
}

/* sums of 16 byte lanes: differing bits of the planes [first, last). */
ALWAYS_INLINE void neon_run(const uint8_t *quarter, size_t first, size_t last,
                            const uint8_t *prepared, int n_queries, uint8x16_t sums[GROUP])
{
    for (int i = 0; i < n_queries; i++)
        sums[i] = vdupq_n_u8(0);
    for (size_t j = first; j < last; j++) {
        uint8x16_t line = vld1q_u8(quarter + j * LANES);
        for (int i = 0; i < n_queries; i++) {
            uint8x16_t byte = vld1q_dup_u8(prepared + 4 * (j * GROUP + i));
            sums[i] = vaddq_u8(sums[i], vcntq_u8(veorq_u8(line, byte)));
        }
    }
}

/* Gather one bit per lane: keep a different bit of each of eight lanes, then add neighbors
 * until eight lanes have become one byte. */
ALWAYS_INLINE uint64_t neon_mask(const uint8x16_t below[QUARTERS])
{
    static const uint8_t BITS[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                     1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vld1q_u8(BITS);
    uint8x16_t a = vpaddq_u8(vandq_u8(below[0], bits), vandq_u8(below[1], bits));
    uint8x16_t b = vpaddq_u8(vandq_u8(below[2], bits), vandq_u8(below[3], bits));
    a = vpaddq_u8(a, b);
    a = vpaddq_u8(a, a);
    return vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
}

ALWAYS_INLINE bool neon_narrow_step(const uint8_t *blocks, size_t n_blocks,
                                    size_t n_bytes, const uint8_t *prepared,
                                    const uint32_t *bounds, int n_queries,
                                    step_result *out)
{
    size_t first_run = n_bytes < BYTE_PLANES ? n_bytes : BYTE_PLANES;
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        uint8x16_t below[GROUP][QUARTERS];
        for (int quarter = 0; quarter < QUARTERS; quarter++) {
            const uint8_t *lanes = blocks + b * n_bytes * LANES + 16 * quarter;
            uint8x16_t sums[GROUP], run[GROUP];
            neon_run(lanes, 0, first_run, prepared, n_queries, sums);
            for (size_t j = first_run; j < n_bytes; j += BYTE_PLANES) {
                size_t last = j + BYTE_PLANES < n_bytes ? j + BYTE_PLANES : n_bytes;
                neon_run(lanes, j, last, prepared, n_queries, run);
                for (int i = 0; i < n_queries; i++)
                    sums[i] = vqaddq_u8(sums[i], run[i]);
            }
            for (int i = 0; i < n_queries; i++) {
                vst1q_u8(out->distances.narrow[i][b] + 16 * quarter, sums[i]);
                below[i][quarter] = vcltq_u8(sums[i], vdupq_n_u8((uint8_t)bounds[i]));
            }
        }
        for (int i = 0; i < n_queries; i++)
            record_mask(out, hits, i, b, neon_mask(below[i]));
    }
    return record_hits(out, hits);
}

ALWAYS_INLINE bool neon_wide_step(const uint8_t *blocks, size_t n_blocks,
                                  size_t n_bytes, const uint8_t *prepared,
                                  const uint32_t *bounds, int n_queries,
                                  step_result *out)
{
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        uint8x16_t below[GROUP][QUARTERS];
        for (int quarter = 0; quarter < QUARTERS; quarter++) {
            const uint8_t *lanes = blocks + b * n_bytes * LANES + 16 * quarter;
            uint16x8_t low[GROUP], high[GROUP];
            uint8x16_t run[GROUP];
            for (int i = 0; i < n_queries; i++)
                low[i] = high[i] = vdupq_n_u16(0);
            for (size_t j = 0; j < n_bytes; j += BYTE_PLANES) {
                size_t last = j + BYTE_PLANES < n_bytes ? j + BYTE_PLANES : n_bytes;
                neon_run(lanes, j, last, prepared, n_queries, run);
                for (int i = 0; i < n_queries; i++) {
                    low[i] = vaddw_u8(low[i], vget_low_u8(run[i]));
                    high[i] = vaddw_high_u8(high[i], run[i]);
                }
            }
            for (int i = 0; i < n_queries; i++) {
                uint16_t *distances = out->distances.wide[i][b] + 16 * quarter;
                uint16x8_t bound = vdupq_n_u16((uint16_t)bounds[i]);
                vst1q_u16(distances, low[i]);
                vst1q_u16(distances + 8, high[i]);
                below[i][quarter] = vcombine_u8(vmovn_u16(vcltq_u16(low[i], bound)),
                                                vmovn_u16(vcltq_u16(high[i], bound)));
            }
        }
        for (int i = 0; i < n_queries; i++)
            record_mask(out, hits, i, b, neon_mask(below[i]));
    }
    return record_hits(out, hits);
}

static bool neon_narrow(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                        const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                        step_result *out)
{
#define CALL(bytes, queries) \
    neon_narrow_step(blocks, n_blocks, bytes, prepared, bounds, queries, out)
    if (n_queries == 1)
        return CALL(n_bytes, 1);
    switch (n_bytes) {
    case 4: return CALL(4, GROUP);
    case 8: return CALL(8, GROUP);
    default: return CALL(n_bytes, GROUP);
    }
#undef CALL
}

static bool neon_wide(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                      const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                      step_result *out)
{
    if (n_queries == 1)
        return neon_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, 1, out);
    return neon_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, GROUP, out);
}

static const kernel NEON_KERNEL = {
    .name = "neon",
    .available = neon_available,
    .counts_words = true,
    .prepared_bytes = 4 * GROUP,
    .prepare = prepare_words,
    .narrow = neon_narrow,
    .wide = neon_wide,
};

#endif
