/* Number the distinct codes among many, in the order of first appearance.
 *
 * A hash table from code to number. The hash is a sum of products with odd multipliers
 * that follow from a random seed (multiply-shift hashing, Dietzfelbinger et al.,
 * doi:10.1006/jagm.1997.0873), of which the highest bits count: without the seed nobody
 * can craft codes that collide. The numbers do not depend on it. */
#ifndef SKHASH_DISTINCT_H
#define SKHASH_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"

#define NO_CODE UINT32_MAX
#define FIRST_SLOT_BITS 10

typedef struct {
    const uint8_t *rows;
    size_t n_bytes;
    uint64_t seed;
    uint32_t *slots;      /* number of a code, or NO_CODE */
    unsigned slot_bits;   /* 2^slot_bits slots */
    uint32_t *first_rows; /* the first row of each distinct code */
    size_t most;          /* room in first_rows */
    size_t n_distinct;
} code_table;

enum { NUMBERING_DONE, NUMBERING_TOO_MANY, NUMBERING_NO_MEMORY };

/* Return the multiplier of word `i` of a code (the finalizer of splitmix64). */
ALWAYS_INLINE uint64_t hash_multiplier(uint64_t seed, uint64_t i)
{
    uint64_t x = seed + i * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) | 1;
}

ALWAYS_INLINE uint64_t hash_code(const uint8_t *code, size_t n_bytes, uint64_t seed)
{
    uint64_t hash = 0;
    for (size_t j = 0; j < n_bytes; j += 8) {
        uint64_t word = 0;
        memcpy(&word, code + j, n_bytes - j < 8 ? n_bytes - j : 8);
        hash += word * hash_multiplier(seed, j / 8);
    }
    return hash;
}

/* Return the slot of the code in row `row`, or the empty one where it belongs. */
ALWAYS_INLINE size_t find_slot(const code_table *table, size_t row, size_t n_bytes)
{
    const uint8_t *code = table->rows + row * n_bytes;
    size_t last = ((size_t)1 << table->slot_bits) - 1;
    size_t slot = (size_t)(hash_code(code, n_bytes, table->seed) >> (64 - table->slot_bits));
    while (table->slots[slot] != NO_CODE) {
        size_t other = table->first_rows[table->slots[slot]];
        if (!memcmp(table->rows + other * n_bytes, code, n_bytes))
            break;
        slot = (slot + 1) & last;
    }
    return slot;
}

static bool grow_table(code_table *table, unsigned slot_bits)
{
    size_t n_slots = (size_t)1 << slot_bits;
    uint32_t *slots = malloc(n_slots * sizeof *slots);
    if (slots == NULL)
        return false;
    free(table->slots);
    memset(slots, 255, n_slots * sizeof *slots);
    table->slots = slots;
    table->slot_bits = slot_bits;
    for (size_t c = 0; c < table->n_distinct; c++)
        slots[find_slot(table, table->first_rows[c], table->n_bytes)] = (uint32_t)c;
    return true;
}

ALWAYS_INLINE int number_rows(code_table *table, size_t first, size_t last,
                              size_t n_bytes, uint32_t *codes)
{
    if (table->slots == NULL && !grow_table(table, FIRST_SLOT_BITS))
        return NUMBERING_NO_MEMORY;
    for (size_t i = first; i < last; i++) {
        size_t slot = find_slot(table, i, n_bytes);
        if (table->slots[slot] != NO_CODE) {
            codes[i] = table->slots[slot];
            continue;
        }
        if (table->n_distinct == table->most)
            return NUMBERING_TOO_MANY;
        table->first_rows[table->n_distinct] = (uint32_t)i;
        codes[i] = table->slots[slot] = (uint32_t)table->n_distinct++;
        if (2 * table->n_distinct > (size_t)1 << table->slot_bits &&
            !grow_table(table, table->slot_bits + 2))
            return NUMBERING_NO_MEMORY;
    }
    return NUMBERING_DONE;
}

/* Number the codes of the rows [first, last), which continue those numbered before:
 * codes[i] of row i. Usual lengths are constants, so that nothing calls memcpy or
 * memcmp. The slots of the table are the caller's to free. */
static inline int number_codes(code_table *table, size_t first, size_t last, uint32_t *codes)
{
    switch (table->n_bytes) {
    case 4: return number_rows(table, first, last, 4, codes);
    case 8: return number_rows(table, first, last, 8, codes);
    case 16: return number_rows(table, first, last, 16, codes);
    default: return number_rows(table, first, last, table->n_bytes, codes);
    }
}

#endif
