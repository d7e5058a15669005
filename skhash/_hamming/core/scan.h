/* Scan codes for queries: queries in blocks, codes in tiles, kernels in the middle.
 *
 * A tile of codes fits the second-level cache and is read by all queries of the block,
 * one group after the other, before the next tile. The kernels tell which lanes are
 * below the bound of their query; only those are looked at one by one. */
#ifndef SKHASH_SCAN_H
#define SKHASH_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "interrupt.h"
#include "kernel.h"
#include "layout.h"
#include "scan_sliced.h"
#include "select.h"

#define QUERY_BLOCK 1024
#define TILE_BYTES (256 * 1024)
#define SAMPLE_FACTOR 100
#define SAMPLE_LEAST 8192

/* Codes to search: positions [first, last) of `planes`, or of `rows` where planes is
 * NULL. */
typedef struct {
    const uint8_t *planes;
    packed_rows rows;
    size_t n_bytes;
    size_t first, last;       /* first is a multiple of LANES */
    const uint64_t *allowed;  /* one bit per position, or NULL: all */
    const uint32_t *starts;   /* starts of the row_lists, which weigh the codes; or NULL:
                                 every code is one row */
} code_range;

typedef struct {
    const kernel *kernel;
    uint8_t *prepared;        /* queries of the group */
    selection *selections[GROUP];
    int n_queries;
    uint32_t bounds[GROUP];   /* those of the selections */
    bool wide;                /* whether one of them needs the wide kernel */
    const uint8_t *blocks;
    size_t position;          /* of the first code of the blocks */
    size_t n_blocks;
    step_result result;
} scan_step;

/* Read the bounds of the selections, which may have changed. */
static void refresh_bounds(scan_step *step)
{
    step->wide = step->kernel->weighted;
    for (int i = 0; i < step->n_queries; i++) {
        step->bounds[i] = step->selections[i]->bound;
        step->wide |= step->bounds[i] > NARROW_BOUND;
    }
    for (int i = step->n_queries; i < GROUP; i++)
        step->bounds[i] = 0;
}

/* Run the kernel on one step; true if there are hits. */
static inline bool run_step(scan_step *step, size_t n_bytes)
{
    return (step->wide ? step->kernel->wide : step->kernel->narrow)(
        step->blocks, step->n_blocks, n_bytes, step->prepared, step->bounds,
        step->n_queries == 1 ? 1 : GROUP, &step->result);
}

/* Return the lanes of the block at `position` that may be found at all. */
static inline uint64_t lanes_allowed(const code_range *codes, size_t position)
{
    uint64_t lanes = UINT64_MAX;
    if (codes->last - position < LANES)
        lanes >>= LANES - (codes->last - position);
    if (codes->allowed)
        lanes &= codes->allowed[position / LANES];
    return lanes;
}

/* Pass the hits of one query to its selection. The flags are constants where this is
 * inlined; `sampling`: count the hits only. */
ALWAYS_INLINE bool take_hits(const code_range *codes, scan_step *step, int query,
                             bool wide, bool weighted, bool sampling)
{
    selection *s = step->selections[query];
    const step_result *result = &step->result;
    if (!sampling && !selection_has_room(s, STEP * LANES))
        return false;
    for (uint32_t blocks = result->hits[query]; blocks; blocks &= blocks - 1) {
        size_t b = FIRST_BIT(blocks);
        size_t position = step->position + b * LANES;
        uint64_t lanes = result->masks[query][b] & lanes_allowed(codes, position);
        for (; lanes; lanes &= lanes - 1) {
            size_t lane = FIRST_BIT(lanes), found = position + lane, weight = 1;
            uint32_t distance = wide ? result->distances.wide[query][b][lane]
                                     : result->distances.narrow[query][b][lane];
            if (weighted)
                weight = codes->starts[found + 1] - codes->starts[found];
            selection_take(s, distance, found, weight);
            if (sampling)
                s->hits.n = 0;
        }
    }
    selection_settle(s);
    return true;
}

