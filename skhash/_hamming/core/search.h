/* Search for one block of queries in a range of codes, up to the sorted hits. */
#ifndef SKHASH_SEARCH_H
#define SKHASH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "kernel.h"
#include "multi_index.h"
#include "results.h"
#include "scan.h"
#include "select.h"

/* A look-up in a table costs as much as a scan of so many bytes. */
#define BYTES_PER_LOOKUP 8000

/* What to search, and how. */
typedef struct {
    code_range codes;
    const row_lists *lists;    /* NULL: every code is one row */
    const multi_index *tables; /* NULL: scan */
    size_t most_work;          /* look-ups per query; if it needs more, scan */
    const kernel *kernel;
    uint32_t n_bits;
    size_t k;                  /* 0: all with a distance below the bound */
    uint32_t bound;
} search_task;

typedef struct {
    scan_workspace *scan;
    result_workspace results;
    uint64_t *query_words;
    size_t n_queries; /* of a block, at most */
    selection *selections;
} search_workspace;

static void search_workspace_free(search_workspace *workspace)
{
    if (workspace == NULL)
        return;
    scan_workspace_free(workspace->scan);
    free(workspace->results.rows.keys);
    free(workspace->results.spare.keys);
    free(workspace->query_words);
    for (size_t q = 0; workspace->selections && q < workspace->n_queries; q++) {
        free(workspace->selections[q].hits.keys);
        free(workspace->selections[q].counts);
    }
    free(workspace->selections);
    free(workspace);
}

static search_workspace *search_workspace_new(const search_task *task, size_t n_queries)
{
    search_workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace == NULL)
        return NULL;
    n_queries = n_queries < QUERY_BLOCK ? n_queries : QUERY_BLOCK;
    workspace->n_queries = n_queries;
    workspace->selections = calloc(n_queries, sizeof *workspace->selections);
    workspace->scan = scan_workspace_new(&task->codes, task->kernel);
    bool good = workspace->scan && workspace->selections;
    if (task->tables) {
        workspace->query_words = calloc(task->tables->n_words, sizeof(uint64_t));
        good = good && workspace->query_words != NULL;
    }
    for (size_t q = 0; good && task->k && q < n_queries; q++) {
        selection *s = &workspace->selections[q];
        s->counts = malloc((task->n_bits + 1) * sizeof *s->counts);
        good = good && s->counts && reserve_keys(&s->hits, 2 * (task->k + STEP * LANES));
    }
    if (!good) {
        search_workspace_free(workspace);
        return NULL;
    }
    return workspace;
}

/* Return the number of queries per block: fewer where hits, or counts of distances up
 * to n_bits, would fill the memory. */
static size_t block_size(size_t k, uint32_t n_bits)
{
    size_t most = ((size_t)1 << 23) / (k + 1), for_counts = ((size_t)1 << 20) / (n_bits + 1);
    most = k && for_counts < most ? for_counts : most;
    return most > QUERY_BLOCK ? QUERY_BLOCK : most < GROUP ? GROUP : most;
}

static bool scan_block(const search_task *task, const uint8_t *queries,
                       size_t n_queries, search_workspace *workspace, interrupt *stop)
{
    bool keep_ties = task->lists != NULL;
    for (size_t q = 0; q < n_queries; q++)
        selection_start(&workspace->selections[q], task->k, task->n_bits, task->bound,
                        keep_ties);
    if (!scan_codes(&task->codes, queries, n_queries, task->n_bits,
                    workspace->selections, workspace->scan, stop))
        return false;
    for (size_t q = 0; q < n_queries; q++) {
        selection *s = &workspace->selections[q];
        if (!finish_selection(s, true, task->lists, &workspace->results))
            return false;
        if (interrupted(stop, s->hits.n * sizeof *s->hits.keys))
            return false;
    }
    return true;
}

/* Answer a query by the tables, or by a scan of its own where that is cheaper. */
static bool probe_one(const search_task *task, const uint8_t *query, selection *s,
                      search_workspace *workspace, interrupt *stop)
{
    memcpy(workspace->query_words, query, task->codes.n_bytes);
    selection_start(s, task->k, task->n_bits, task->bound, true);
    probe p = {.index = task->tables,
               .query = workspace->query_words,
               .selection = s,
               .most_work = task->most_work};
    int outcome = probe_index(&p, task->kernel);
    if (outcome == PROBE_NO_MEMORY || interrupted(stop, p.work * BYTES_PER_LOOKUP))
        return false;
    bool in_order = outcome == PROBE_TOO_LONG;
    if (outcome == PROBE_TOO_LONG) {
        selection_start(s, task->k, task->n_bits, task->bound, task->lists != NULL);
        if (!scan_codes(&task->codes, query, 1, task->n_bits, s, workspace->scan, stop))
            return false;
    }
    return finish_selection(s, in_order, task->lists, &workspace->results);
}

/* Leave the sorted hits of the queries, at most block_size of them, in their
 * selections. False if memory is short or the search was stopped. */
static bool search_block(const search_task *task, const uint8_t *queries,
                         size_t n_queries, search_workspace *workspace, interrupt *stop)
{
    if (task->tables == NULL)
        return scan_block(task, queries, n_queries, workspace, stop);
    for (size_t q = 0; q < n_queries; q++)
        if (!probe_one(task, queries + q * task->codes.n_bytes,
                       &workspace->selections[q], workspace, stop))
            return false;
    return true;
}

/* Write k hits; where there are fewer, (INT32_MAX, -1) for the rest. */
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
