/* Convert rows of packed codes to blocks of planes and back (see `kernel.h`). */
#ifndef SKHASH_LAYOUT_H
#define SKHASH_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel.h"

/* Packed codes as they lie in an array of any strides (in bytes). */
typedef struct {
    const uint8_t *bytes;
    ptrdiff_t row_stride, byte_stride;
} packed_rows;

static inline const uint8_t *row_at(const packed_rows *rows, size_t row)
{
    return rows->bytes + (ptrdiff_t)row * rows->row_stride;
}

/* Transpose eight words of eight bytes: byte j of word i becomes byte i of word j,
 * bytes counted in memory order. Three rounds swap 1, 2 and 4 bytes between words that
 * far apart. */
static inline void transpose_bytes(uint64_t w[8])
{
#if LITTLE_ENDIAN_WORDS
    static const uint64_t MASKS[3] = {0x00ff00ff00ff00ffull, 0x0000ffff0000ffffull,
                                      0x00000000ffffffffull};
    for (int round = 0; round < 3; round++) {
        int apart = 1 << round, bits = 8 << round;
        for (int i = 0; i < 8; i++) {
            if (i & apart)
                continue;
            uint64_t t = ((w[i] >> bits) ^ w[i + apart]) & MASKS[round];
            w[i] ^= t << bits;
            w[i + apart] ^= t;
        }
    }
#else
    uint8_t from[8][8], to[8][8];
    memcpy(from, w, sizeof from);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            to[j][i] = from[i][j];
    memcpy(w, to, sizeof to);
#endif
}

/* Turn up to eight planes of a block into one word per code (missing bytes are 0). */
static inline void words_from_planes(const uint8_t *planes, size_t n,
                                     uint64_t words[LANES])
{
    for (int l = 0; l < LANES; l += 8) {
        uint64_t w[8] = {0};
        for (size_t j = 0; j < n; j++)
            memcpy(&w[j], planes + j * LANES + l, 8);
        transpose_bytes(w);
        memcpy(words + l, w, sizeof w);
    }
}

/* Make one whole block of the rows from `first` on. */
static void block_from_rows(const packed_rows *rows, size_t first,
                                   size_t n_bytes, uint8_t *block)
{
    size_t j = 0;
    for (; rows->byte_stride == 1 && j + 8 <= n_bytes; j += 8) {
        for (int l = 0; l < LANES; l += 8) {
            uint64_t w[8];
            for (int i = 0; i < 8; i++)
                memcpy(&w[i], row_at(rows, first + (size_t)(l + i)) + j, 8);
            transpose_bytes(w);
            for (int i = 0; i < 8; i++)
                memcpy(block + (j + (size_t)i) * LANES + l, &w[i], 8);
        }
    }
    for (; j < n_bytes; j++)
        for (size_t l = 0; l < LANES; l++)
            block[j * LANES + l] =
                row_at(rows, first + l)[(ptrdiff_t)j * rows->byte_stride];
}

/* Store the rows [first, last) from position `start` of the index on. Only their own
 * lanes are written: a search that began earlier may be reading the other lanes of the
 * first block, and drops what it finds in lanes behind its last code. */
static void planes_from_rows(const packed_rows *rows, size_t first, size_t last,
                                    size_t n_bytes, uint8_t *planes, size_t start)
{
    size_t i = first;
    while (i < last) {
        size_t position = start + i - first;
        uint8_t *block = planes + position / LANES * LANES * n_bytes;
        if (position % LANES == 0 && last - i >= LANES) {
            block_from_rows(rows, i, n_bytes, block);
            i += LANES;
        } else {
            for (size_t j = 0; j < n_bytes; j++)
                block[j * LANES + position % LANES] =
                    row_at(rows, i)[(ptrdiff_t)j * rows->byte_stride];
            i++;
        }
    }
}

/* Copy one code out of the planes. */
static inline void row_from_planes(const uint8_t *planes, size_t n_bytes,
                                   size_t position, uint8_t *row)
{
    const uint8_t *lane =
        planes + position / LANES * LANES * n_bytes + position % LANES;
    for (size_t j = 0; j < n_bytes; j++)
        row[j] = lane[j * LANES];
}

#endif
