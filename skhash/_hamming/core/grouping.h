/* Group codes that agree in some bits, by a radix sort of hashes of these bits.
 *
 * The key of a code is a hash of the masked bits (multiply-shift with a secret seed, as
 * in `distinct.h`) above the number of the code. Keys are scattered into partitions by
 * their highest bits, and each partition is sorted in the cache. To make keys takes less
 * time than to scatter them, so only those of a quarter of the codes are held at a time:
 * 2 bytes per code. Groups of one code are dropped, and the codes of the others are
 * copied next to each other. Codes of a group may differ in the masked bits where hashes
 * collide. */
#ifndef SKHASH_GROUPING_H
#define SKHASH_GROUPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "distinct.h"
#include "interrupt.h"
#include "select.h"

/* Codes per partition: their keys, sorted, take a part of the second-level cache. */
#define PARTITION_CODES 8192
#define MOST_PARTITION_BITS 12
/* Keys are held of this part of the codes, and of so many in any case. */
#define HELD_PART 4
#define LEAST_HELD ((size_t)1 << 16)
/* Codes handled between two looks at the interrupt, and the work they count as. */
#define GROUPING_SLICE 16384
#define GROUPING_WORK 64

typedef struct {
    const uint64_t *words; /* n codes of n_words */
    size_t n, n_words;
    uint64_t *multipliers; /* n_words */
    const uint64_t *mask;  /* of the bits, nonzero in the words [first_word, last_word) */
    size_t first_word, last_word;
    unsigned bits;         /* 2^bits partitions */
    size_t *starts;        /* of the partitions, and the end of the last */
    size_t *ends;          /* in `keys`, of the partitions that are held */
    size_t partition;      /* the next one */
    size_t first_held, last_held; /* partitions of which `keys` has the keys */
    key_list keys, spare;
    uint64_t *members;     /* keys of the current partition, in groups */
    size_t n_members;
    uint64_t *codes;       /* their words */
    size_t capacity;       /* room in codes */
} grouping;

static void grouping_free(grouping *g)
{
    free(g->multipliers);
    free(g->starts);
    free(g->ends);
    free(g->keys.keys);
    free(g->spare.keys);
    free(g->codes);
    memset(g, 0, sizeof *g);
}

/* False if memory is short; call grouping_free in any case. */
static bool grouping_new(grouping *g, const uint64_t *words, size_t n, size_t n_words,
                         uint64_t seed)
{
    memset(g, 0, sizeof *g);
    g->words = words;
    g->n = n;
    g->n_words = n_words;
    while (g->bits < MOST_PARTITION_BITS && n >> g->bits > PARTITION_CODES)
        g->bits++;
    g->multipliers = malloc(n_words * sizeof *g->multipliers);
    g->starts = malloc((((size_t)1 << g->bits) + 1) * sizeof *g->starts);
    g->ends = malloc(((size_t)1 << g->bits) * sizeof *g->ends);
    if (!g->multipliers || !g->starts || !g->ends)
        return false;
    for (size_t w = 0; w < n_words; w++)
        g->multipliers[w] = hash_multiplier(seed, w);
    return true;
}

static inline size_t key_partition(const grouping *g, uint64_t key)
{
    return (size_t)(key >> 32 >> (32 - g->bits));
}

static inline uint64_t code_key(const grouping *g, size_t i)
{
    const uint64_t *code = g->words + i * g->n_words;
    uint64_t hash = 0;
    for (size_t w = g->first_word; w < g->last_word; w++)
        hash += (code[w] & g->mask[w]) * g->multipliers[w];
    return hash >> 32 << 32 | i;
}

/* Begin anew with the bits of a mask, and count the codes of each partition. False if
 * stopped. */
static bool grouping_begin(grouping *g, const uint64_t *mask, interrupt *stop)
{
    size_t n_partitions = (size_t)1 << g->bits;
    g->mask = mask;
    g->first_word = 0;
    g->last_word = g->n_words;
    while (g->first_word < g->last_word && !mask[g->first_word])
        g->first_word++;
    while (g->last_word > g->first_word && !mask[g->last_word - 1])
        g->last_word--;
    memset(g->starts, 0, (n_partitions + 1) * sizeof *g->starts);
    for (size_t i = 0; i < g->n; i++) {
        g->starts[key_partition(g, code_key(g, i)) + 1]++;
        if (i % GROUPING_SLICE == 0 && interrupted(stop, GROUPING_SLICE * GROUPING_WORK))
            return false;
    }
    for (size_t p = 0; p < n_partitions; p++)
        g->starts[p + 1] += g->starts[p];
    g->partition = g->first_held = g->last_held = 0;
    g->n_members = 0;
    return true;
}

