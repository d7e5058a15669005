/* Histograms of Hamming distances, and counts of shared bits, over all pairs.
 *
 * Layout of the codes. Word w of all codes is one contiguous *plane* of 64-bit words,
 * so that the loop over codes vectorizes for codes of any length. Padding is zero.
 *
 * Only the counting of bits depends on the instruction set. It is chosen at run time,
 * and each variant is compiled with function-level target attributes, so that no other
 * function can use instructions that the processor lacks. */
#ifndef SKHASH_HISTOGRAM_H
#define SKHASH_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "processor.h"

/* Codes per call of a counter: their counts stay in the L1 cache. */
#define COUNTED 512
/* Histograms filled in turn: successive increments of one cell would wait for each
 * other. */
#define TURNS 4

typedef struct {
    const uint64_t *planes; /* n_words planes of n_codes words */
    size_t n_codes, n_words;
} code_planes;

/* Write the number of bits that differ from (or, if `shared`, are common with) a query
 * for n <= COUNTED codes from position `first` on. */
typedef void (*bit_counter)(const code_planes *codes, size_t first, size_t n,
                            const uint64_t *query, bool shared, uint64_t *counts);

typedef struct {
    const char *name;
    bool (*available)(void);
    bit_counter count;
} counter;

ALWAYS_INLINE void count_words(const code_planes *codes, size_t first, size_t n,
                               const uint64_t *query, bool shared, uint64_t *counts)
{
    memset(counts, 0, n * sizeof *counts);
    for (size_t w = 0; w < codes->n_words; w++) {
        const uint64_t *plane = codes->planes + w * codes->n_codes + first;
        const uint64_t word = query[w];
        if (shared)
            for (size_t i = 0; i < n; i++)
                counts[i] += (uint64_t)COUNT_BITS(plane[i] & word);
        else
            for (size_t i = 0; i < n; i++)
                counts[i] += (uint64_t)COUNT_BITS(plane[i] ^ word);
    }
}

#define DEFINE_COUNTER(suffix, attribute)                                              \
    attribute static void count_##suffix(const code_planes *codes, size_t first,       \
                                         size_t n, const uint64_t *query, bool shared, \
                                         uint64_t *counts)                             \
    {                                                                                  \
        count_words(codes, first, n, query, shared, counts);                           \
    }

static bool always_available(void)
{
    return true;
}

DEFINE_COUNTER(portable, )

#if defined(__x86_64__)
static bool has_vector_popcount(void)
{
    return cpu_supports("avx512vpopcntdq") && cpu_supports("avx512vl");
}

static bool has_popcount(void)
{
    return cpu_supports("popcnt");
}

DEFINE_COUNTER(avx512, TARGET("avx512f,avx512vl,avx512vpopcntdq"))
DEFINE_COUNTER(popcnt, TARGET("popcnt"))
#endif

/* Fastest first; the last one runs everywhere. */
static const counter COUNTERS[] = {
#if defined(__x86_64__)
    {"avx512", has_vector_popcount, count_avx512},
    {"popcnt", has_popcount, count_popcnt},
#endif
    {"portable", always_available, count_portable},
};
static const int N_COUNTERS = (int)(sizeof COUNTERS / sizeof COUNTERS[0]);

/* Copy packed codes into planes, ordered by class; `next` holds the first position of
 * each class and is advanced. */
static inline void planes_by_class(const uint8_t *rows, size_t n_rows, size_t n_bytes,
                                   const int64_t *classes, int64_t *next,
                                   uint64_t *planes)
{
    for (size_t i = 0; i < n_rows; i++) {
        size_t position = (size_t)next[classes[i]]++;
        const uint8_t *row = rows + i * n_bytes;
        for (size_t byte = 0, w = 0; byte < n_bytes; byte += 8, w++) {
            uint64_t word = 0;
            memcpy(&word, row + byte, n_bytes - byte < 8 ? n_bytes - byte : 8);
            planes[w * n_rows + position] = word;
        }
    }
}

/* Add the codes from `first` to `last` to TURNS histograms of n_cells distances. */
static inline void add_distances(bit_counter count, const code_planes *codes,
                                 size_t first, size_t last, const uint64_t *query,
                                 size_t n_cells, uint32_t *cells)
{
    uint64_t counts[COUNTED];
    for (size_t start = first; start < last; start += COUNTED) {
        size_t n = last - start < COUNTED ? last - start : COUNTED;
        count(codes, start, n, query, false, counts);
        for (size_t i = 0; i < n; i++)
            cells[(i % TURNS) * n_cells + counts[i]]++;
    }
}

/* Add the histograms up, and clear them. */
static inline void collect_cells(uint32_t *cells, size_t n_cells, int64_t *total)
{
    for (size_t turn = 0; turn < TURNS; turn++)
        for (size_t d = 0; d < n_cells; d++)
            total[d] += cells[turn * n_cells + d];
    memset(cells, 0, TURNS * n_cells * sizeof *cells);
}

static inline size_t clip(size_t value, size_t low, size_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Count the codes from `first` to `last` by distance: those of the class at positions
 * begin to end in `same`, the others in `others`. */
static inline void count_stretch(bit_counter count, const code_planes *codes,
                                 size_t first, size_t last, size_t begin, size_t end,
                                 const uint64_t *query, size_t n_cells, uint32_t *cells,
                                 int64_t *others, int64_t *same)
{
    begin = clip(begin, first, last);
    end = clip(end, begin, last);
    if (begin < end) {
        add_distances(count, codes, begin, end, query, n_cells, cells);
        collect_cells(cells, n_cells, same);
    }
    add_distances(count, codes, first, begin, query, n_cells, cells);
    add_distances(count, codes, end, last, query, n_cells, cells);
    collect_cells(cells, n_cells, others);
}

/* Count the codes from `first` to `last` by distance, and sum their weights. */
static inline void add_weights(bit_counter count, const code_planes *codes,
                               size_t first, size_t last, const uint64_t *query,
                               const double *weights, int64_t *total, double *sums)
{
    uint64_t counts[COUNTED];
    for (size_t start = first; start < last; start += COUNTED) {
        size_t n = last - start < COUNTED ? last - start : COUNTED;
        count(codes, start, n, query, false, counts);
        for (size_t i = 0; i < n; i++) {
            total[counts[i]]++;
            sums[counts[i]] += weights[start + i];
        }
    }
}

/* Write the number of bits that the codes from `first` to `last` share with a query. */
static inline void write_shared(bit_counter count, const code_planes *codes,
                                size_t first, size_t last, const uint64_t *query,
                                uint32_t *shared)
{
    uint64_t counts[COUNTED];
    for (size_t start = first; start < last; start += COUNTED) {
        size_t n = last - start < COUNTED ? last - start : COUNTED;
        count(codes, start, n, query, true, counts);
        for (size_t i = 0; i < n; i++)
            shared[start + i] = (uint32_t)counts[i];
    }
}

#endif
