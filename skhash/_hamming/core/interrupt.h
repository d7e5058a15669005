/* Stop a long search: at the request of another thread, or of a signal (Ctrl-C). */
#ifndef SKHASH_INTERRUPT_H
#define SKHASH_INTERRUPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "compiler.h"

/* Bytes of codes compared with a query between two looks at the flag: some 0.1 to 20
 * milliseconds, depending on the kernel. */
#define WORK_PER_CHECK ((size_t)1 << 25)
/* To ask for signals takes the interpreter's lock, so that is done less often. */
#define SECONDS_PER_POLL 0.05

/* One per search, shared by its threads. */
typedef struct {
    atomic_bool raised;
} stop_flag;

static inline void stop_flag_set(stop_flag *flag, bool raised)
{
    atomic_store_explicit(&flag->raised, raised, memory_order_relaxed);
}

static inline bool stop_flag_get(const stop_flag *flag)
{
    return atomic_load_explicit(&flag->raised, memory_order_relaxed);
}

/* One per thread of a search. */
typedef struct {
    stop_flag *flag;
    int (*poll)(void); /* handle signals; nonzero to stop */
    size_t work;        /* since the last check */
    double polled;
    bool stopped;
} interrupt;

static inline double seconds_now(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static interrupt interrupt_new(stop_flag *flag, int (*poll)(void))
{
    return (interrupt){.flag = flag, .poll = poll, .polled = seconds_now()};
}

static NEVER_INLINE bool interrupt_check(interrupt *i)
{
    i->work = 0;
    if (!stop_flag_get(i->flag)) {
        double elapsed = seconds_now() - i->polled;
        if (elapsed >= 0 && elapsed < SECONDS_PER_POLL)
            return false;
        bool stop = i->poll() != 0;
        i->polled = seconds_now();
        if (!stop)
            return false;
        stop_flag_set(i->flag, true);
    }
    i->stopped = true;
    return true;
}

/* Account for work, in bytes compared; true if the search must stop. */
static inline bool interrupted(interrupt *i, size_t work)
{
    i->work += work;
    return UNLIKELY(i->work >= WORK_PER_CHECK) && interrupt_check(i);
}

#endif
