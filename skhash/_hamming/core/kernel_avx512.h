/* The kernel for AVX-512 with VPOPCNTB (BITALG; every processor with VPOPCNTDQ for servers and
 * desktops since Ice Lake and Zen 4 has both): one line is one register, and each plane
 * costs a xor, a count and an add for 64 codes.
 *
 * The add wraps rather than saturates: on Zen 5 the saturating add shares its two ports
 * with the count. So planes are summed in runs that cannot overflow, and only the sums
 * of the runs are added with saturation. */
#ifndef SKHASH_KERNEL_AVX512_H
#define SKHASH_KERNEL_AVX512_H

#include <immintrin.h>

#include "kernel.h"
#include "kernel_avx512f.h"
#include "processor.h"

#define TARGET_AVX512 TARGET("avx512f,avx512bw,avx512bitalg")

static bool avx512_available(void)
{
    return cpu_supports("avx512f") && cpu_supports("avx512bw") &&
           cpu_supports("avx512bitalg");
}

/* sums[i] of 64 byte lanes: differing bits of the planes [first, last). */
TARGET_AVX512 ALWAYS_INLINE void avx512_run(const uint8_t *block, size_t first,
                                            size_t last, const uint8_t *prepared,
                                            int n_queries, __m512i sums[GROUP])
{
    for (int i = 0; i < n_queries; i++)
        sums[i] = _mm512_setzero_si512();
    /* Unrolled wholly, long codes lose a tenth of the speed. */
    UNROLL_BY_8
    for (size_t j = first; j < last; j++) {
        __m512i line = _mm512_loadu_si512(block + j * LANES);
        for (int i = 0; i < n_queries; i++) {
            int32_t word;
            memcpy(&word, prepared + 4 * (j * GROUP + i), 4);
            __m512i differing = _mm512_xor_si512(line, _mm512_set1_epi32(word));
            sums[i] = _mm512_add_epi8(sums[i], _mm512_popcnt_epi8(differing));
        }
    }
}

TARGET_AVX512 ALWAYS_INLINE bool
avx512_narrow_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                   const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                   step_result *out)
{
    size_t first_run = n_bytes < BYTE_PLANES ? n_bytes : BYTE_PLANES;
    uint32_t hits[GROUP] = {0};
    __m512i limits[GROUP];
    for (int i = 0; i < n_queries; i++)
        limits[i] = _mm512_set1_epi8((char)bounds[i]);
    for (size_t b = 0; b < n_blocks; b++) {
        const uint8_t *block = blocks + b * n_bytes * LANES;
        __m512i sums[GROUP], run[GROUP];
        avx512_run(block, 0, first_run, prepared, n_queries, sums);
        for (size_t j = first_run; j < n_bytes; j += BYTE_PLANES) {
            size_t last = j + BYTE_PLANES < n_bytes ? j + BYTE_PLANES : n_bytes;
            avx512_run(block, j, last, prepared, n_queries, run);
            for (int i = 0; i < n_queries; i++)
                sums[i] = _mm512_adds_epu8(sums[i], run[i]);
        }
        for (int i = 0; i < n_queries; i++) {
            uint64_t mask = _mm512_cmplt_epu8_mask(sums[i], limits[i]);
            _mm512_store_si512(out->distances.narrow[i][b], sums[i]);
            record_mask(out, hits, i, b, mask);
        }
    }
    return record_hits(out, hits);
}

TARGET_AVX512 ALWAYS_INLINE bool
avx512_wide_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                 const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                 step_result *out)
{
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        const uint8_t *block = blocks + b * n_bytes * LANES;
        __m512i low[GROUP], high[GROUP], run[GROUP];
        for (int i = 0; i < n_queries; i++)
            low[i] = high[i] = _mm512_setzero_si512();
        for (size_t j = 0; j < n_bytes; j += BYTE_PLANES) {
            size_t last = j + BYTE_PLANES < n_bytes ? j + BYTE_PLANES : n_bytes;
            avx512_run(block, j, last, prepared, n_queries, run);
            for (int i = 0; i < n_queries; i++) {
                __m256i lanes = _mm512_castsi512_si256(run[i]);
                low[i] = _mm512_add_epi16(low[i], _mm512_cvtepu8_epi16(lanes));
                lanes = _mm512_extracti64x4_epi64(run[i], 1);
                high[i] = _mm512_add_epi16(high[i], _mm512_cvtepu8_epi16(lanes));
            }
        }
        for (int i = 0; i < n_queries; i++) {
            uint16_t *distances = out->distances.wide[i][b];
            __m512i bound = _mm512_set1_epi16((int16_t)bounds[i]);
            _mm512_store_si512(distances, low[i]);
            _mm512_store_si512(distances + 32, high[i]);
            uint64_t mask = _mm512_cmplt_epu16_mask(high[i], bound);
            mask = mask << 32 | _mm512_cmplt_epu16_mask(low[i], bound);
            record_mask(out, hits, i, b, mask);
        }
    }
    return record_hits(out, hits);
}

/* With short lengths as constants the compiler unrolls all planes and keeps the query in
 * registers. */
TARGET_AVX512 static bool avx512_narrow(const uint8_t *blocks, size_t n_blocks,
                                        size_t n_bytes, const uint8_t *prepared,
                                        const uint32_t *bounds, int n_queries,
                                        step_result *out)
{
#define CALL(bytes, queries) \
    avx512_narrow_step(blocks, n_blocks, bytes, prepared, bounds, queries, out)
    if (n_queries == 1) {
        switch (n_bytes) {
        case 4: return CALL(4, 1);
        case 8: return CALL(8, 1);
        default: return CALL(n_bytes, 1);
        }
    }
    switch (n_bytes) {
    case 4: return CALL(4, GROUP);
    case 8: return CALL(8, GROUP);
    default: return CALL(n_bytes, GROUP);
    }
#undef CALL
}

TARGET_AVX512 static bool avx512_wide(const uint8_t *blocks, size_t n_blocks,
                                      size_t n_bytes, const uint8_t *prepared,
                                      const uint32_t *bounds, int n_queries,
                                      step_result *out)
{
    if (n_queries == 1)
        return avx512_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, 1, out);
    return avx512_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, GROUP, out);
}

/* Counting bytes makes no tables, so slicing pays for more queries only. */
static const sliced_kernel AVX512_SLICED = {
    .n_blocks = 8,
    .least_queries = 64,
    .make_tables = sliced_avx512f_make_tables,
    .compare = sliced_avx512f_compare,
};

static const kernel AVX512_KERNEL = {
    .name = "avx512",
    .available = avx512_available,
    .counts_words = true,
    .prepared_bytes = 4 * GROUP,
    .prepare = prepare_words,
    .narrow = avx512_narrow,
    .wide = avx512_wide,
    .sliced = &AVX512_SLICED,
};

#endif
