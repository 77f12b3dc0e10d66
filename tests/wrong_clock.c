/* The time of day of a process under test, ahead or behind: by so many seconds as WRONG_CLOCK_S says, or by
 * so many nanoseconds as a file of eight bytes says at the moment (WRONG_CLOCK_FILE). Clocks that measure how
 * long something takes stay right. Preloaded by tests/system and by the scripts of tests/smtp. It asks the
 * kernel itself and allocates nothing, since allocators ask for the time while they begin; libfaketime hangs
 * there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NANOS 1000000000LL

static int64_t by_setting;
static const volatile int64_t *wrong_by = &by_setting;

__attribute__((constructor)) static void open_clock(void) {
    const char *seconds = getenv("WRONG_CLOCK_S"), *path = getenv("WRONG_CLOCK_FILE");
    if (seconds) by_setting = atol(seconds) * NANOS;
    int file = path ? open(path, O_RDONLY) : -1;
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *wrong_by, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) wrong_by = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    int64_t nanos = now->tv_sec * NANOS + now->tv_nsec + *wrong_by;
    now->tv_sec = nanos / NANOS;
    now->tv_nsec = nanos % NANOS;
    return 0;
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