/* Pass the hits of a step to the selections. */
static NEVER_INLINE bool take_step(const code_range *codes, scan_step *step)
{
    for (int i = 0; i < step->n_queries; i++) {
        bool good = true;
        if (!step->result.hits[i])
            continue;
        if (step->wide)
            good = codes->starts ? take_hits(codes, step, i, true, true, false)
                                 : take_hits(codes, step, i, true, false, false);
        else
            good = codes->starts ? take_hits(codes, step, i, false, true, false)
                                 : take_hits(codes, step, i, false, false, false);
        if (!good)
            return false;
    }
    refresh_bounds(step);
    return true;
}

/* Scan the blocks of a tile for one group of queries. */
static bool scan_tile(const code_range *codes, const uint8_t *blocks, size_t position,
                      size_t n_blocks, scan_step *step)
{
    for (size_t b = 0; b < n_blocks; b += STEP) {
        step->blocks = blocks + b * LANES * codes->n_bytes;
        step->position = position + b * LANES;
        step->n_blocks = n_blocks - b < STEP ? n_blocks - b : STEP;
        if (UNLIKELY(run_step(step, codes->n_bytes)) && !take_step(codes, step))
            return false;
    }
    return true;
}

/* Return the blocks from `position` on: in place, or made of rows in `tile`. */
static const uint8_t *blocks_at(const code_range *codes, size_t position,
                                size_t n_blocks, uint8_t *tile)
{
    if (codes->planes)
        return codes->planes + position * codes->n_bytes;
    size_t n = codes->last - position;
    n = n < n_blocks * LANES ? n : n_blocks * LANES;
    planes_from_rows(&codes->rows, position, position + n, codes->n_bytes, tile, 0);
    return tile;
}

/* Return the number of blocks per tile, a multiple of STEP. */
static size_t tile_blocks(size_t n_bytes)
{
    size_t n_steps = TILE_BYTES / (n_bytes * LANES * STEP);
    return n_steps ? n_steps * STEP : STEP;
}

/* Find a first bound for the k nearest, so that the first codes of the scan are not all
 * hits: count the hits of blocks spread over the range (similar codes often lie
 * together), few at first as all of them are hits. At least k of the codes seen lie at
 * or below the edge that this leaves, so the k nearest do. If fewer than k are allowed,
 * the edge stays above all. */
static void sample_bound(const code_range *codes, scan_step *step, uint32_t n_bits,
                         size_t n_sampled, uint8_t *tile)
{
    size_t n_blocks = (codes->last - codes->first) / LANES, seen = 0;
    size_t most = n_sampled < STEP ? n_sampled : STEP;
    size_t spacing = (n_blocks - most) / n_sampled; /* >= 3: no code counts twice */
    size_t n = step->selections[0]->k / LANES + 1;  /* blocks of the first step */
    while (seen < n_sampled) {
        size_t block = seen * spacing;
        n = n < most ? n : most;
        step->position = codes->first + block * LANES;
        step->n_blocks = n;
        step->blocks = blocks_at(codes, step->position, n, tile);
        if (run_step(step, codes->n_bytes)) {
            for (int i = 0; i < step->n_queries; i++)
                step->wide ? take_hits(codes, step, i, true, false, true)
                           : take_hits(codes, step, i, false, false, true);
            refresh_bounds(step);
        }
        seen += n;
        n *= 2;
    }
    for (int i = 0; i < step->n_queries; i++) {
        selection *s = step->selections[i];
        uint32_t bound = s->edge < n_bits ? s->edge + 1 : n_bits + 1;
        selection_start(s, s->k, n_bits, bound, s->keep_ties);
    }
}

/* Return the number of blocks worth sampling: at most a quarter of all. */
static size_t sample_blocks(const code_range *codes, size_t k)
{
    size_t n_blocks = (codes->last - codes->first) / LANES;
    size_t wanted = (SAMPLE_FACTOR * k + SAMPLE_LEAST) / LANES;
    wanted = wanted < n_blocks / 4 ? wanted : n_blocks / 4;
    return k && wanted * LANES >= 2 * k ? wanted : 0;
}

