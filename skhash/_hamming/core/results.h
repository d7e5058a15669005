/* Turn the hits of a query into its results: in order, rows in place of codes. */
#ifndef SKHASH_RESULTS_H
#define SKHASH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "select.h"

/* The rows that have the same code: rows[starts[c]] .. rows[starts[c + 1] - 1] are
 * those of code c, ascending. */
typedef struct {
    const uint32_t *starts;
    const uint32_t *rows;
} row_lists;

/* Memory that queries use in turn. */
typedef struct {
    key_list rows;
    key_list spare;
} result_workspace;

static bool sort_list(key_list *list, int first_byte, key_list *spare)
{
    if (list->n > 24 && !reserve_keys(spare, list->n))
        return false;
    sort_keys(list->keys, list->n, first_byte, spare->keys);
    return true;
}

/* Sort, and cut back to the first k. */
static bool keep_first(key_list *list, size_t k, key_list *spare)
{
    if (!sort_list(list, 0, spare))
        return false;
    list->n = list->n < k ? list->n : k;
    return true;
}

/* Replace hits of distinct codes, sorted, by the first k of their rows (k = 0: all).
 * Codes at the same distance take turns by row number; of those only the first rows are
 * wanted, so from time to time the rest is cut and no later row needs to be looked at. */
static bool expand_hits(key_list *hits, const row_lists *lists, size_t k,
                        result_workspace *workspace)
{
    key_list *rows = &workspace->rows;
    size_t room = k ? 4 * k + 1024 : SIZE_MAX;
    uint64_t limit = UINT64_MAX; /* keys from here on are not among the first k */
    rows->n = 0;
    for (size_t i = 0; i < hits->n; i++) {
        uint32_t distance = KEY_DISTANCE(hits->keys[i]);
        uint32_t code = KEY_POSITION(hits->keys[i]);
        if (KEY(distance, 0) >= limit)
            break;
        uint32_t first = lists->starts[code], last = lists->starts[code + 1];
        if (k && last - first > k)
            last = first + (uint32_t)k;
        for (uint32_t r = first; r < last; r++) {
            uint64_t key = KEY(distance, lists->rows[r]);
            if (key >= limit)
                break;
            if (!append_key(rows, key))
                return false;
        }
        if (rows->n >= room) {
            if (!keep_first(rows, k, &workspace->spare))
                return false;
            limit = rows->keys[k - 1];
        }
    }
    if (!keep_first(rows, k ? k : rows->n, &workspace->spare))
        return false;
    key_list other = *hits;
    *hits = *rows;
    *rows = other;
    return true;
}

/* Leave in s->hits the results of the query, in order. `in_order`: hits came in the
 * order of their positions. `lists` may be NULL. */
static bool finish_selection(selection *s, bool in_order, const row_lists *lists,
                             result_workspace *workspace)
{
    if (s->k)
        selection_compact(s);
    if (!sort_list(&s->hits, in_order ? 4 : 0, &workspace->spare))
        return false;
    if (lists)
        return expand_hits(&s->hits, lists, s->k, workspace);
    if (s->k && s->hits.n > s->k)
        s->hits.n = s->k;
    return true;
}

#endif
