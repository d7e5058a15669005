/* Everything that standard C does not have: the only header with names of a compiler. */
#ifndef SKHASH_COMPILER_H
#define SKHASH_COMPILER_H

#if !defined(__GNUC__) && !defined(__clang__)
#error "skhash needs GCC or Clang, on Windows clang-cl (CC=clang-cl): see docs/install.md"
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Compile one function for an instruction set that the rest of the file may not use. */
#define TARGET(instructions) __attribute__((target(instructions)))
/* Instructions of x86-64: what the processor can, and the registers that the system
 * saves. (__builtin_cpu_supports needs a library that clang-cl does not link.) */
#define CPUID(leaf, words)                                                               \
    __asm__ volatile("cpuid"                                                             \
                     : "=a"((words)[0]), "=b"((words)[1]), "=c"((words)[2]),             \
                       "=d"((words)[3])                                                  \
                     : "a"(leaf), "c"(0))
#define XGETBV(low, high)                                                                \
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0))

#define FIRST_BIT(x) ((size_t)__builtin_ctzll(x)) /* x is not 0 */
#define COUNT_BITS(x) __builtin_popcountll(x)

#if defined(__clang__)
#define UNROLL_BY_8 _Pragma("clang loop unroll_count(8)")
#define UNROLL_BY_16 _Pragma("clang loop unroll_count(16)")
#else
#define UNROLL_BY_8 _Pragma("GCC unroll 8")
#define UNROLL_BY_16 _Pragma("GCC unroll 16")
#endif

#include <stdlib.h>
#if defined(_WIN32)
/* The library has no aligned_alloc, since its free cannot free such memory. */
#include <malloc.h>
#define ALIGNED_ALLOC(alignment, size) _aligned_malloc((size), (alignment))
#define ALIGNED_FREE(memory) _aligned_free(memory)
#else
#define ALIGNED_ALLOC(alignment, size) aligned_alloc((alignment), (size))
#define ALIGNED_FREE(memory) free(memory)
#endif

/* Give freed memory back to the system, where the library keeps it otherwise. */
#if defined(__GLIBC__)
#include <malloc.h>
#define RELEASE_FREED_MEMORY() ((void)malloc_trim(0))
#else
#define RELEASE_FREED_MEMORY() ((void)0)
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LITTLE_ENDIAN_WORDS 1
#else
#define LITTLE_ENDIAN_WORDS 0
#endif

#endif
