/* The wall clock of a process, as many seconds ahead as WRONG_CLOCK_S says, or behind: preloaded by tests/system
 * (EVENTFLOW_SYSTEM_CLOCKS). Clocks that measure how long something takes stay right. It allocates nothing and has
 * nothing to set up, since allocators ask for the time while they begin; libfaketime hangs there. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t wrong_by(void) {
    const char *seconds = getenv("WRONG_CLOCK_S");
    return seconds ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += wrong_by();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    if (!failed) *now = (struct timeval){.tv_sec = exact.tv_sec, .tv_usec = exact.tv_nsec / 1000};
    return failed;
}

time_t time(time_t *stored) {
    struct timespec exact;
    time_t now = clock_gettime(CLOCK_REALTIME, &exact) ? -1 : exact.tv_sec;
    if (stored) *stored = now;
    return now;
}
