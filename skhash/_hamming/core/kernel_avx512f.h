/* The kernel for AVX-512 without bit counts: bit-sliced, by ternary logic; where there are
 * few queries, nibbles are looked up as with AVX2, those of 64 codes at once. */
#ifndef SKHASH_KERNEL_AVX512F_H
#define SKHASH_KERNEL_AVX512F_H

#include <immintrin.h>

#include "kernel.h"
#include "kernel_avx2.h"
#include "processor.h"

#define TARGET_AVX512F TARGET("avx512f,avx512bw")

static bool avx512f_available(void)
{
    return cpu_supports("avx512f") && cpu_supports("avx512bw") && avx2_available();
}

TARGET_AVX512F ALWAYS_INLINE __m512i avx512f_table(const uint8_t *table)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
}

/* sums[i] of 64 byte lanes: differing bits of the planes [first, last). */
TARGET_AVX512F ALWAYS_INLINE void avx512f_run(const uint8_t *block, size_t first,
                                              size_t last, const uint8_t *prepared,
                                              int n_queries, __m512i sums[GROUP])
{
    const __m512i nibble = _mm512_set1_epi8(15);
    for (int i = 0; i < n_queries; i++)
        sums[i] = _mm512_setzero_si512();
    for (size_t j = first; j < last; j++) {
        __m512i line = _mm512_loadu_si512(block + j * LANES);
        __m512i low = _mm512_and_si512(line, nibble);
        __m512i high = _mm512_and_si512(_mm512_srli_epi16(line, 4), nibble);
        for (int i = 0; i < n_queries; i++) {
            const uint8_t *table = prepared + (j * GROUP + (size_t)i) * 2 * 16;
            __m512i a = _mm512_shuffle_epi8(avx512f_table(table), low);
            __m512i b = _mm512_shuffle_epi8(avx512f_table(table + 16), high);
            sums[i] = _mm512_add_epi8(sums[i], _mm512_add_epi8(a, b));
        }
    }
}

TARGET_AVX512F ALWAYS_INLINE bool
avx512f_narrow_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                    const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                    step_result *out)
{
    size_t first_run = n_bytes < BYTE_PLANES ? n_bytes : BYTE_PLANES;
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        const uint8_t *block = blocks + b * n_bytes * LANES;
        __m512i sums[GROUP], run[GROUP];
        avx512f_run(block, 0, first_run, prepared, n_queries, sums);
        for (size_t j = first_run; j < n_bytes; j += BYTE_PLANES) {
            size_t last = j + BYTE_PLANES < n_bytes ? j + BYTE_PLANES : n_bytes;
            avx512f_run(block, j, last, prepared, n_queries, run);
            for (int i = 0; i < n_queries; i++)
                sums[i] = _mm512_adds_epu8(sums[i], run[i]);
        }
        for (int i = 0; i < n_queries; i++) {
            __m512i limit = _mm512_set1_epi8((char)bounds[i]);
            _mm512_store_si512(out->distances.narrow[i][b], sums[i]);
            record_mask(out, hits, i, b, _mm512_cmplt_epu8_mask(sums[i], limit));
        }
    }
    return record_hits(out, hits);
}

TARGET_AVX512F static bool avx512f_narrow(const uint8_t *blocks, size_t n_blocks,
                                          size_t n_bytes, const uint8_t *prepared,
                                          const uint32_t *bounds, int n_queries,
                                          step_result *out)
{
#define CALL(bytes, queries) \
    avx512f_narrow_step(blocks, n_blocks, bytes, prepared, bounds, queries, out)
    if (n_queries == 1)
        return n_bytes == 8 ? CALL(8, 1) : CALL(n_bytes, 1);
    return n_bytes == 8 ? CALL(8, GROUP) : CALL(n_bytes, GROUP);
#undef CALL
}

TARGET_AVX512F ALWAYS_INLINE void sliced_avx512f_bit_lines(const uint8_t *line,
                                                           uint64_t bits[8])
{
    __m512i bytes = _mm512_loadu_si512(line);
    for (int t = 0; t < 8; t++)
        bits[t] = _mm512_test_epi8_mask(bytes, _mm512_set1_epi8((char)(128 >> t)));
}

#define SLICED(name) sliced_avx512f_##name
#define V __m512i
#define V_TARGET TARGET_AVX512F
#define V_LOAD(p) _mm512_load_si512(p)
#define V_STORE(p, v) _mm512_store_si512(p, v)
#define V_SET(word) _mm512_set1_epi64((long long)(word))
#define V_XOR(a, b) _mm512_xor_si512(a, b)
#define V_AND(a, b) _mm512_and_si512(a, b)
#define V_SUM(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define V_MAJORITY(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0xe8)
#define V_OR(a, b) _mm512_or_si512(a, b)
#define V_IS_ALL(v) (_mm512_cmpneq_epi64_mask(v, _mm512_set1_epi64(-1)) == 0)
#include "sliced.h"

static const sliced_kernel AVX512F_SLICED = {
    .n_blocks = 8,
    .least_queries = 16,
    .make_tables = sliced_avx512f_make_tables,
    .compare = sliced_avx512f_compare,
};

static const kernel AVX512F_KERNEL = {
    .name = "avx512f",
    .available = avx512f_available,
    .counts_words = true,
    .prepared_bytes = AVX2_PREPARED_BYTES,
    .prepare = avx2_prepare,
    .narrow = avx512f_narrow,
    .wide = avx2_wide,
    .sliced = &AVX512F_SLICED,
};

#endif
