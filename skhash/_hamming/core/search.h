/* One block of queries against one stretch of the index, from start to sorted hits. */
#ifndef SKHASH_SEARCH_H
#define SKHASH_SEARCH_H

#include "multi_index.h"
#include "results.h"
#include "scan.h"

/* What to search, and how. */
typedef struct {
    code_range codes;
    const row_lists *lists;     /* NULL: a code is a row */
    const multi_index *tables; /* NULL: scan */
    size_t most_work;          /* for one query in the tables; then scan */
    const kernel *kernel;
    uint32_t n_bits;
    size_t k;                  /* 0: all with a distance below the bound */
    uint32_t bound;
} search_task;

typedef struct {
    scan_workspace *scan;
    result_workspace results;
    uint64_t *query_words;
    selection selections[QUERY_BLOCK];
} search_workspace;

static void search_workspace_free(search_workspace *space)
{
    if (space == NULL)
        return;
    scan_workspace_free(space->scan);
    free(space->results.rows.keys);
    free(space->results.spare.keys);
    free(space->query_words);
    for (int q = 0; q < QUERY_BLOCK; q++) {
        free(space->selections[q].hits.keys);
        free(space->selections[q].counts);
    }
    free(space);
}

static search_workspace *search_workspace_new(const search_task *task, size_t n_queries)
{
    search_workspace *space = calloc(1, sizeof *space);
    if (space == NULL)
        return NULL;
    space->scan = scan_workspace_new(&task->codes, task->kernel);
    bool good = space->scan != NULL;
    if (task->tables) {
        space->query_words = calloc(task->tables->n_words, sizeof(uint64_t));
        good = good && space->query_words != NULL;
    }
    n_queries = n_queries < QUERY_BLOCK ? n_queries : QUERY_BLOCK;
    for (size_t q = 0; task->k && q < n_queries; q++) {
        selection *s = &space->selections[q];
        s->counts = malloc((task->n_bits + 1) * sizeof *s->counts);
        good = good && s->counts && reserve_keys(&s->hits, 2 * (task->k + STEP * LANES));
    }
    if (!good) {
        search_workspace_free(space);
        return NULL;
    }
    return space;
}

/* Queries to take at a time: fewer where their hits would fill the memory. */
static size_t block_size(size_t k)
{
    size_t most = ((size_t)1 << 23) / (k + 1);
    return most > QUERY_BLOCK ? QUERY_BLOCK : most < GROUP ? GROUP : most;
}

static bool scan_block(const search_task *task, const uint8_t *queries,
                       size_t n_queries, search_workspace *space)
{
    bool keep_ties = task->lists != NULL;
    for (size_t q = 0; q < n_queries; q++)
        selection_start(&space->selections[q], task->k, task->n_bits, task->bound,
                        keep_ties);
    if (!scan_codes(&task->codes, queries, n_queries, task->n_bits, space->selections,
                    space->scan))
        return false;
    for (size_t q = 0; q < n_queries; q++)
        if (!finish_selection(&space->selections[q], true, task->lists,
                              &space->results))
            return false;
    return true;
}

/* A query of the block by the tables, or by a scan of its own where that is cheaper. */
static bool probe_one(const search_task *task, const uint8_t *query, selection *s,
                      search_workspace *space)
{
    memcpy(space->query_words, query, task->codes.n_bytes);
    selection_start(s, task->k, task->n_bits, task->bound, true);
    int outcome = probe_index(task->tables, task->kernel, space->query_words, s,
                              task->most_work);
    bool in_order = outcome == PROBE_TOO_LONG;
    if (outcome == PROBE_NO_MEMORY)
        return false;
    if (outcome == PROBE_TOO_LONG) {
        selection_start(s, task->k, task->n_bits, task->bound, task->lists != NULL);
        if (!scan_codes(&task->codes, query, 1, task->n_bits, s, space->scan))
            return false;
    }
    return finish_selection(s, in_order, task->lists, &space->results);
}

/* Leave the sorted hits of the queries, at most block_size(k) of them, in their
 * selections. False if memory is short. */
static bool search_block(const search_task *task, const uint8_t *queries,
                         size_t n_queries, search_workspace *space)
{
    if (task->tables == NULL)
        return scan_block(task, queries, n_queries, space);
    for (size_t q = 0; q < n_queries; q++)
        if (!probe_one(task, queries + q * task->codes.n_bytes, &space->selections[q],
                       space))
            return false;
    return true;
}

/* Write k hits, or what there is of them and then (INT32_MAX, -1). */
static void write_nearest(const key_list *hits, size_t k, size_t offset,
                          int32_t *distances, intptr_t *indices)
{
    for (size_t i = 0; i < k; i++) {
        bool found = i < hits->n;
        distances[i] = found ? (int32_t)KEY_DISTANCE(hits->keys[i]) : INT32_MAX;
        indices[i] = found ? (intptr_t)(KEY_POSITION(hits->keys[i]) + offset) : -1;
    }
}

#endif
