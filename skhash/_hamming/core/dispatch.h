/* The kernels of this build, from which `_search.pyx` chooses one at run time. */
#ifndef SKHASH_DISPATCH_H
#define SKHASH_DISPATCH_H

#include "kernel.h"
#include "kernel_portable.h"
#if defined(__x86_64__)
#include "kernel_avx2.h"
#include "kernel_avx512.h"
#include "kernel_avx512f.h"
#include "kernel_popcnt.h"
#elif defined(__aarch64__)
#include "kernel_neon.h"
#endif

/* Fastest first; the last one runs everywhere. */
static const kernel *const KERNELS[] = {
#if defined(__x86_64__)
    &AVX512_KERNEL,
    &AVX512F_KERNEL,
    &AVX2_KERNEL,
    &POPCNT_KERNEL,
#elif defined(__aarch64__)
    &NEON_KERNEL,
#endif
    &PORTABLE_KERNEL,
};
static const int N_KERNELS = (int)(sizeof KERNELS / sizeof KERNELS[0]);

#endif
