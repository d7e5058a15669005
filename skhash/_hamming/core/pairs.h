/* Turn pairs of codes into pairs of rows, and sort them.
 *
 * A pair of rows is one 64-bit key: the low bits of i, then j, then the distance. The
 * high bits of i choose the bucket, so that buckets can be sorted and written one after
 * the other, and each freed at once: pairs take little more memory than the results. */
#ifndef SKHASH_PAIRS_H
#define SKHASH_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "join.h"
#include "results.h"
#include "select.h"

#define LEAST_BUCKET_BITS 8
/* Room in a bucket with its first key: a join may have thousands of buckets. */
#define FIRST_BUCKET_KEYS 8

typedef struct {
    key_list *buckets;
    size_t n_buckets, n; /* n: keys in all buckets */
    unsigned low_bits;   /* of i within a bucket */
    unsigned j_bits, distance_bits;
} pair_buckets;

static unsigned bits_needed(uint64_t largest)
{
    unsigned bits = 0;
    while (bits < 64 && largest >> bits)
        bits++;
    return bits;
}

static void pair_buckets_free(pair_buckets *p)
{
    for (size_t b = 0; p->buckets && b < p->n_buckets; b++)
        free(p->buckets[b].keys);
    free(p->buckets);
    p->buckets = NULL;
    p->n = 0;
}

/* Make buckets for i < n_left, j < n_right and distances up to the radius. */
static bool pair_buckets_new(pair_buckets *p, uint64_t n_left, uint64_t n_right,
                             uint32_t radius)
{
    unsigned i_bits = bits_needed(n_left - 1), bucket_bits = LEAST_BUCKET_BITS;
    memset(p, 0, sizeof *p);
    p->j_bits = bits_needed(n_right - 1);
    p->distance_bits = bits_needed(radius);
    if (i_bits + p->j_bits + p->distance_bits > 64 + bucket_bits)
        bucket_bits = i_bits + p->j_bits + p->distance_bits - 64;
    p->low_bits = i_bits > bucket_bits ? i_bits - bucket_bits : 0;
    p->n_buckets = (size_t)((n_left - 1) >> p->low_bits) + 1;
    p->buckets = calloc(p->n_buckets, sizeof *p->buckets);
    return p->buckets != NULL;
}

static inline bool add_row_pair(pair_buckets *p, uint64_t i, uint64_t j, uint64_t distance)
{
    uint64_t low = i & ((UINT64_C(1) << p->low_bits) - 1);
    key_list *bucket = &p->buckets[i >> p->low_bits];
    if (UNLIKELY(bucket->n == bucket->capacity) &&
        !reserve_keys(bucket, bucket->n ? 2 * bucket->n : FIRST_BUCKET_KEYS))
        return false;
    bucket->keys[bucket->n++] = (low << p->j_bits | j) << p->distance_bits | distance;
    p->n++;
    return true;
}

/* The rows that codes stand for. */
typedef struct {
    const row_lists *lists; /* NULL: row i of the set is code i */
    size_t split;           /* codes from it on are of the right set; 0: one set */
} code_rows;

/* Where to go on with a pair of lists. */
typedef struct {
    size_t pair, row;
} expansion;

static inline uint64_t count_rows(const row_lists *lists, uint32_t code)
{
    return lists ? lists->starts[code + 1] - lists->starts[code] : 1;
}

/* Return the number of pairs of rows of the pairs of codes. A code paired with itself
 * stands for the pairs of its rows. */
static uint64_t count_row_pairs(const pair_list *found, const row_lists *lists)
{
    uint64_t n = 0;
    for (size_t p = 0; p < found->n; p++) {
        uint64_t left = count_rows(lists, found->pairs[p].i);
        if (found->pairs[p].i == found->pairs[p].j)
            n += left * (left - 1) / 2;
        else
            n += left * count_rows(lists, found->pairs[p].j);
    }
    return n;
}

/* Add the pairs of one row of the left code with all rows of the right one. */
static bool expand_row(const code_pair *pair, const code_rows *rows, size_t nth,
                       pair_buckets *out)
{
    const row_lists *lists = rows->lists;
    uint32_t row = lists->rows[lists->starts[pair->i] + nth];
    uint32_t first = lists->starts[pair->j], last = lists->starts[pair->j + 1];
    if (pair->i == pair->j)
        first += (uint32_t)nth + 1;
    for (uint32_t r = first; r < last; r++) {
        uint32_t other = lists->rows[r];
        bool ordered = rows->split || row < other;
        if (!add_row_pair(out, ordered ? row : other, ordered ? other : row,
                          pair->distance))
            return false;
    }
    return true;
}

/* Add pairs of rows to `out` until it has `limit` or a few more, or all pairs of codes
 * are done (at->pair == found->n). False if memory is short or stopped. */
static bool expand_pairs(const pair_list *found, const code_rows *rows, expansion *at,
                         pair_buckets *out, size_t limit, interrupt *stop)
{
    while (at->pair < found->n && out->n < limit) {
        const code_pair *pair = &found->pairs[at->pair];
        if (rows->lists == NULL) {
            if (!add_row_pair(out, pair->i, pair->j - rows->split, pair->distance))
                return false;
            at->pair++;
            continue;
        }
        if (!expand_row(pair, rows, at->row, out))
            return false;
        at->row++;
        if (interrupted(stop, 64 * count_rows(rows->lists, pair->j)))
            return false;
        if (at->row == count_rows(rows->lists, pair->i)) {
            at->row = 0;
            at->pair++;
        }
    }
    return true;
}

/* Sort the keys of one bucket of several sets of buckets, of the same shape, into the
 * workspace. The buckets are emptied. */
static bool merge_bucket(pair_buckets *const *sets, size_t n_sets, size_t bucket,
                         key_list *keys, key_list *spare)
{
    size_t n = 0;
    for (size_t s = 0; s < n_sets; s++)
        n += sets[s]->buckets[bucket].n;
    keys->n = 0;
    if (!reserve_keys(keys, n) || !reserve_keys(spare, n))
        return false;
    for (size_t s = 0; s < n_sets; s++) {
        key_list *part = &sets[s]->buckets[bucket];
        if (part->n)
            memcpy(keys->keys + keys->n, part->keys, part->n * sizeof *part->keys);
        keys->n += part->n;
        free(part->keys);
        memset(part, 0, sizeof *part);
    }
    sort_keys(keys->keys, n, 0, spare->keys);
    return true;
}

/* Split a key of a bucket. */
static inline void split_pair_key(const pair_buckets *p, size_t bucket, uint64_t key,
                                  int64_t *i, int64_t *j, int32_t *distance)
{
    *distance = (int32_t)(key & ((UINT64_C(1) << p->distance_bits) - 1));
    key >>= p->distance_bits;
    *j = (int64_t)(key & ((UINT64_C(1) << p->j_bits) - 1));
    *i = (int64_t)((uint64_t)bucket << p->low_bits | key >> p->j_bits);
}

#endif
