/* Scan codes by the bit-sliced kernels: all queries of a block on one slice of codes. */
#ifndef SKHASH_SCAN_SLICED_H
#define SKHASH_SCAN_SLICED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "kernel.h"
#include "select.h"

typedef struct {
    const sliced_kernel *kernel;
    uint8_t *tables;
    uint16_t *offsets;
    uint64_t *starts;
    int n_planes;
    sliced_hit *hits;
} sliced_workspace;

static void sliced_workspace_free(sliced_workspace *w)
{
    ALIGNED_FREE(w->tables);
    free(w->offsets);
    free(w->starts);
    ALIGNED_FREE(w->hits);
    memset(w, 0, sizeof *w);
}

/* False if memory is short; call sliced_workspace_free in any case. */
static bool sliced_workspace_new(sliced_workspace *w, const sliced_kernel *kernel,
                                 size_t n_bytes, size_t n_queries)
{
    size_t n_groups = sliced_groups(n_bytes), pair_bytes = 16 * kernel->n_blocks;
    w->kernel = kernel;
    w->tables = ALIGNED_ALLOC(64, n_groups * 8 * pair_bytes);
    w->offsets = malloc(n_queries * n_groups * sizeof *w->offsets);
    w->starts = malloc(n_queries * MOST_PLANES * sizeof *w->starts);
    w->hits = ALIGNED_ALLOC(64, n_queries * sizeof *w->hits);
    return w->tables && w->offsets && w->starts && w->hits;
}

/* Find the pair of the query in the table of each group. Bits are in the order of the
 * bytes, the highest first; bits that are missing are 0, as those of the codes. */
static void prepare_sliced(sliced_workspace *w, const uint8_t *query, size_t n_bytes,
                           size_t nth)
{
    size_t n_groups = sliced_groups(n_bytes), pair_bytes = 16 * w->kernel->n_blocks;
    for (size_t g = 0; g < n_groups; g++) {
        size_t value = 0;
        for (size_t i = 0; i < 3; i++) {
            size_t bit = 3 * g + i;
            if (bit < 8 * n_bytes)
                value |= (size_t)(query[bit / 8] >> (7 - bit % 8) & 1) << i;
        }
        w->offsets[nth * n_groups + g] = (uint16_t)(value * pair_bytes);
    }
}

/* Let the counters of a query run over at its bound, which is not 0. */
static inline void limit_sliced(sliced_workspace *w, size_t nth, uint32_t bound)
{
    uint32_t start = ((uint32_t)1 << w->n_planes) - bound;
    for (int p = 0; p < w->n_planes; p++)
        w->starts[nth * (size_t)w->n_planes + (size_t)p] = -(uint64_t)(start >> p & 1);
}

/* Read the distance of one code off the counter planes; `bound` is that of the query. */
static inline uint32_t sliced_distance(const sliced_hit *hit, int n_planes, uint32_t bound,
                                       size_t word, size_t lane)
{
    uint32_t sum = 0;
    for (int p = 0; p < n_planes; p++)
        sum |= (uint32_t)(hit->planes[p][word] >> lane & 1) << p;
    return sum + bound - ((uint32_t)1 << n_planes);
}

/* Use as many counter planes as the bounds need. */
static void limit_all_sliced(sliced_workspace *w, size_t n_queries,
                             const selection *selections)
{
    uint32_t most = 1;
    for (size_t q = 0; q < n_queries; q++)
        most = selections[q].bound > most ? selections[q].bound : most;
    if (w->n_planes == sliced_planes(most))
        return;
    w->n_planes = sliced_planes(most);
    for (size_t q = 0; q < n_queries; q++)
        limit_sliced(w, q, selections[q].bound ? selections[q].bound : 1);
}

/* Whether the bit-sliced kernel is faster. */
static inline bool use_sliced(const kernel *kernel, size_t n_bytes, size_t n_queries)
{
    return kernel->sliced && n_queries >= kernel->sliced->least_queries &&
           n_bytes <= MOST_SLICED_BYTES;
}

#endif
