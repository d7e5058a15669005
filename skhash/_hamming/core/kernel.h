/* Hamming distances of many codes to a few queries: one kernel per instruction set,
 * chosen at run time. This header holds what the kernels share and the choice; each
 * `kernel_<isa>.h` holds one kernel and nothing else.
 *
 * Layout of the codes. 64 codes make a *block*; byte j of its 64 codes lies in one
 * 64-byte line, the *plane* j, so a block of codes of n bytes is n lines. One vector
 * instruction then counts the bits of one byte of 64 codes, and the sum over the
 * planes is 64 distances in 64 byte lanes: no widening, no horizontal sum, one
 * compare for 64 codes. Any number of bytes works and nothing is padded but the last
 * block.
 *
 * A kernel call takes up to STEP blocks and one GROUP of queries: every line is loaded
 * once for all queries of the group. It writes all distances (to L1, which is free
 * beside the arithmetic) and a bit mask of those below the bound of the query. No
 * branch depends on the data; what to do with the hits is the business of `scan.h`.
 */
#ifndef SKHASH_KERNEL_H
#define SKHASH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 64 /* codes in a block */
#define STEP 32  /* blocks in a kernel call */
#define GROUP 4  /* queries in a kernel call */

/* BlockedCodes in a run: their counts fit a byte lane, 24 * 8 = 192. (31 would, but loops are
 * unrolled by eight.) */
#define BYTE_PLANES 24
/* A narrow kernel saturates distances at 255, so its bounds may not be larger. */
#define NARROW_BOUND 255

#if defined(__GNUC__) || defined(__clang__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define FIRST_BIT(x) __builtin_ctzll(x)
#else
#error "skhash needs GCC or Clang: it uses function-level target attributes."
#endif

/* What a kernel call leaves behind. Queries that were not asked for are not written,
 * except that their `hits` are 0. */
typedef struct {
    _Alignas(64) union {
        uint8_t narrow[GROUP][STEP][LANES];
        uint16_t wide[GROUP][STEP][LANES];
    } distances;
    uint64_t masks[GROUP][STEP]; /* bit l of [q][b]: lane l is below the bound */
    uint32_t hits[GROUP];        /* bit b of [q]: masks[q][b] is not 0 */
} step_result;

typedef struct {
    const char *name;
    bool (*available)(void);
    /* Queries in the form that the kernel reads: bytes per plane and group. */
    size_t prepared_bytes;
    void (*prepare)(const uint8_t *const *queries, size_t n_bytes, uint8_t *prepared);
    /* n_queries is 1 or GROUP. Returns whether there is any hit. `narrow` writes
     * distances of 8 bits, saturated, for bounds up to NARROW_BOUND; `wide` of 16. */
    bool (*narrow)(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                   const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                   step_result *out);
    bool (*wide)(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                 const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                 step_result *out);
} kernel;

/* The form of most kernels: every byte of a query four times in a 32-bit word, which
 * vector units broadcast from memory at no cost. words[plane * GROUP + query]. */
static void prepare_words(const uint8_t *const *queries, size_t n_bytes, uint8_t *prepared)
{
    for (size_t j = 0; j < n_bytes; j++) {
        for (int i = 0; i < GROUP; i++) {
            uint32_t word = queries[i][j] * 0x01010101u;
            memcpy(prepared + 4 * (j * GROUP + i), &word, 4);
        }
    }
}

/* Record the mask of one block, without a branch. The hits are collected in a local
 * array, which stays in registers: the compiler must assume that a store of distances
 * changes anything in memory. */
ALWAYS_INLINE void record_mask(step_result *out, uint32_t hits[GROUP], int query,
                               size_t block, uint64_t mask)
{
    out->masks[query][block] = mask;
    hits[query] |= (uint32_t)(mask != 0) << block;
}

/* End a step; returns whether there is any hit. */
ALWAYS_INLINE bool record_hits(step_result *out, const uint32_t hits[GROUP])
{
    uint32_t any = 0;
    for (int i = 0; i < GROUP; i++) {
        out->hits[i] = hits[i];
        any |= hits[i];
    }
    return any != 0;
}

#include "kernel_portable.h"
#if defined(__x86_64__)
#include "kernel_popcnt.h"
#include "kernel_avx2.h"
#include "kernel_avx512.h"
#elif defined(__aarch64__)
#include "kernel_neon.h"
#endif

/* Fastest first; the last one runs everywhere. */
static const kernel *const KERNELS[] = {
#if defined(__x86_64__)
    &AVX512_KERNEL,
    &AVX2_KERNEL,
    &POPCNT_KERNEL,
#elif defined(__aarch64__)
    &NEON_KERNEL,
#endif
    &PORTABLE_KERNEL,
};
static const int N_KERNELS = (int)(sizeof KERNELS / sizeof KERNELS[0]);

#endif
