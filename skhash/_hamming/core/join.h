/* Find all pairs of codes within a radius: of one set, or of two.
 *
 * Codes that differ in at most r bits agree in one of r + 1 blocks of bits. So for each
 * block the codes are grouped by it (`grouping.h`), and those of a group are compared
 * with each other. A pair counts in the first block in which it agrees, so that it is
 * reported once. Large groups are scanned by the kernels; without blocks all codes are
 * one group. Equal codes must have been removed before.
 *
 * The work can be cut into blocks, or ranges of rows where there are none, and stops
 * when enough pairs have been found; the next call goes on from there. */
#ifndef SKHASH_JOIN_H
#define SKHASH_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "grouping.h"
#include "interrupt.h"
#include "kernel.h"
#include "layout.h"
#include "scan.h"
#include "select.h"

/* Groups of more codes are scanned by the kernels. */
#define SCANNED_GROUP 256
/* Hits of a scan after which fewer queries are scanned at a time. */
#define MANY_HITS ((size_t)1 << 20)

typedef struct {
    uint32_t i, j, distance;
} code_pair;

typedef struct {
    code_pair *pairs;
    size_t n, capacity;
} pair_list;

typedef struct {
    const uint64_t *words; /* n codes of n_words; unused bytes are 0 */
    size_t n, n_words, n_bytes;
    size_t split;          /* pair codes before it with the others; 0: all codes */
    uint32_t radius;
    size_t n_blocks;       /* 0: compare all codes */
    const uint64_t *masks; /* of the blocks: n_words each */
    const uint8_t *planes; /* of all codes, for a join without blocks; or NULL */
    uint64_t seed;
    const kernel *kernel;
} join_task;

typedef struct {
    const join_task *task;
    size_t block, last_block; /* the next block, and where to end */
    grouping groups;
    const uint64_t *codes;   /* words of the members, of all codes if there are no blocks */
    const uint64_t *members; /* their keys; NULL: their positions */
    size_t last;             /* end of the current group */
    size_t left_end;         /* end of its codes before the split */
    size_t row, last_row;    /* members to compare with later ones */
    /* Of a group that is scanned: */
    size_t first;            /* its first member */
    bool scanned;
    const uint8_t *planes;   /* of its codes */
    uint8_t *own_planes, *queries;
    size_t planes_size, batch;
    scan_workspace *scan;
    selection *selections;
} join;

static void join_free(join *j)
{
    if (j == NULL)
        return;
    grouping_free(&j->groups);
    ALIGNED_FREE(j->own_planes);
    free(j->queries);
    scan_workspace_free(j->scan);
    for (size_t q = 0; j->selections && q < QUERY_BLOCK; q++)
        free(j->selections[q].hits.keys);
    free(j->selections);
    free(j);
}

static bool append_pair(pair_list *list, uint32_t i, uint32_t j, uint32_t distance)
{
    if (UNLIKELY(list->n == list->capacity)) {
        size_t capacity = list->capacity < 512 ? 1024 : 2 * list->capacity;
        code_pair *pairs = realloc(list->pairs, capacity * sizeof *pairs);
        if (pairs == NULL)
            return false;
        list->pairs = pairs;
        list->capacity = capacity;
    }
    list->pairs[list->n++] = (code_pair){i, j, distance};
    return true;
}

static inline uint32_t member_code(const join *j, size_t member)
{
    return j->members ? KEY_POSITION(j->members[member]) : (uint32_t)member;
}

/* Whether the current block is the first in which two codes agree. */
static inline bool counts_here(const join *j, const uint64_t *a, const uint64_t *b)
{
    size_t n_words = j->task->n_words;
    if (j->task->n_blocks == 0)
        return true;
    for (size_t block = 0; block < j->block; block++) {
        const uint64_t *mask = j->task->masks + block * n_words;
        uint64_t differing = 0;
        for (size_t w = 0; w < n_words; w++)
            differing |= (a[w] ^ b[w]) & mask[w];
        if (!differing)
            return block + 1 == j->block;
    }
    return false; /* in one group because hashes collided */
}

static bool report(const join *j, size_t a, size_t b, uint32_t distance, pair_list *found)
{
    size_t n_words = j->task->n_words;
    if (!counts_here(j, j->codes + a * n_words, j->codes + b * n_words))
        return true;
    return append_pair(found, member_code(j, a), member_code(j, b), distance);
}