/* Memory of a scan; one per thread. */
typedef struct {
    const kernel *kernel;
    uint8_t *prepared; /* queries of a block */
    uint8_t *tile;     /* NULL unless codes are read from rows */
    scan_step step;
    sliced_workspace sliced; /* from the first scan that needs it */
} scan_workspace;

static void scan_workspace_free(scan_workspace *workspace)
{
    if (workspace) {
        ALIGNED_FREE(workspace->prepared);
        ALIGNED_FREE(workspace->tile);
        sliced_workspace_free(&workspace->sliced);
        ALIGNED_FREE(workspace);
    }
}

static scan_workspace *scan_workspace_new(const code_range *codes, const kernel *kernel)
{
    size_t n_bytes = codes->n_bytes, n_groups = QUERY_BLOCK / GROUP;
    scan_workspace *workspace = ALIGNED_ALLOC(_Alignof(scan_workspace), sizeof *workspace);
    if (workspace == NULL)
        return NULL;
    memset(workspace, 0, sizeof *workspace);
    workspace->kernel = kernel;
    workspace->prepared = ALIGNED_ALLOC(LANES, n_groups * n_bytes * kernel->prepared_bytes);
    if (!codes->planes)
        workspace->tile = ALIGNED_ALLOC(LANES, tile_blocks(n_bytes) * LANES * n_bytes);
    if (workspace->prepared == NULL || (!codes->planes && workspace->tile == NULL)) {
        scan_workspace_free(workspace);
        return NULL;
    }
    return workspace;
}

/* Point the step at the group of queries that begins with query `first`. */
static void load_group(scan_workspace *workspace, size_t n_bytes, selection *selections,
                       size_t first, size_t n_queries)
{
    scan_step *step = &workspace->step;
    size_t n = n_queries - first < GROUP ? n_queries - first : GROUP;
    step->kernel = workspace->kernel;
    step->prepared =
        workspace->prepared + first / GROUP * n_bytes * workspace->kernel->prepared_bytes;
    step->n_queries = (int)n;
    for (size_t i = 0; i < n; i++)
        step->selections[i] = &selections[first + i];
    refresh_bounds(step);
}

/* Prepare the queries, and give their selections a first bound. False if the search was
 * stopped. */
static bool begin_scan(const code_range *codes, const uint8_t *queries, size_t n_queries,
                       uint32_t n_bits, selection *selections,
                       scan_workspace *workspace, interrupt *stop)
{
    size_t n_bytes = codes->n_bytes;
    for (size_t q = 0; q < n_queries; q += GROUP) {
        const uint8_t *group[GROUP]; /* the last query fills up the last group */
        for (size_t i = 0; i < GROUP; i++)
            group[i] = queries + (q + i < n_queries ? q + i : n_queries - 1) *
                                     query_bytes(workspace->kernel, n_bytes);
        load_group(workspace, n_bytes, selections, q, n_queries);
        workspace->kernel->prepare(group, n_bytes, workspace->step.prepared);
        size_t n_sampled = sample_blocks(codes, selections[q].k);
        if (n_sampled)
            sample_bound(codes, &workspace->step, n_bits, n_sampled, workspace->tile);
        if (interrupted(stop, n_sampled * LANES * n_bytes * GROUP))
            return false;
    }
    return true;
}

/* Pass the hits of one query in a slice to its selection. */
static bool take_sliced(const code_range *codes, const sliced_hit *hit, size_t position,
                        size_t n_blocks, int n_planes, selection *s)
{
    uint32_t bound = s->bound; /* as in the comparison */
    if (!selection_has_room(s, n_blocks * LANES))
        return false;
    for (size_t b = 0; b < n_blocks; b++) {
        size_t first = position + b * LANES;
        uint64_t lanes = hit->lanes[b] & lanes_allowed(codes, first);
        for (; lanes; lanes &= lanes - 1) {
            size_t lane = FIRST_BIT(lanes), found = first + lane, weight = 1;
            if (codes->starts)
                weight = codes->starts[found + 1] - codes->starts[found];
            selection_take(s, sliced_distance(hit, n_planes, bound, b, lane), found, weight);
        }
    }
    selection_settle(s);
    return true;
}

