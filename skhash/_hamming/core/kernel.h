/* The interface of a kernel: Hamming distances of many codes to a few queries.
 *
 * Each `kernel_<isa>.h` implements it for one instruction set; `dispatch.h` lists the
 * kernels and chooses among them at run time.
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
 * branch depends on the data; `scan.h` handles the hits.
 *
 * For many queries there are bit-sliced kernels beside them (`sliced.h`), which turn
 * byte planes into bits slice by slice: the codes are stored once. */
#ifndef SKHASH_KERNEL_H
#define SKHASH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

#define LANES 64 /* codes per block */
#define STEP 32  /* blocks per kernel call */
#define GROUP 4  /* queries per kernel call */

/* Planes summed in one run: their counts fit a byte lane, 24 * 8 = 192. (31 would, but
 * loops are unrolled by eight.) */
#define BYTE_PLANES 24
/* A narrow kernel saturates distances at 255, so its bounds may not be larger. */
#define NARROW_BOUND 255

/* Result of a kernel call. Entries of queries that were not asked for are not written,
 * except that their `hits` are 0. */
typedef struct {
    _Alignas(64) union {
        uint8_t narrow[GROUP][STEP][LANES];
        uint16_t wide[GROUP][STEP][LANES];
    } distances;
    uint64_t masks[GROUP][STEP]; /* bit l of [q][b]: lane l is below the bound */
    uint32_t hits[GROUP];        /* bit b of [q]: masks[q][b] is not 0 */
} step_result;

/* Queries for the bit-sliced kernels (`sliced.h`). */
#define MOST_PLANES 16       /* counter planes: distances below 2^16 */
#define MOST_SLICED_BYTES 64 /* longer codes have tables that leave the cache */

typedef struct {
    size_t n;
    int n_planes;            /* counter planes, at least `sliced_planes` */
    const uint16_t *offsets; /* sliced_groups per query: of the pair in its table */
    const uint64_t *starts;  /* n_planes per query: the bits of what its counters begin
                                with, each as a word of equal bits; a sum of 2^n_planes
                                is the smallest that is no hit */
} sliced_queries;

/* A query with hits in a slice; bit l of word w is that of code 64 w + l. */
typedef struct {
    _Alignas(64) uint64_t lanes[8];
    uint64_t planes[MOST_PLANES][8]; /* the bits of the counters */
    uint32_t query;
} sliced_hit;

typedef struct {
    size_t n_blocks;      /* blocks per slice: 64 codes each */
    size_t least_queries; /* from which it is faster than the others */
    void (*make_tables)(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                        uint8_t *tables);
    /* Returns the number of queries with hits. */
    size_t (*compare)(const uint8_t *tables, size_t n_bytes,
                      const sliced_queries *queries, sliced_hit *hits);
} sliced_kernel;

/* Groups of three bits. */
static inline size_t sliced_groups(size_t n_bytes)
{
    return (8 * n_bytes + 2) / 3;
}

/* Counter planes for distances below bounds up to `most`. */
static inline int sliced_planes(uint32_t most)
{
    int n = 3;
    while (most > (uint32_t)1 << n)
        n++;
    return n;
}

typedef struct {
    const char *name;
    bool (*available)(void);
    bool counts_words; /* the processor counts the bits of a word in one instruction */
    size_t prepared_bytes; /* of prepared queries, per plane and group */
    void (*prepare)(const uint8_t *const *queries, size_t n_bytes, uint8_t *prepared);
    /* n_queries is 1 or GROUP. Returns whether there is any hit. `narrow` writes
     * distances of 8 bits, saturated, for bounds up to NARROW_BOUND; `wide` of 16. */
    bool (*narrow)(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                   const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                   step_result *out);
    bool (*wide)(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                 const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                 step_result *out);
    const sliced_kernel *sliced; /* for many queries; or NULL */
    bool weighted;               /* see `kernel_weighted.h`; it has only `wide` */
} kernel;

/* Bytes of a query: a code, or one weight per bit. */
static inline size_t query_bytes(const kernel *kernel, size_t n_bytes)
{
    return kernel->weighted ? 8 * n_bytes : n_bytes;
}

/* Prepared queries of most kernels: every byte of a query four times in a 32-bit word,
 * which vector units broadcast from memory at no cost. words[plane * GROUP + query]. */
static inline void prepare_words(const uint8_t *const *queries, size_t n_bytes,
                                 uint8_t *prepared)
{
    for (size_t j = 0; j < n_bytes; j++) {
        for (int i = 0; i < GROUP; i++) {
            uint32_t word = queries[i][j] * 0x01010101u;
            memcpy(prepared + 4 * (j * GROUP + (size_t)i), &word, 4);
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

/* Gather one bit per lane from one byte per lane, 0 or 1. A product with a sum of powers
 * of two gathers eight of them in its highest byte; first lane lowest. */
static inline uint64_t mask_from_bytes(const uint8_t below[LANES])
{
    uint64_t mask = 0;
    for (int l = 0; l < LANES; l += 8) {
        uint64_t eight = 0;
        for (int i = 0; i < 8; i++)
            eight |= (uint64_t)below[l + i] << (8 * i);
        mask |= (eight * UINT64_C(0x0102040810204080) >> 56) << l;
    }
    return mask;
}

/* Record 64 distances of 16 bits; `wide` is a constant where this is inlined. */
ALWAYS_INLINE void record_block(step_result *out, uint32_t hits[GROUP], int query,
                                size_t block, const uint16_t *distances, uint16_t bound,
                                bool wide)
{
    uint8_t below[LANES];
    for (int l = 0; l < LANES; l++)
        below[l] = (uint8_t)(distances[l] < bound);
    if (wide) {
        memcpy(out->distances.wide[query][block], distances, LANES * sizeof *distances);
    } else {
        uint8_t *narrow = out->distances.narrow[query][block];
        for (int l = 0; l < LANES; l++) /* saturated without a branch */
            narrow[l] = (uint8_t)(distances[l] | (uint16_t)-(distances[l] > 255));
    }
    record_mask(out, hits, query, block, mask_from_bytes(below));
}

#endif