/* Compare a member with the later ones of its group, word by word. */
ALWAYS_INLINE bool compare_row(const join *j, size_t n_words, pair_list *found)
{
    const uint64_t *code = j->codes + j->row * n_words;
    size_t first = j->task->split ? j->left_end : j->row + 1;
    for (size_t m = first; m < j->last; m++) {
        const uint64_t *other = j->codes + m * n_words;
        uint32_t distance = 0;
        for (size_t w = 0; w < n_words; w++)
            distance += COUNT_BITS(code[w] ^ other[w]);
        if (distance <= j->task->radius && !report(j, j->row, m, distance, found))
            return false;
    }
    return true;
}

ALWAYS_INLINE bool compare_rows_inline(const join *j, pair_list *found)
{
    switch (j->task->n_words) {
    case 1: return compare_row(j, 1, found);
    case 2: return compare_row(j, 2, found);
    case 4: return compare_row(j, 4, found);
    default: return compare_row(j, j->task->n_words, found);
    }
}

static bool compare_rows_portable(const join *j, pair_list *found)
{
    return compare_rows_inline(j, found);
}

#if defined(__x86_64__)
TARGET("popcnt") static bool compare_rows_popcnt(const join *j, pair_list *found)
{
    return compare_rows_inline(j, found);
}
#else
#define compare_rows_popcnt compare_rows_portable
#endif

static size_t size_of_planes(const join_task *task, size_t n)
{
    return (n + LANES - 1) / LANES * LANES * task->n_bytes;
}

/* Turn n codes into planes. */
static void make_planes(const join_task *task, const uint64_t *codes, size_t n,
                        uint8_t *planes)
{
    size_t last_block = size_of_planes(task, n) - LANES * task->n_bytes;
    memset(planes + last_block, 0, LANES * task->n_bytes);
    packed_rows rows = {.bytes = (const uint8_t *)codes,
                        .row_stride = (ptrdiff_t)(task->n_words * sizeof *task->words),
                        .byte_stride = 1};
    planes_from_rows(&rows, 0, n, task->n_bytes, planes, 0);
}

/* Return the planes of all codes, which the parts of a join without blocks share. NULL
 * if memory is short. */
static uint8_t *shared_planes(const join_task *task)
{
    uint8_t *planes = ALIGNED_ALLOC(LANES, size_of_planes(task, task->n));
    if (planes != NULL)
        make_planes(task, task->words, task->n, planes);
    return planes;
}

/* Get the planes of a large group, and room to scan it. */
static bool prepare_scan(join *j)
{
    const join_task *task = j->task;
    size_t n = j->last - j->first, size = size_of_planes(task, n);
    j->planes = task->planes;
    if (j->planes == NULL) {
        if (size > j->planes_size) {
            ALIGNED_FREE(j->own_planes);
            j->planes_size = 0;
            j->own_planes = ALIGNED_ALLOC(LANES, size);
            if (j->own_planes == NULL)
                return false;
            j->planes_size = size;
        }
        make_planes(task, j->codes + j->first * task->n_words, n, j->own_planes);
        j->planes = j->own_planes;
    }
    code_range codes = {.planes = j->planes, .n_bytes = task->n_bytes};
    if (j->scan == NULL)
        j->scan = scan_workspace_new(&codes, task->kernel);
    if (j->queries == NULL)
        j->queries = malloc(QUERY_BLOCK * task->n_bytes);
    if (j->selections == NULL)
        j->selections = calloc(QUERY_BLOCK, sizeof *j->selections);
    j->batch = j->batch ? j->batch : QUERY_BLOCK / 4;
    return j->scan && j->queries && j->selections;
}

/* Report the hits of scanned rows behind the diagonal, or behind the split. */
static bool report_hits(const join *j, size_t n_rows, pair_list *found, interrupt *stop)
{
    for (size_t q = 0; q < n_rows; q++) {
        const key_list *hits = &j->selections[q].hits;
        size_t first = j->task->split ? j->left_end : j->row + q + 1;
        for (size_t h = 0; h < hits->n; h++) {
            size_t m = j->first + KEY_POSITION(hits->keys[h]);
            uint32_t distance = KEY_DISTANCE(hits->keys[h]);
            if (m >= first && !report(j, j->row + q, m, distance, found))
                return false;
        }
        if (interrupted(stop, hits->n * sizeof *hits->keys))
            return false;
    }
    return true;
}

