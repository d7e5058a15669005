/* Search codes by every kernel that this machine runs, and compare with plain loops:
 * for systems on which the test suite does not run. Prints the kernels; exits with 1 at
 * a wrong neighbor. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "histogram.h"
#include "join.h"
#include "layout.h"
#include "search.h"

#define N_CODES 3000
#define N_QUERIES 300
#define MOST_CODE_BYTES 33
#define K 10

static uint64_t state = 1;

static uint8_t random_byte(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(state >> 56);
}

static int no_signal(void)
{
    return 0;
}

static size_t distance(const uint8_t *a, const uint8_t *b, size_t n_bytes)
{
    size_t sum = 0;
    for (size_t i = 0; i < 8 * n_bytes; i++)
        sum += (size_t)((a[i / 8] ^ b[i / 8]) >> i % 8 & 1);
    return sum;
}

/* Compare the hits with the first K of all (distance, position) in order. */
static bool is_right(const key_list *hits, const uint8_t *codes, const uint8_t *query,
                     size_t n_bytes)
{
    size_t found = 0;
    for (size_t d = 0; d <= 8 * n_bytes; d++)
        for (size_t i = 0; i < N_CODES && found < K; i++)
            if (distance(codes + i * n_bytes, query, n_bytes) == d) {
                uint64_t key = hits->keys[found++];
                if (KEY_DISTANCE(key) != d || KEY_POSITION(key) != i)
                    return false;
            }
    return hits->n == K;
}

static bool check(const kernel *kernel, size_t n_bytes, const uint8_t *codes,
                  const uint8_t *queries, uint8_t *planes)
{
    packed_rows rows = {codes, (ptrdiff_t)n_bytes, 1};
    planes_from_rows(&rows, 0, N_CODES, n_bytes, planes, 0);
    search_task task = {.codes = {.planes = planes, .n_bytes = n_bytes, .last = N_CODES},
                        .kernel = kernel,
                        .n_bits = (uint32_t)(8 * n_bytes),
                        .k = K,
                        .bound = (uint32_t)(8 * n_bytes + 1)};
    stop_flag flag;
    stop_flag_set(&flag, false);
    interrupt stop = interrupt_new(&flag, no_signal);
    search_workspace *workspace = search_workspace_new(&task, N_QUERIES);
    bool good = workspace && search_block(&task, queries, N_QUERIES, workspace, &stop);
    for (size_t q = 0; good && q < N_QUERIES; q += 37)
        good = is_right(&workspace->selections[q].hits, codes, queries + q * n_bytes,
                        n_bytes);
    search_workspace_free(workspace);
    return good;
}

int main(void)
{
    static uint8_t codes[N_CODES * MOST_CODE_BYTES], queries[N_QUERIES * MOST_CODE_BYTES];
    static uint8_t planes[(N_CODES + LANES) * MOST_CODE_BYTES];
    for (size_t i = 0; i < sizeof codes; i++)
        codes[i] = random_byte();
    for (size_t i = 0; i < sizeof queries; i++)
        queries[i] = random_byte();
    bool good = true;
    for (int i = 0; i < N_KERNELS; i++) {
        if (!KERNELS[i]->available())
            continue;
        for (size_t n_bytes = 1; n_bytes <= MOST_CODE_BYTES; n_bytes += 4)
            if (!check(KERNELS[i], n_bytes, codes, queries, planes)) {
                printf("%s: wrong neighbors of codes of %d bytes\n", KERNELS[i]->name,
                       (int)n_bytes);
                good = false;
            }
        printf("%s\n", KERNELS[i]->name);
    }
    return good ? 0 : 1;
}