/* Scan the blocks of a tile for all queries, slice by slice. */
static bool scan_tile_sliced(const code_range *codes, const uint8_t *blocks,
                             size_t position, size_t n_blocks, size_t n_queries,
                             selection *selections, sliced_workspace *w, interrupt *stop)
{
    size_t n_bytes = codes->n_bytes, per_slice = w->kernel->n_blocks;
    limit_all_sliced(w, n_queries, selections);
    sliced_queries queries = {
        .n = n_queries,
        .n_planes = w->n_planes,
        .offsets = w->offsets,
        .starts = w->starts,
    };
    for (size_t b = 0; b < n_blocks; b += per_slice) {
        size_t n = n_blocks - b < per_slice ? n_blocks - b : per_slice;
        w->kernel->make_tables(blocks + b * LANES * n_bytes, n, n_bytes, w->tables);
        size_t n_hits = w->kernel->compare(w->tables, n_bytes, &queries, w->hits);
        for (size_t h = 0; h < n_hits; h++) {
            selection *s = &selections[w->hits[h].query];
            if (s->bound == 0)
                continue;
            if (!take_sliced(codes, &w->hits[h], position + b * LANES, n, w->n_planes, s))
                return false;
            if (s->bound)
                limit_sliced(w, w->hits[h].query, s->bound);
        }
        if (interrupted(stop, n * LANES * n_bytes * n_queries))
            return false;
    }
    return true;
}

/* Prepare the queries for the bit-sliced kernel. False if memory is short. */
static bool begin_sliced(const code_range *codes, const uint8_t *queries,
                         size_t n_queries, scan_workspace *workspace)
{
    size_t n_bytes = codes->n_bytes;
    sliced_workspace *w = &workspace->sliced;
    if (w->tables == NULL &&
        !sliced_workspace_new(w, workspace->kernel->sliced, n_bytes, QUERY_BLOCK)) {
        sliced_workspace_free(w);
        return false;
    }
    for (size_t q = 0; q < n_queries; q++)
        prepare_sliced(w, queries + q * n_bytes, n_bytes, q);
    w->n_planes = 0; /* no limits yet */
    return true;
}

/* Scan the blocks of a tile, group by group of the queries. */
static bool scan_tile_groups(const code_range *codes, const uint8_t *blocks,
                             size_t position, size_t n_blocks, size_t n_queries,
                             selection *selections, scan_workspace *workspace,
                             interrupt *stop)
{
    for (size_t q = 0; q < n_queries; q += GROUP) {
        load_group(workspace, codes->n_bytes, selections, q, n_queries);
        if (!scan_tile(codes, blocks, position, n_blocks, &workspace->step))
            return false;
        if (interrupted(stop, n_blocks * LANES * codes->n_bytes * GROUP))
            return false;
    }
    return true;
}

/* Scan the codes once for a block of at most QUERY_BLOCK queries, whose selections have
 * been started. False if memory is short or the search was stopped. */
static bool scan_codes(const code_range *codes, const uint8_t *queries,
                       size_t n_queries, uint32_t n_bits, selection *selections,
                       scan_workspace *workspace, interrupt *stop)
{
    size_t n_blocks = (codes->last - codes->first + LANES - 1) / LANES;
    size_t per_tile = tile_blocks(codes->n_bytes);
    bool sliced = use_sliced(workspace->kernel, codes->n_bytes, n_queries);
    if (!begin_scan(codes, queries, n_queries, n_bits, selections, workspace, stop) ||
        (sliced && !begin_sliced(codes, queries, n_queries, workspace)))
        return false;
    for (size_t b = 0; b < n_blocks; b += per_tile) {
        size_t n = n_blocks - b < per_tile ? n_blocks - b : per_tile;
        size_t position = codes->first + b * LANES;
        const uint8_t *blocks = blocks_at(codes, position, n, workspace->tile);
        if (!(sliced ? scan_tile_sliced(codes, blocks, position, n, n_queries, selections,
                                        &workspace->sliced, stop)
                     : scan_tile_groups(codes, blocks, position, n, n_queries, selections,
                                        workspace, stop)))
            return false;
    }
    return true;
}

#endif
