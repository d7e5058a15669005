/* Ask an x86-64 processor for its instruction sets, see the manual of CPUID. */
#ifndef SKHASH_PROCESSOR_H
#define SKHASH_PROCESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

/* Registers that the system saves for each thread: vectors of 256 and of 512 bits. */
#define SAVES_YMM 0x06
#define SAVES_ZMM 0xe6

enum { EAX, EBX, ECX, EDX, N_REGISTERS };

/* Where the processor reports an instruction set, and what the system must save. */
typedef struct {
    const char *name;
    uint32_t leaf;
    int word, bit;
    uint32_t saved;
} instruction_set;

static const instruction_set INSTRUCTION_SETS[] = {
    {"popcnt", 1, ECX, 23, 0},
    {"avx2", 7, EBX, 5, SAVES_YMM},
    {"avx512f", 7, EBX, 16, SAVES_ZMM},
    {"avx512bw", 7, EBX, 30, SAVES_ZMM},
    {"avx512vl", 7, EBX, 31, SAVES_ZMM},
    {"avx512bitalg", 7, ECX, 12, SAVES_ZMM},
    {"avx512vpopcntdq", 7, ECX, 14, SAVES_ZMM},
};

#if defined(__x86_64__)
/* Return the mask of the registers that the system saves. */
static inline uint32_t saved_registers(void)
{
    uint32_t words[N_REGISTERS], low, high;
    CPUID(1, words);
    if (!(words[ECX] >> 27 & 1)) /* no XGETBV */
        return 0;
    XGETBV(low, high);
    (void)high;
    return low;
}

/* False for names that are not in the list. */
static inline bool cpu_supports(const char *name)
{
    size_t n = sizeof INSTRUCTION_SETS / sizeof INSTRUCTION_SETS[0];
    for (size_t i = 0; i < n; i++) {
        const instruction_set *set = &INSTRUCTION_SETS[i];
        if (strcmp(set->name, name) != 0)
            continue;
        uint32_t words[N_REGISTERS];
        CPUID(0, words);
        if (words[EAX] < set->leaf || (saved_registers() & set->saved) != set->saved)
            return false;
        CPUID(set->leaf, words);
        return words[set->word] >> set->bit & 1;
    }
    return false;
}
#endif

#endif