/* Scan a large group for its next rows. */
static bool scan_rows(join *j, pair_list *found, interrupt *stop)
{
    const join_task *task = j->task;
    size_t n = j->last_row - j->row, n_hits = 0;
    n = n < j->batch ? n : j->batch;
    for (size_t q = 0; q < n; q++) {
        memcpy(j->queries + q * task->n_bytes, j->codes + (j->row + q) * task->n_words,
               task->n_bytes);
        selection_start(&j->selections[q], 0, 0, task->radius + 1, false);
    }
    size_t first = (task->split ? j->left_end : j->row + 1) - j->first;
    code_range codes = {.planes = j->planes,
                        .n_bytes = task->n_bytes,
                        .first = first / LANES * LANES,
                        .last = j->last - j->first};
    if (codes.first < codes.last &&
        !scan_codes(&codes, j->queries, n, (uint32_t)(8 * task->n_bytes), j->selections,
                    j->scan, stop))
        return false;
    if (!report_hits(j, n, found, stop))
        return false;
    for (size_t q = 0; q < n; q++)
        n_hits += j->selections[q].hits.n;
    j->row += n;
    if (n_hits > MANY_HITS)
        j->batch = j->batch / 4 ? j->batch / 4 : 1;
    else if (2 * j->batch <= QUERY_BLOCK)
        j->batch *= 2;
    return true;
}

/* Set up the comparisons within the group [first, last) of the members. */
static bool begin_group(join *j, size_t first, size_t last)
{
    j->first = j->row = first;
    j->last = last;
    j->left_end = first;
    while (j->left_end < last && member_code(j, j->left_end) < j->task->split)
        j->left_end++;
    j->last_row = j->task->split ? j->left_end : last - 1;
    if (j->task->split && j->left_end == last)
        j->last_row = first; /* nothing to compare with */
    j->scanned = last - first > SCANNED_GROUP && j->last_row > first;
    return !j->scanned || prepare_scan(j);
}

/* Go to the next group. False if there is none, memory is short or stopped; then
 * `j->last_block` is 0 if and only if all is done. */
static bool next_group(join *j, interrupt *stop)
{
    grouping *g = &j->groups;
    while (j->last == g->n_members) {
        if (!grouping_has_next(g) || g->members == NULL) {
            if (j->block == j->last_block) {
                j->last_block = 0;
                return false;
            }
            const uint64_t *mask = j->task->masks + j->block++ * j->task->n_words;
            if (!grouping_begin(g, mask, stop))
                return false;
        }
        if (!grouping_next(g, stop))
            return false;
        j->last = 0;
    }
    j->codes = g->codes;
    j->members = g->members;
    return begin_group(j, j->last, group_end(g, j->last));
}

/* Begin a join of the blocks [first, last), or of the rows [first, last) with all later
 * ones where there are no blocks. NULL if memory is short. */
static join *join_new(const join_task *task, size_t first, size_t last)
{
    join *j = calloc(1, sizeof *j);
    if (j == NULL)
        return NULL;
    j->task = task;
    bool good;
    if (task->n_blocks) {
        j->block = first;
        j->last_block = last;
        good = grouping_new(&j->groups, task->words, task->n, task->n_words, task->seed);
    } else {
        j->codes = task->words;
        good = begin_group(j, 0, task->n);
        j->row = first;
        j->last_row = last < j->last_row ? last : j->last_row;
    }
    if (!good) {
        join_free(j);
        return NULL;
    }
    return j;
}

enum { JOIN_DONE, JOIN_MORE, JOIN_FAILED };

/* Append pairs to `found` until it has `limit` or a few more. JOIN_FAILED if memory is
 * short or the search was stopped. */
static int join_run(join *j, pair_list *found, size_t limit, interrupt *stop)
{
    const join_task *task = j->task;
    while (found->n < limit) {
        if (j->row >= j->last_row) {
            if (j->last_block == 0)
                return JOIN_DONE;
            if (!next_group(j, stop))
                return j->last_block == 0 ? JOIN_DONE : JOIN_FAILED;
            continue;
        }
        if (j->scanned) {
            if (!scan_rows(j, found, stop))
                return JOIN_FAILED;
            continue;
        }
        if (!(task->kernel->counts_words ? compare_rows_popcnt(j, found)
                                         : compare_rows_portable(j, found)))
            return JOIN_FAILED;
        if (interrupted(stop, (j->last - j->row) * GROUPING_WORK))
            return JOIN_FAILED;
        j->row++;
    }
    return JOIN_MORE;
}

#endif
