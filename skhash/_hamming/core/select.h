/* Select the nearest among the codes that the kernels found, without a heap.
 *
 * A hit is one 64-bit *key*, the distance above the position of the code, so the order
 * of the keys is the order of the results: (distance, index).
 *
 * As distances are small integers, the current k-th distance is known exactly from a
 * histogram: `edge` is the largest distance with fewer than k hits below it. Hits are
 * appended to a buffer and the edge falls as they come in; when the buffer is full, the
 * hits that the edge has left behind are dropped. Hits may be taken several at a time
 * before the edge follows: those taken in vain lie behind it and are dropped. Codes are
 * visited in index order, so once k hits are at or below the edge, no later one *at* the
 * edge can be among the k nearest: the bound that the kernels test, d < bound, is the
 * edge itself. Where hits stand for several rows, or do not come in index order, ties
 * must be kept until the end: then the bound is one above the edge (`keep_ties`). */
#ifndef SKHASH_SELECT_H
#define SKHASH_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"

#define KEY(distance, position) ((uint64_t)(distance) << 32 | (uint64_t)(position))
#define KEY_DISTANCE(key) ((uint32_t)((key) >> 32))
#define KEY_POSITION(key) ((uint32_t)(key))

typedef struct {
    uint64_t *keys;
    size_t n, capacity;
} key_list;

typedef struct {
    key_list hits;
    size_t k;         /* neighbors wanted; 0: everything below the bound */
    bool keep_ties;
    uint32_t bound;   /* a hit has d < bound */
    uint32_t edge;    /* not used if k is 0 */
    size_t below;     /* hits with d < edge, each with its weight; settled: < k */
    size_t *counts;   /* counts[d]: weight of the hits at distance d, d = 0 .. n_bits */
} selection;

static bool reserve_keys(key_list *list, size_t capacity)
{
    if (capacity <= list->capacity)
        return true;
    uint64_t *keys = realloc(list->keys, capacity * sizeof *keys);
    if (keys == NULL)
        return false;
    list->keys = keys;
    list->capacity = capacity;
    return true;
}

static inline bool append_key(key_list *list, uint64_t key)
{
    if (UNLIKELY(list->n == list->capacity) &&
        !reserve_keys(list, list->capacity < 128 ? 256 : 2 * list->capacity))
        return false;
    list->keys[list->n++] = key;
    return true;
}

/* Start anew: the k nearest, or (k = 0) all with d < bound. */
static void selection_start(selection *s, size_t k, uint32_t n_bits, uint32_t bound,
                            bool keep_ties)
{
    s->hits.n = 0;
    s->k = k;
    s->keep_ties = keep_ties;
    s->bound = bound;
    s->edge = bound;
    s->below = 0;
    if (k)
        memset(s->counts, 0, (n_bits + 1) * sizeof *s->counts);
}

/* Drop what can no longer be among the k nearest. */
static void selection_compact(selection *s)
{
    size_t at_edge = s->k - s->below, n = 0;
    for (size_t i = 0; i < s->hits.n; i++) {
        uint64_t key = s->hits.keys[i];
        uint32_t distance = KEY_DISTANCE(key);
        bool keep = distance < s->edge;
        if (distance == s->edge) {
            keep = s->keep_ties || at_edge > 0;
            at_edge -= at_edge > 0;
        }
        if (keep)
            s->hits.keys[n++] = key;
    }
    s->hits.n = n;
}

/* Make room for `n_more` hits, and as many again where it was full of good ones: then
 * the cost of compaction is constant per hit. */
static NEVER_INLINE bool selection_make_room(selection *s, size_t n_more)
{
    if (s->k)
        selection_compact(s);
    if (2 * s->hits.n + n_more <= s->hits.capacity)
        return true;
    return reserve_keys(&s->hits, 2 * (s->hits.capacity + n_more));
}

static inline bool selection_has_room(selection *s, size_t n_more)
{
    return s->hits.capacity - s->hits.n >= n_more || selection_make_room(s, n_more);
}

/* Take a hit below the bound; there must be room for it. */
static inline void selection_take(selection *s, uint32_t distance, size_t position,
                                  size_t weight)
{
    s->hits.keys[s->hits.n++] = KEY(distance, position);
    if (s->k) {
        s->counts[distance] += weight;
        s->below += distance < s->edge ? weight : 0;
    }
}

/* Let the edge fall after hits have been taken. */
static inline void selection_settle(selection *s)
{
    if (s->k == 0)
        return;
    while (s->below >= s->k) {
        s->edge--;
        s->below -= s->counts[s->edge];
        s->bound = s->edge + s->keep_ties;
    }
}

/* Sort keys by the bytes from `first_byte` on (stable radix sort); 4 sorts hits that
 * are in index order already, 0 any hits. Needs room for as many keys in `spare`. */
static void sort_keys(uint64_t *keys, size_t n, int first_byte, uint64_t *spare)
{
    if (n <= 24) {
        uint64_t ignored = first_byte ? UINT64_MAX << (8 * first_byte) : UINT64_MAX;
        for (size_t i = 1; i < n; i++) {
            uint64_t key = keys[i];
            size_t j = i;
            for (; j > 0 && (keys[j - 1] & ignored) > (key & ignored); j--)
                keys[j] = keys[j - 1];
            keys[j] = key;
        }
        return;
    }
    uint64_t differing = 0;
    for (size_t i = 1; i < n; i++)
        differing |= keys[i] ^ keys[0];
    uint64_t *from = keys, *to = spare;
    for (int byte = first_byte; byte < 8; byte++) {
        int shift = 8 * byte;
        if (!(differing >> shift & 255))
            continue;
        size_t starts[256] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++)
            starts[from[i] >> shift & 255]++;
        for (int v = 0; v < 256; v++) {
            size_t count = starts[v];
            starts[v] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[starts[from[i] >> shift & 255]++] = from[i];
        uint64_t *other = from;
        from = to;
        to = other;
    }
    if (from != keys)
        memcpy(keys, from, n * sizeof *keys);
}

#endif
