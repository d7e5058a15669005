/* Scan codes by the bit-sliced kernels: all queries of a block on one slice of codes. */
#ifndef SKHASH_SCAN_SLICED_H
#define SKHASH_SCAN_SLICED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "select.h"

typedef struct {
    const sliced_kernel *kernel;
    uint8_t *tables;
    uint16_t *offsets;
    uint64_t *limits;
    sliced_hit *hits;
} sliced_workspace;

static void sliced_workspace_free(sliced_workspace *w)
{
    free(w->tables);
    free(w->offsets);
    free(w->limits);
    free(w->hits);
    memset(w, 0, sizeof *w);
}

/* False if memory is short; call sliced_workspace_free in any case. */
static bool sliced_workspace_new(sliced_workspace *w, const sliced_kernel *kernel,
                                 size_t n_bytes, size_t n_queries)
{
    size_t n_groups = sliced_groups(n_bytes), pair_bytes = 16 * kernel->n_blocks;
    w->kernel = kernel;
    w->tables = aligned_alloc(64, n_groups * 8 * pair_bytes);
    w->offsets = malloc(n_queries * n_groups * sizeof *w->offsets);
    w->limits = malloc(n_queries * (size_t)sliced_planes(n_bytes) * sizeof *w->limits);
    w->hits = aligned_alloc(64, n_queries * sizeof *w->hits);
    return w->tables && w->offsets && w->limits && w->hits;
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

/* Set the limit of a query to distances below the bound, which is not 0. */
static inline void limit_sliced(sliced_workspace *w, size_t n_bytes, size_t nth,
                                uint32_t bound)
{
    int n_planes = sliced_planes(n_bytes);
    for (int p = 0; p < n_planes; p++)
        w->limits[nth * (size_t)n_planes + (size_t)p] =
            -(uint64_t)((bound - 1) >> p & 1);
}

/* Read the distance of one code off the counter planes. */
static inline uint32_t sliced_distance(const sliced_hit *hit, int n_planes, size_t word,
                                       size_t lane)
{
    uint32_t distance = 0;
    for (int p = 0; p < n_planes; p++)
        distance |= (uint32_t)(hit->planes[p][word] >> lane & 1) << p;
    return distance;
}

#endif
