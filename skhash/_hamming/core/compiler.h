/* Everything that standard C does not have: the only header with names of a compiler. */
#ifndef SKHASH_COMPILER_H
#define SKHASH_COMPILER_H

#if !defined(__GNUC__) && !defined(__clang__)
#error "skhash needs GCC or Clang: it uses function-level target attributes."
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Compile one function for an instruction set that the rest of the file may not use. */
#define TARGET(instructions) __attribute__((target(instructions)))
#define CPU_SUPPORTS(instructions) (__builtin_cpu_supports(instructions) != 0)

#define FIRST_BIT(x) ((size_t)__builtin_ctzll(x)) /* x is not 0 */
#define COUNT_BITS(x) __builtin_popcountll(x)

#if defined(__clang__)
#define UNROLL_BY_8 _Pragma("clang loop unroll_count(8)")
#else
#define UNROLL_BY_8 _Pragma("GCC unroll 8")
#endif

/* Give freed memory back to the system, where the library keeps it otherwise. */
#include <stdlib.h>
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
