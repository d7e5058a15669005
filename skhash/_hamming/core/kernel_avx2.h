/* The kernel for AVX2, which has no bit count, but a shuffle looks up 32 nibbles at once. As a plane holds
 * the same byte of all codes, the query's byte is a constant of the plane: its xor moves
 * into the table, table[x] = popcount(x ^ nibble), and a plane of 32 codes costs two
 * look-ups and two adds per query. Splitting the codes into nibbles is shared by the
 * queries of the group. (The idea of the tables in registers is that of the fast scans
 * for product quantization, André et al., doi:10.14778/2856318.2856324.) */
#ifndef SKHASH_KERNEL_AVX2_H
#define SKHASH_KERNEL_AVX2_H

#include <immintrin.h>

#include "kernel.h"
#include "processor.h"

#define TARGET_AVX2 TARGET("avx2")
#define TABLE 16 /* entries of a table; two per plane and query: low and high nibble */
#define AVX2_PREPARED_BYTES (2 * 16 * GROUP)

static bool avx2_available(void)
{
    return cpu_supports("avx2");
}

static void avx2_prepare(const uint8_t *const *queries, size_t n_bytes, uint8_t *prepared)
{
    for (size_t j = 0; j < n_bytes; j++) {
        for (int i = 0; i < GROUP; i++) {
            for (int x = 0; x < TABLE; x++) {
                unsigned low = (queries[i][j] & 15u) ^ (unsigned)x;
                unsigned high = (queries[i][j] >> 4) ^ (unsigned)x;
                prepared[x] = (uint8_t)COUNT_BITS(low);
                prepared[TABLE + x] = (uint8_t)COUNT_BITS(high);
            }
            prepared += 2 * TABLE;
        }
    }
}

TARGET_AVX2 ALWAYS_INLINE __m256i avx2_table(const uint8_t *table)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

/* sums[i] of 32 byte lanes: differing bits of the planes [first, last). */
TARGET_AVX2 ALWAYS_INLINE void avx2_run(const uint8_t *half, size_t first, size_t last,
                                        const uint8_t *prepared, int n_queries,
                                        __m256i sums[GROUP])
{
    const __m256i nibble = _mm256_set1_epi8(15);
    for (int i = 0; i < n_queries; i++)
        sums[i] = _mm256_setzero_si256();
    for (size_t j = first; j < last; j++) {
        __m256i line = _mm256_loadu_si256((const __m256i *)(half + j * LANES));
        __m256i low = _mm256_and_si256(line, nibble);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(line, 4), nibble);
        for (int i = 0; i < n_queries; i++) {
            const uint8_t *table = prepared + (j * GROUP + i) * 2 * TABLE;
            __m256i a = _mm256_shuffle_epi8(avx2_table(table), low);
            __m256i b = _mm256_shuffle_epi8(avx2_table(table + TABLE), high);
            sums[i] = _mm256_add_epi8(sums[i], _mm256_add_epi8(a, b));
        }
    }
}

/* The 32 lanes of 8 bits below the bound; there is no unsigned compare. */
TARGET_AVX2 ALWAYS_INLINE uint32_t avx2_below(__m256i lanes, uint32_t bound)
{
    __m256i limit = _mm256_set1_epi8((char)bound);
    __m256i not_below =
        _mm256_cmpeq_epi8(_mm256_subs_epu8(limit, lanes), _mm256_setzero_si256());
    return ~(uint32_t)_mm256_movemask_epi8(not_below);
}

