/* Let the n-th allocation that the core asks for fail. Preloaded by test_memory.py.
 *
 * Only calls from the address range that is set count, so that Python and numpy get
 * what they ask for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stddef.h>
#include <errno.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static uintptr_t range_first, range_last;
static long countdown;

void failing_malloc_set(uintptr_t first, uintptr_t last, long n)
{
    range_first = first;
    range_last = last;
    countdown = n;
}

long failing_malloc_left(void)
{
    return countdown;
}

static int fails(void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    if (at < range_first || at >= range_last || countdown <= 0 || --countdown)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, n);
}
