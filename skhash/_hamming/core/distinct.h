/* Find the distinct codes among many: a hash table from code to its number, numbers
 * given in the order of first appearance. */
#ifndef SKHASH_DISTINCT_H
#define SKHASH_DISTINCT_H

#include <stdlib.h>
#include <string.h>

#include "kernel.h" /* ALWAYS_INLINE */

#define NO_CODE UINT32_MAX

typedef struct {
    const uint8_t *rows;
    uint32_t *slots;      /* number of a code, or NO_CODE */
    size_t n_slots;       /* a power of two */
    uint32_t *first_rows; /* the first row of each distinct code */
    size_t n_distinct;
} code_table;

ALWAYS_INLINE uint64_t hash_code(const uint8_t *code, size_t n_bytes)
{
    uint64_t hash = n_bytes;
    for (size_t j = 0; j < n_bytes; j += 8) {
        uint64_t word = 0;
        memcpy(&word, code + j, n_bytes - j < 8 ? n_bytes - j : 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */
        hash ^= hash >> 32;
    }
    return hash;
}

/* The slot of the code in row `row`, or the empty one where it belongs. */
ALWAYS_INLINE size_t find_slot(const code_table *table, size_t row, size_t n_bytes)
{
    const uint8_t *code = table->rows + row * n_bytes;
    size_t slot = hash_code(code, n_bytes) & (table->n_slots - 1);
    while (table->slots[slot] != NO_CODE) {
        size_t other = table->first_rows[table->slots[slot]];
        if (!memcmp(table->rows + other * n_bytes, code, n_bytes))
            break;
        slot = (slot + 1) & (table->n_slots - 1);
    }
    return slot;
}

static bool grow_table(code_table *table, size_t n_bytes, size_t n_slots)
{
    uint32_t *slots = malloc(n_slots * sizeof *slots);
    if (slots == NULL)
        return false;
    free(table->slots);
    memset(slots, 255, n_slots * sizeof *slots);
    table->slots = slots;
    table->n_slots = n_slots;
    for (size_t c = 0; c < table->n_distinct; c++)
        slots[find_slot(table, table->first_rows[c], n_bytes)] = (uint32_t)c;
    return true;
}

ALWAYS_INLINE ptrdiff_t number_rows(const uint8_t *rows, size_t n_rows, size_t n_bytes,
                                    size_t most, uint32_t *codes, uint32_t *first_rows)
{
    code_table table = {.rows = rows, .first_rows = first_rows};
    if (!grow_table(&table, n_bytes, 1024))
        return -1;
    ptrdiff_t outcome = 0;
    for (size_t i = 0; i < n_rows && outcome == 0; i++) {
        size_t slot = find_slot(&table, i, n_bytes);
        if (table.slots[slot] != NO_CODE) {
            codes[i] = table.slots[slot];
        } else if (table.n_distinct == most) {
            outcome = (ptrdiff_t)most + 1;
        } else {
            first_rows[table.n_distinct] = (uint32_t)i;
            codes[i] = table.slots[slot] = (uint32_t)table.n_distinct++;
            if (2 * table.n_distinct > table.n_slots &&
                !grow_table(&table, n_bytes, 4 * table.n_slots))
                outcome = -1;
        }
    }
    free(table.slots);
    return outcome ? outcome : (ptrdiff_t)table.n_distinct;
}

/* Number the codes: codes[i] of row i, first_rows[c] of code c (room for `most`).
 * Returns the number of distinct codes, `most` + 1 if there are more (and the results
 * are incomplete), or -1 if memory is short. Usual lengths are constants, so that
 * nothing calls memcpy or memcmp. */
static ptrdiff_t number_codes(const uint8_t *rows, size_t n_rows, size_t n_bytes,
                              size_t most, uint32_t *codes, uint32_t *first_rows)
{
    switch (n_bytes) {
    case 4: return number_rows(rows, n_rows, 4, most, codes, first_rows);
    case 8: return number_rows(rows, n_rows, 8, most, codes, first_rows);
    case 16: return number_rows(rows, n_rows, 16, most, codes, first_rows);
    default: return number_rows(rows, n_rows, n_bytes, most, codes, first_rows);
    }
}

#endif