TARGET_AVX2 ALWAYS_INLINE bool
avx2_narrow_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                 const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                 step_result *out)
{
    size_t first_run = n_bytes < BYTE_PLANES ? n_bytes : BYTE_PLANES;
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        uint64_t masks[GROUP] = {0};
        for (int half = 0; half < 2; half++) {
            const uint8_t *lanes = blocks + b * n_bytes * LANES + 32 * half;
            __m256i sums[GROUP], run[GROUP];
            avx2_run(lanes, 0, first_run, prepared, n_queries, sums);
            for (size_t j = first_run; j < n_bytes; j += BYTE_PLANES) {
                size_t last = j + BYTE_PLANES < n_bytes ? j + BYTE_PLANES : n_bytes;
                avx2_run(lanes, j, last, prepared, n_queries, run);
                for (int i = 0; i < n_queries; i++)
                    sums[i] = _mm256_adds_epu8(sums[i], run[i]);
            }
            for (int i = 0; i < n_queries; i++) {
                uint8_t *distances = out->distances.narrow[i][b] + 32 * half;
                _mm256_store_si256((__m256i *)distances, sums[i]);
                masks[i] |= (uint64_t)avx2_below(sums[i], bounds[i]) << (32 * half);
            }
        }
        for (int i = 0; i < n_queries; i++)
            record_mask(out, hits, i, b, masks[i]);
    }
    return record_hits(out, hits);
}

/* Add up all planes in sums of 16 bits: those of the codes at even places, and those at
 * odd ones. No count may exceed 255 in `per_run` planes. */
TARGET_AVX2 ALWAYS_INLINE void avx2_add_runs(const uint8_t *half, size_t n_bytes,
                                             size_t per_run, const uint8_t *prepared,
                                             int n_queries, __m256i even[GROUP],
                                             __m256i odd[GROUP])
{
    const __m256i low_byte = _mm256_set1_epi16(255);
    __m256i run[GROUP];
    for (size_t j = 0; j < n_bytes; j += per_run) {
        size_t last = j + per_run < n_bytes ? j + per_run : n_bytes;
        avx2_run(half, j, last, prepared, n_queries, run);
        for (int i = 0; i < n_queries; i++) {
            even[i] = _mm256_add_epi16(even[i], _mm256_and_si256(run[i], low_byte));
            odd[i] = _mm256_add_epi16(odd[i], _mm256_srli_epi16(run[i], 8));
        }
    }
}

/* Store 32 distances in order; returns the lanes below the bound. */
TARGET_AVX2 ALWAYS_INLINE uint32_t avx2_store_wide(__m256i even, __m256i odd,
                                                   uint32_t bound, uint16_t *distances)
{
    __m256i limit = _mm256_set1_epi16((short)bound), zero = _mm256_setzero_si256();
    __m256i a = _mm256_unpacklo_epi16(even, odd), z = _mm256_unpackhi_epi16(even, odd);
    __m256i first = _mm256_permute2x128_si256(a, z, 0x20);
    __m256i second = _mm256_permute2x128_si256(a, z, 0x31);
    _mm256_store_si256((__m256i *)distances, first);
    _mm256_store_si256((__m256i *)(distances + 16), second);
    first = _mm256_cmpeq_epi16(_mm256_subs_epu16(limit, first), zero);
    second = _mm256_cmpeq_epi16(_mm256_subs_epu16(limit, second), zero);
    __m256i not_below = _mm256_packs_epi16(first, second);
    not_below = _mm256_permute4x64_epi64(not_below, 0xd8); /* packing is by halves */
    return ~(uint32_t)_mm256_movemask_epi8(not_below);
}

/* With two digits (`kernel_weighted.h`) the tables of the higher one, of which a unit
 * counts 16, come first; those of the lower one are summed two planes at a time. */
TARGET_AVX2 ALWAYS_INLINE bool
avx2_wide_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
               const uint8_t *prepared, const uint32_t *bounds, int n_queries,
               step_result *out, size_t per_run, int n_digits)
{
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        uint64_t masks[GROUP] = {0};
        for (int half = 0; half < 2; half++) {
            const uint8_t *lanes = blocks + b * n_bytes * LANES + 32 * half;
            __m256i even[GROUP], odd[GROUP];
            for (int i = 0; i < n_queries; i++)
                even[i] = odd[i] = _mm256_setzero_si256();
            avx2_add_runs(lanes, n_bytes, per_run, prepared, n_queries, even, odd);
            if (n_digits == 2) {
                for (int i = 0; i < n_queries; i++) {
                    even[i] = _mm256_slli_epi16(even[i], 4);
                    odd[i] = _mm256_slli_epi16(odd[i], 4);
                }
                avx2_add_runs(lanes, n_bytes, 2, prepared + n_bytes * AVX2_PREPARED_BYTES,
                              n_queries, even, odd);
            }
            for (int i = 0; i < n_queries; i++) {
                uint16_t *distances = out->distances.wide[i][b] + 32 * half;
                uint32_t below = avx2_store_wide(even[i], odd[i], bounds[i], distances);
                masks[i] |= (uint64_t)below << (32 * half);
            }
        }
        for (int i = 0; i < n_queries; i++)
            record_mask(out, hits, i, b, masks[i]);
    }
    return record_hits(out, hits);
}

