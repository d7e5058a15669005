/* Plain C. Written as loops over 64 bytes, which compilers turn into whatever vector
 * instructions the baseline of the machine has. */
#ifndef SKHASH_KERNEL_PORTABLE_H
#define SKHASH_KERNEL_PORTABLE_H

static bool portable_available(void)
{
    return true;
}

/* The distances of one block to one query, 16 bits each. */
static void portable_block(const uint8_t *block, size_t n_bytes, const uint8_t *prepared,
                           int query, uint16_t *distances)
{
    memset(distances, 0, LANES * sizeof *distances);
    for (size_t first = 0; first < n_bytes; first += BYTE_PLANES) {
        size_t last = first + BYTE_PLANES < n_bytes ? first + BYTE_PLANES : n_bytes;
        uint8_t sums[LANES] = {0};
        for (size_t j = first; j < last; j++) {
            const uint8_t *plane = block + j * LANES;
            uint8_t byte = prepared[4 * (j * GROUP + query)];
            for (int l = 0; l < LANES; l++) {
                uint8_t x = plane[l] ^ byte;
                x = (uint8_t)(x - ((x >> 1) & 0x55));
                x = (uint8_t)((x & 0x33) + ((x >> 2) & 0x33));
                sums[l] = (uint8_t)(sums[l] + ((x + (x >> 4)) & 0x0f));
            }
        }
        for (int l = 0; l < LANES; l++)
            distances[l] = (uint16_t)(distances[l] + sums[l]);
    }
}

/* One bit a lane from one byte a lane, 0 or 1. A product with a sum of powers of two
 * gathers eight of them in its highest byte; first lane lowest. */
static inline uint64_t mask_from_bytes(const uint8_t below[LANES])
{
    uint64_t mask = 0;
    for (int l = 0; l < LANES; l += 8) {
        uint64_t eight = 0;
        for (int i = 0; i < 8; i++)
            eight |= (uint64_t)below[l + i] << (8 * i);
        mask |= (eight * UINT64_C(0x0102040810204080) >> 56) << l;
    }
    return mask;
}

/* From 64 distances of 16 bits to what a kernel leaves behind; `wide` is a constant
 * where this is inlined. */
ALWAYS_INLINE void record_block(step_result *out, uint32_t hits[GROUP], int query,
                                size_t block, const uint16_t *distances, uint16_t bound,
                                bool wide)
{
    uint8_t below[LANES];
    for (int l = 0; l < LANES; l++)
        below[l] = (uint8_t)(distances[l] < bound);
    if (wide) {
        memcpy(out->distances.wide[query][block], distances, LANES * sizeof *distances);
    } else {
        uint8_t *narrow = out->distances.narrow[query][block];
        for (int l = 0; l < LANES; l++) /* saturated without a branch */
            narrow[l] = (uint8_t)(distances[l] | (uint16_t)-(distances[l] > 255));
    }
    record_mask(out, hits, query, block, mask_from_bytes(below));
}

ALWAYS_INLINE bool portable_step(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                                 const uint8_t *prepared, const uint32_t *bounds,
                                 int n_queries, step_result *out, bool wide)
{
    uint16_t distances[LANES];
    uint32_t hits[GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        for (int i = 0; i < n_queries; i++) {
            portable_block(blocks + b * n_bytes * LANES, n_bytes, prepared, i, distances);
            record_block(out, hits, i, b, distances, (uint16_t)bounds[i], wide);
        }
    }
    return record_hits(out, hits);
}

static bool portable_narrow(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                            const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                            step_result *out)
{
    return portable_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, false);
}

static bool portable_wide(const uint8_t *blocks, size_t n_blocks, size_t n_bytes,
                          const uint8_t *prepared, const uint32_t *bounds, int n_queries,
                          step_result *out)
{
    return portable_step(blocks, n_blocks, n_bytes, prepared, bounds, n_queries, out, true);
}

static const kernel PORTABLE_KERNEL = {
    .name = "portable",
    .available = portable_available,
    .prepared_bytes = 4 * GROUP,
    .prepare = prepare_words,
    .narrow = portable_narrow,
    .wide = portable_wide,
};

#endif
