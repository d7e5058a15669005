/* Compare many queries with codes bit by bit: the body of the bit-sliced kernels.
 *
 * One vector holds one bit of as many codes as it has bits. For three bits, the sum of
 * the differing ones has eight cases, one per value of the query's bits, so a *group* of
 * three bits has a table of eight pairs of vectors (ones and twos), made once per slice
 * of codes for all queries. A query looks up a pair per group and adds them with
 * carry-save adders; the sums are *counter planes*, plane p the bits of weight 2^p. One
 * pass over the counter planes compares all codes of the slice with the query's limit.
 *
 * A `kernel_<isa>.h` defines the vector operations and includes this once per width;
 * included alone it is in plain C, with 64-bit words as vectors. Hence no include guard
 * but the one of that. */
#if defined(SLICED) || !defined(SKHASH_SLICED_WORD_H)

#ifndef SLICED
#define SKHASH_SLICED_WORD_H
#define SLICED(name) sliced_word_##name
#define V uint64_t
#define V_TARGET
#define V_LOAD(p) (*(const uint64_t *)(p))
#define V_STORE(p, v) (*(uint64_t *)(p) = (v))
#define V_SET(word) (word)
#define V_XOR(a, b) ((a) ^ (b))
#define V_AND(a, b) ((a) & (b))
#define V_SUM(a, b, c) ((a) ^ (b) ^ (c))
#define V_MAJORITY(a, b, c) (((a) & (b)) | ((c) & ((a) ^ (b))))
#define V_LESS(a, limit, less) ((~(a) & (limit)) | (~((a) ^ (limit)) & (less)))
#define V_ANY(v) ((v) != 0)
#include "kernel.h"
static void sliced_word_bit_lines(const uint8_t *line, uint64_t bits[8])
{
    for (int t = 0; t < 8; t++) {
        bits[t] = 0;
        for (int l = 0; l < LANES; l++)
            bits[t] |= (uint64_t)(line[l] >> (7 - t) & 1) << l;
    }
}
#endif

#include "kernel.h"

#define PAIR_BYTES (2 * sizeof(V))
#define GROUP_BYTES (8 * PAIR_BYTES)

/* Turn byte planes into bit lines, a word of each per block; missing ones become 0. */
V_TARGET static void SLICED(make_lines)(const uint8_t *blocks, size_t n_blocks,
                                        size_t n_bytes,
                                        uint64_t lines[][sizeof(V) / 8])
{
    for (size_t b = 0; b < n_blocks; b++) {
        for (size_t j = 0; j < n_bytes; j++) {
            uint64_t bits[8];
            SLICED(bit_lines)(blocks + (b * n_bytes + j) * LANES, bits);
            UNROLL_BY_8
            for (size_t t = 0; t < 8; t++)
                lines[8 * j + t][b] = bits[t];
        }
    }
    for (size_t b = n_blocks; b < sizeof(V) / 8; b++)
        for (size_t i = 0; i < 8 * n_bytes; i++)
            lines[i][b] = 0;
    for (size_t i = 8 * n_bytes; i < 3 * sliced_groups(n_bytes); i++)
        memset(lines[i], 0, sizeof lines[i]);
}

/* Make the tables of a slice; codes that are missing count as zeros. */
V_TARGET static void SLICED(make_tables)(const uint8_t *blocks, size_t n_blocks,
                                         size_t n_bytes, uint8_t *tables)
{
    _Alignas(64) uint64_t lines[8 * MOST_SLICED_BYTES + 24][sizeof(V) / 8];
    const V ones = V_SET(UINT64_MAX);
    SLICED(make_lines)(blocks, n_blocks, n_bytes, lines);
    for (size_t g = 0; g < sliced_groups(n_bytes); g++) {
        V a = V_LOAD(lines[3 * g]), b = V_LOAD(lines[3 * g + 1]);
        V c = V_LOAD(lines[3 * g + 2]);
        UNROLL_BY_8
        for (size_t value = 0; value < 8; value++) {
            uint8_t *pair = tables + g * GROUP_BYTES + value * PAIR_BYTES;
            V x = value & 1 ? V_XOR(a, ones) : a, y = value & 2 ? V_XOR(b, ones) : b;
            V z = value & 4 ? V_XOR(c, ones) : c;
            V_STORE(pair, V_SUM(x, y, z));
            V_STORE(pair + sizeof(V), V_MAJORITY(x, y, z));
        }
    }
}

/* Add b and c to a: leaves the sum in a, returns the carries. */
V_TARGET ALWAYS_INLINE V SLICED(add)(V *a, V b, V c)
{
    V carry = V_MAJORITY(*a, b, c);
    *a = V_SUM(*a, b, c);
    return carry;
}

V_TARGET ALWAYS_INLINE V SLICED(add_one)(V *a, V b)
{
    V carry = V_AND(*a, b);
    *a = V_XOR(*a, b);
    return carry;
}

/* Look up one pair of vectors per group; `n` is a constant. */
V_TARGET ALWAYS_INLINE void SLICED(look_up)(const uint8_t *tables,
                                            const uint16_t *offsets, int n, V *ones,
                                            V *twos)
{
    UNROLL_BY_16
    for (int g = 0; g < n; g++) {
        const uint8_t *pair = tables + (size_t)g * GROUP_BYTES + offsets[g];
        ones[g] = V_LOAD(pair);
        twos[g] = V_LOAD(pair + sizeof(V));
    }
}