TARGET_AVX2 static bool avx2_narrow(const uint8_t *blocks, size_t n_blocks,
                                    size_t n_bytes, const uint8_t *prepared,
                                    const uint32_t *bounds, int n_queries,
                                    step_result *out)
{
#define CALL(bytes, queries) \
    avx2_narrow_step(blocks, n_blocks, bytes, prepared, bounds, queries, out)
    if (n_queries == 1)
        return n_bytes == 8 ? CALL(8, 1) : CALL(n_bytes, 1);
    switch (n_bytes) {
    case 4: return CALL(4, GROUP);
    case 8: return CALL(8, GROUP);
    case 16: return CALL(16, GROUP);
    case 32: return CALL(32, GROUP);
    default: return CALL(n_bytes, GROUP);
    }
#undef CALL
}

TARGET_AVX2 static bool avx2_wide(const uint8_t *blocks, size_t n_blocks,
                                  size_t n_bytes, const uint8_t *prepared,
                                  const uint32_t *bounds, int n_queries,
                                  step_result *out)
{
    if (n_queries == 1)
        return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, 1, out,
                              BYTE_PLANES, 1);
    return avx2_wide_step(blocks, n_blocks, n_bytes, prepared, bounds, GROUP, out,
                          BYTE_PLANES, 1);
}

/* Bit-sliced: the masks of the highest bits, shifting the others up. */
TARGET_AVX2 ALWAYS_INLINE void sliced_avx2_bit_lines(const uint8_t *line,
                                                     uint64_t bits[8])
{
    __m256i low = _mm256_loadu_si256((const __m256i *)line);
    __m256i high = _mm256_loadu_si256((const __m256i *)(line + 32));
    for (int t = 0; t < 8; t++) {
        bits[t] = (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 |
                  (uint32_t)_mm256_movemask_epi8(low);
        low = _mm256_add_epi8(low, low);
        high = _mm256_add_epi8(high, high);
    }
}

#define SLICED(name) sliced_avx2_##name
#define V __m256i
#define V_TARGET TARGET_AVX2
#define V_LOAD(p) _mm256_load_si256((const __m256i *)(p))
#define V_STORE(p, v) _mm256_store_si256((__m256i *)(p), v)
#define V_SET(word) _mm256_set1_epi64x((long long)(word))
#define V_XOR(a, b) _mm256_xor_si256(a, b)
#define V_AND(a, b) _mm256_and_si256(a, b)
#define V_SUM(a, b, c) V_XOR(V_XOR(a, b), c)
#define V_MAJORITY(a, b, c) _mm256_or_si256(V_AND(a, b), V_AND(c, V_XOR(a, b)))
#define V_OR(a, b) _mm256_or_si256(a, b)
#define V_IS_ALL(v) _mm256_testc_si256(v, _mm256_set1_epi64x(-1))
#include "sliced.h"

static const sliced_kernel AVX2_SLICED = {
    .n_blocks = 4,
    .least_queries = 28,
    .make_tables = sliced_avx2_make_tables,
    .compare = sliced_avx2_compare,
};

static const kernel AVX2_KERNEL = {
    .name = "avx2",
    .available = avx2_available,
    .counts_words = true,
    .prepared_bytes = AVX2_PREPARED_BYTES,
    .prepare = avx2_prepare,
    .narrow = avx2_narrow,
    .wide = avx2_wide,
    .sliced = &AVX2_SLICED,
};

#undef TABLE
#endif
