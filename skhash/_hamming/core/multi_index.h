/* Look codes up by multi-index hashing (Norouzi, Punjani and Fleet,
 * doi:10.1109/TPAMI.2013.231).
 *
 * m disjoint substrings of the code have a table each. If two codes differ in at most
 * m * s + t bits, then in one of the substrings 0 .. t they differ in at most s bits, or
 * in one of the others in at most s - 1. So for s = 0, 1, ... and each table in turn,
 * the buckets that differ from the query's in exactly s bits are looked up: after table
 * t, every code up to the distance m * s + t has been found.
 *
 * A table is addressed directly: the ids of bucket v are ids[starts[v]] up to
 * ids[starts[v + 1]], ascending. */
#ifndef SKHASH_MULTI_INDEX_H
#define SKHASH_MULTI_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "kernel.h"
#include "select.h"

typedef struct {
    const uint64_t *words;   /* n_words per code; unused bits of the last are 0 */
    const uint32_t *starts;  /* n_tables times (1 << width) + 1 */
    const uint32_t *ids;     /* n_tables times n_codes */
    const uint64_t *allowed; /* one bit per code, or NULL: all */
    size_t n_codes, n_words;
    size_t n_tables, width;  /* bits of a substring, at most 24 */
    size_t spacing;          /* bits between the beginnings of substrings */
    const uint32_t *weights; /* starts of the row_lists, or NULL (see code_range) */
} multi_index;

/* Return the substring of table `t` as a number. */
static inline uint32_t substring(const multi_index *index, const uint64_t *code,
                                 size_t t)
{
    size_t bit = t * index->spacing, word = bit / 64, shift = bit % 64;
    uint64_t value = code[word] >> shift;
    if (shift + index->width > 64)
        value |= code[word + 1] << (64 - shift);
    return (uint32_t)(value & ((UINT64_C(1) << index->width) - 1));
}

/* A table is built by a counting sort in three passes. Pass 1: count the codes
 * [first, last) in starts[v + 1] of their bucket v; starts begin as zeros. */
static void count_substrings(const multi_index *index, size_t t, size_t first,
                             size_t last, uint32_t *starts)
{
    for (size_t i = first; i < last; i++)
        starts[substring(index, index->words + i * index->n_words, t) + 1]++;
}

/* Pass 2: sum the counts, so that starts[v + 1] is where bucket v begins. */
static void sum_counts(const multi_index *index, uint32_t *starts)
{
    uint32_t sum = 0;
    for (size_t v = 0; v < (size_t)1 << index->width; v++) {
        uint32_t count = starts[v + 1];
        starts[v + 1] = sum;
        sum += count;
    }
}

/* Pass 3: place the ids of the codes [first, last). Each moves starts[v + 1] on: in the
 * end it is where bucket v ends. */
static void place_ids(const multi_index *index, size_t t, size_t first, size_t last,
                      uint32_t *starts, uint32_t *ids)
{
    for (size_t i = first; i < last; i++)
        ids[starts[substring(index, index->words + i * index->n_words, t) + 1]++] =
            (uint32_t)i;
}

/* Return the next number with as many bits set (Gosper). */
static inline uint64_t next_combination(uint64_t x)
{
    uint64_t low = x & -x, ripple = x + low;
    return ripple | ((x ^ ripple) >> 2) / low;
}

typedef struct {
    const multi_index *index;
    const uint64_t *query;
    selection *selection;
    size_t table, radius; /* t and s above */
    size_t work, most_work; /* buckets and codes looked at, and the limit */
} probe;

/* Whether an earlier look-up has found the code already. */
ALWAYS_INLINE bool found_before(const probe *p, const uint64_t *code)
{
    for (size_t t = 0; t < p->index->n_tables; t++) {
        uint32_t x = substring(p->index, code, t) ^ substring(p->index, p->query, t);
        size_t distance = (size_t)COUNT_BITS(x);
        if (distance < p->radius || (distance == p->radius && t < p->table))
            return true;
    }
    return false;
}

ALWAYS_INLINE bool probe_bucket(probe *p, uint32_t bucket)
{
    const multi_index *index = p->index;
    const uint32_t *starts =
        index->starts + p->table * (((size_t)1 << index->width) + 1);
    const uint32_t *ids = index->ids + p->table * index->n_codes;
    uint32_t first = starts[bucket], last = starts[bucket + 1];
    p->work += 1 + last - first;
    for (uint32_t i = first; i < last; i++) {
        size_t id = ids[i];
        const uint64_t *code = index->words + id * index->n_words;
        uint32_t distance = 0;
        for (size_t w = 0; w < index->n_words; w++)
            distance += (uint32_t)COUNT_BITS(code[w] ^ p->query[w]);
        if (distance >= p->selection->bound)
            continue;
        if (index->allowed && !(index->allowed[id / 64] >> (id % 64) & 1))
            continue;
        if (found_before(p, code))
            continue;
        size_t weight =
            index->weights ? index->weights[id + 1] - index->weights[id] : 1;
        if (!selection_has_room(p->selection, 1))
            return false;
        selection_take(p->selection, distance, id, weight);
        selection_settle(p->selection);
    }
    return true;
}

/* Look up all buckets of the current table at exactly the current radius. */
ALWAYS_INLINE bool probe_table(probe *p)
{
    uint32_t own = substring(p->index, p->query, p->table);
    uint64_t end = UINT64_C(1) << p->index->width;
    if (p->radius == 0)
        return probe_bucket(p, own);
    uint64_t flips = (UINT64_C(1) << p->radius) - 1;
    for (; flips < end && p->work <= p->most_work; flips = next_combination(flips))
        if (!probe_bucket(p, own ^ (uint32_t)flips))
            return false;
    return true;
}

enum { PROBE_DONE, PROBE_TOO_LONG, PROBE_NO_MEMORY };

/* Whether the selection has all it wants once every code up to `covered` is seen. */
static inline bool probe_complete(const selection *s, size_t covered)
{
    if (s->k)
        return s->edge <= covered;
    return s->bound <= covered + 1;
}

ALWAYS_INLINE int probe_all(probe *p)
{
    selection *s = p->selection;
    if (s->k == 0 && s->bound == 0)
        return PROBE_DONE;
    for (p->radius = 0; p->radius <= p->index->width; p->radius++) {
        for (p->table = 0; p->table < p->index->n_tables; p->table++) {
            if (!probe_table(p))
                return PROBE_NO_MEMORY;
            if (p->work > p->most_work)
                return PROBE_TOO_LONG;
            if (probe_complete(s, p->index->n_tables * p->radius + p->table))
                return PROBE_DONE;
        }
    }
    return PROBE_DONE;
}

static int probe_portable(probe *p)
{
    return probe_all(p);
}

#if defined(__x86_64__)
TARGET("popcnt") static int probe_popcnt(probe *p)
{
    return probe_all(p);
}
#else
#define probe_popcnt probe_portable
#endif

/* Answer one query, unless that takes more than `most_work` look-ups. Hits come out of
 * order, so the selection must keep ties. */
static int probe_index(probe *p, const kernel *kernel)
{
    return kernel->counts_words ? probe_popcnt(p) : probe_portable(p);
}

#endif
