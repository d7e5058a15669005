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
#define V_IS_ALL(v) ((v) == UINT64_MAX)
#define V_OR(a, b) ((a) | (b))
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

/* Numbers still to be added, of weights 2^level and 2^(level + 1). */
typedef struct {
    V low, high;
} SLICED(pair);

V_TARGET ALWAYS_INLINE SLICED(pair) SLICED(add_1)(const uint8_t *tables,
                                                  const uint16_t *offsets, V *planes,
                                                  int n_planes)
{
    const uint8_t *pair = tables + *offsets;
    (void)planes, (void)n_planes;
    return (SLICED(pair)){V_LOAD(pair), V_LOAD(pair + sizeof(V))};
}

/* Add twice as many groups. Each adder has three numbers to add: none is wasted. What
 * has no plane is only collected: it means that a sum is too large. */
#define ADD_TWICE(n, half, level)                                                       \
    V_TARGET ALWAYS_INLINE SLICED(pair) SLICED(add_##n)(                                \
        const uint8_t *tables, const uint16_t *offsets, V *planes, int n_planes)        \
    {                                                                                   \
        SLICED(pair) a = SLICED(add_##half)(tables, offsets, planes, n_planes);         \
        SLICED(pair) b = SLICED(add_##half)(tables + half * GROUP_BYTES,                \
                                            offsets + half, planes, n_planes);          \
        a.low = level < n_planes ? SLICED(add)(&planes[level], a.low, b.low)            \
                                 : V_OR(a.low, b.low);                                  \
        a.high = level + 1 < n_planes ? SLICED(add)(&planes[level + 1], a.high, b.high) \
                                      : V_OR(a.high, b.high);                           \
        return a;                                                                       \
    }
ADD_TWICE(2, 1, 0)
ADD_TWICE(4, 2, 1)
ADD_TWICE(8, 4, 2)
ADD_TWICE(16, 8, 3)
ADD_TWICE(32, 16, 4)
ADD_TWICE(64, 32, 5)
#undef ADD_TWICE

/* Add what is left of a number of groups; returns the carries out of the planes. */
V_TARGET ALWAYS_INLINE V SLICED(add_rest)(V *planes, int n_planes, int level,
                                          SLICED(pair) rest)
{
    if (level >= n_planes)
        return V_OR(rest.low, rest.high);
    V carry = SLICED(add_one)(&planes[level], rest.low);
    if (level + 1 == n_planes)
        return V_OR(carry, rest.high);
    carry = SLICED(add)(&planes[level + 1], rest.high, carry);
    UNROLL_BY_16
    for (int p = level + 2; p < n_planes; p++)
        carry = SLICED(add_one)(&planes[p], carry);
    return carry;
}

/* Compare the codes of a slice with all queries. The numbers are constants for common
 * lengths: then the counter planes stay in registers. */
V_TARGET ALWAYS_INLINE size_t SLICED(compare_inline)(const uint8_t *tables,
                                                     size_t n_groups, int n_planes,
                                                     const sliced_queries *queries,
                                                     sliced_hit *hits)
{
    const V all = V_SET(UINT64_MAX);
    size_t n_hits = 0;
    for (size_t q = 0; q < queries->n; q++) {
        const uint16_t *offsets = queries->offsets + q * n_groups;
        const uint64_t *starts = queries->starts + q * (size_t)n_planes;
        V planes[MOST_PLANES], over = V_SET(0);
        UNROLL_BY_16
        for (int p = 0; p < n_planes; p++)
            planes[p] = V_SET(starts[p]);
        size_t g = 0;
#define ADD(n, level)                                                               \
    over = V_OR(over, SLICED(add_rest)(planes, n_planes, level,                     \
                                       SLICED(add_##n)(tables + g * GROUP_BYTES,    \
                                                       offsets + g, planes, n_planes))); \
    g += n
        while (g + 64 <= n_groups) {
            ADD(64, 6);
        }
        if (n_groups & 32) {
            ADD(32, 5);
        }
        if (n_groups & 16) {
            ADD(16, 4);
        }
        if (n_groups & 8) {
            ADD(8, 3);
        }
        if (n_groups & 4) {
            ADD(4, 2);
        }
        if (n_groups & 2) {
            ADD(2, 1);
        }
        if (n_groups & 1) {
            ADD(1, 0);
        }
#undef ADD
        if (UNLIKELY(!V_IS_ALL(over))) {
            sliced_hit *hit = &hits[n_hits++];
            hit->query = (uint32_t)q;
            V_STORE(hit->lanes, V_XOR(over, all));
            UNROLL_BY_16
            for (int p = 0; p < n_planes; p++)
                V_STORE(hit->planes[p], planes[p]);
        }
    }
    return n_hits;
}

/* Constants for common lengths, with the planes of the nearest of many random codes and
 * of small radii. */
V_TARGET static size_t SLICED(compare)(const uint8_t *tables, size_t n_bytes,
                                       const sliced_queries *queries, sliced_hit *hits)
{
#define CASE(bytes, planes)         \
    case (bytes)*MOST_PLANES + (planes): \
        return SLICED(compare_inline)(tables, (8 * (bytes) + 2) / 3, planes, queries, hits)
    switch (n_bytes * MOST_PLANES + (size_t)queries->n_planes) {
        CASE(4, 3);
        CASE(8, 3);
        CASE(8, 4);
        CASE(8, 5);
        CASE(16, 6);
        CASE(32, 5);
        CASE(32, 7);
    default:
        return SLICED(compare_inline)(tables, sliced_groups(n_bytes), queries->n_planes,
                                      queries, hits);
    }
#undef CASE
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
#undef V_IS_ALL
#undef V_OR
#undef ADD_TWICE
#undef PAIR_BYTES
#undef GROUP_BYTES

#endif
