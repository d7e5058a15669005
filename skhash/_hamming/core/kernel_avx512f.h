/* The kernel for AVX-512 without bit counts: bit-sliced, by ternary logic, with that for
 * AVX2 where there are few queries. */
#ifndef SKHASH_KERNEL_AVX512F_H
#define SKHASH_KERNEL_AVX512F_H

#include <immintrin.h>

#include "kernel.h"
#include "kernel_avx2.h"

#define TARGET_AVX512F TARGET("avx512f,avx512bw")

static bool avx512f_available(void)
{
    return CPU_SUPPORTS("avx512f") && CPU_SUPPORTS("avx512bw") && avx2_available();
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
    .narrow = avx2_narrow,
    .wide = avx2_wide,
    .sliced = &AVX512F_SLICED,
};

#endif