/* Scatter the keys of the next partitions. False if memory is short or stopped. */
static bool hold_keys(grouping *g, interrupt *stop)
{
    size_t n_partitions = (size_t)1 << g->bits, first = g->last_held, last = first + 1;
    size_t most = g->n / HELD_PART > LEAST_HELD ? g->n / HELD_PART : LEAST_HELD;
    while (last < n_partitions && g->starts[last + 1] - g->starts[first] <= most)
        last++;
    if (!reserve_keys(&g->keys, g->starts[last] - g->starts[first] + 1))
        return false;
    g->first_held = first;
    g->last_held = last;
    for (size_t p = first; p < last; p++)
        g->ends[p] = g->starts[p] - g->starts[first];
    for (size_t i = 0; i < g->n; i++) {
        uint64_t key = code_key(g, i);
        size_t p = key_partition(g, key);
        if (p - first < last - first)
            g->keys.keys[g->ends[p]++] = key;
        if (i % GROUPING_SLICE == 0 && interrupted(stop, GROUPING_SLICE * GROUPING_WORK))
            return false;
    }
    return true;
}

static bool copy_members(grouping *g)
{
    size_t n = g->n_members * g->n_words;
    if (n > g->capacity) {
        uint64_t *codes = realloc(g->codes, n * sizeof *codes);
        if (codes == NULL)
            return false;
        g->codes = codes;
        g->capacity = n;
    }
    for (size_t m = 0; m < g->n_members; m++) {
        const uint64_t *code = g->words + KEY_POSITION(g->members[m]) * g->n_words;
        for (size_t w = 0; w < g->n_words; w++)
            g->codes[m * g->n_words + w] = code[w];
    }
    return true;
}

static inline bool same_group(uint64_t key, uint64_t other)
{
    return key >> 32 == other >> 32;
}

/* Whether there is another partition. */
static inline bool grouping_has_next(const grouping *g)
{
    return g->partition < (size_t)1 << g->bits;
}

/* Sort the next partition and keep its groups. False if memory is short or stopped. */
static bool grouping_next(grouping *g, interrupt *stop)
{
    if (g->partition == g->last_held && !hold_keys(g, stop))
        return false;
    size_t first = g->starts[g->partition] - g->starts[g->first_held];
    size_t n = g->starts[g->partition + 1] - g->starts[g->partition], n_kept = 0;
    uint64_t *keys = g->keys.keys + first;
    g->partition++;
    if (!reserve_keys(&g->spare, n))
        return false;
    sort_keys(keys, n, 4, g->spare.keys);
    for (size_t i = 0; i < n; i++) {
        bool alone = (i == 0 || !same_group(keys[i - 1], keys[i])) &&
                     (i + 1 == n || !same_group(keys[i], keys[i + 1]));
        if (!alone)
            keys[n_kept++] = keys[i]; /* keys[i] stays what the next one is compared with */
    }
    g->members = keys;
    g->n_members = n_kept;
    return copy_members(g) && !interrupted(stop, n * GROUPING_WORK);
}

/* Return the end of the group that begins with member `first`. */
static inline size_t group_end(const grouping *g, size_t first)
{
    size_t last = first + 1;
    while (last < g->n_members && same_group(g->members[first], g->members[last]))
        last++;
    return last;
}

/* Mark the copies in the group [first, last): first_equal[i] becomes the first code that
 * code i equals. Originals move to the front of the group; nearly always there is one. */
static size_t mark_copies(grouping *g, size_t first, size_t last, uint32_t *first_equal)
{
    size_t n_words = g->n_words, end = first + 1; /* originals are [first, end) */
    for (size_t m = first + 1; m < last; m++) {
        const uint64_t *code = g->codes + m * n_words;
        size_t o = first;
        while (o < end && memcmp(code, g->codes + o * n_words, n_words * sizeof *code))
            o++;
        if (o < end) {
            first_equal[KEY_POSITION(g->members[m])] = KEY_POSITION(g->members[o]);
        } else {
            memmove(g->codes + end * n_words, code, n_words * sizeof *code);
            g->members[end++] = g->members[m];
        }
    }
    return last - end;
}

/* Mark all copies; first_equal[i] must begin as i. Adds their number to `n_copies`. False
 * if memory is short or stopped. */
static bool find_copies(grouping *g, const uint64_t *all_bits, uint32_t *first_equal,
                        size_t *n_copies, interrupt *stop)
{
    if (!grouping_begin(g, all_bits, stop))
        return false;
    while (grouping_has_next(g)) {
        if (!grouping_next(g, stop))
            return false;
        for (size_t m = 0, end; m < g->n_members; m = end) {
            end = group_end(g, m);
            *n_copies += mark_copies(g, m, end, first_equal);
        }
    }
    return true;
}

#endif