/* Add eight groups to the counter planes. */
V_TARGET ALWAYS_INLINE void SLICED(add_eight)(const uint8_t *tables,
                                              const uint16_t *offsets, V *planes,
                                              int n_planes)
{
    V x[8], y[8], c[4], d[6], e[3];
    SLICED(look_up)(tables, offsets, 8, x, y);
    UNROLL_BY_8
    for (int i = 0; i < 4; i++)
        c[i] = SLICED(add)(&planes[0], x[2 * i], x[2 * i + 1]);
    UNROLL_BY_8
    for (int i = 0; i < 4; i++)
        d[i] = SLICED(add)(&planes[1], y[2 * i], y[2 * i + 1]);
    d[4] = SLICED(add)(&planes[1], c[0], c[1]);
    d[5] = SLICED(add)(&planes[1], c[2], c[3]);
    UNROLL_BY_8
    for (int i = 0; i < 3; i++)
        e[i] = SLICED(add)(&planes[2], d[2 * i], d[2 * i + 1]);
    V f = SLICED(add)(&planes[3], e[0], e[1]);
    V g = SLICED(add_one)(&planes[3], e[2]);
    if (n_planes > 4)
        f = SLICED(add)(&planes[4], f, g);
    UNROLL_BY_16
    for (int p = 5; p < n_planes; p++)
        f = SLICED(add_one)(&planes[p], f);
}

/* Add four groups to the counter planes. */
V_TARGET ALWAYS_INLINE void SLICED(add_four)(const uint8_t *tables,
                                             const uint16_t *offsets, V *planes,
                                             int n_planes)
{
    V x[4], y[4], c[2], d[3];
    SLICED(look_up)(tables, offsets, 4, x, y);
    UNROLL_BY_8
    for (int i = 0; i < 2; i++)
        c[i] = SLICED(add)(&planes[0], x[2 * i], x[2 * i + 1]);
    UNROLL_BY_8
    for (int i = 0; i < 2; i++)
        d[i] = SLICED(add)(&planes[1], y[2 * i], y[2 * i + 1]);
    d[2] = SLICED(add)(&planes[1], c[0], c[1]);
    V e = SLICED(add)(&planes[2], d[0], d[1]);
    V f = SLICED(add)(&planes[3], e, SLICED(add_one)(&planes[2], d[2]));
    UNROLL_BY_16
    for (int p = 4; p < n_planes; p++)
        f = SLICED(add_one)(&planes[p], f);
}

/* Compare the codes of a slice with all queries. The numbers are constants for common
 * lengths: then the counter planes stay in registers. */
V_TARGET ALWAYS_INLINE size_t SLICED(compare_inline)(const uint8_t *tables, int n_groups,
                                                     int n_planes,
                                                     const sliced_queries *queries,
                                                     sliced_hit *hits)
{
    size_t n_hits = 0;
    for (size_t q = 0; q < queries->n; q++) {
        const uint16_t *offsets = queries->offsets + q * (size_t)n_groups;
        const uint64_t *limits = queries->limits + q * (size_t)n_planes;
        V planes[MOST_PLANES], less = V_SET(UINT64_MAX);
        UNROLL_BY_16
        for (int p = 0; p < n_planes; p++)
            planes[p] = V_SET(0);
        int g = 0;
        for (; g + 8 <= n_groups; g += 8)
            SLICED(add_eight)(tables + (size_t)g * GROUP_BYTES, offsets + g, planes, n_planes);
        if (g < n_groups)
            SLICED(add_four)(tables + (size_t)g * GROUP_BYTES, offsets + g, planes, n_planes);
        UNROLL_BY_16
        for (int p = 0; p < n_planes; p++)
            less = V_LESS(planes[p], V_SET(limits[p]), less);
        if (UNLIKELY(V_ANY(less))) {
            sliced_hit *hit = &hits[n_hits++];
            hit->query = (uint32_t)q;
            V_STORE(hit->lanes, less);
            UNROLL_BY_16
            for (int p = 0; p < n_planes; p++)
                V_STORE(hit->planes[p], planes[p]);
        }
    }
    return n_hits;
}

V_TARGET static size_t SLICED(compare)(const uint8_t *tables, size_t n_bytes,
                                       const sliced_queries *queries, sliced_hit *hits)
{
#define CALL(groups, planes) \
    SLICED(compare_inline)(tables, groups, planes, queries, hits)
    switch (n_bytes) {
    case 4: return CALL(12, 6);
    case 8: return CALL(24, 7);
    case 16: return CALL(44, 8);
    case 32: return CALL(88, 9);
    default: return CALL((int)sliced_groups(n_bytes), sliced_planes(n_bytes));
    }
#undef CALL
}

#undef SLICED
#undef V
#undef V_TARGET
#undef V_LOAD
#undef V_STORE
#undef V_SET
#undef V_XOR
#undef V_AND
#undef V_SUM
#undef V_MAJORITY
#undef V_LESS
#undef V_ANY
#undef PAIR_BYTES
#undef GROUP_BYTES

#endif
