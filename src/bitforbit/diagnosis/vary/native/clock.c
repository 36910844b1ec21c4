/* The wall clock. Read by Python, it advances by one millisecond a reading: two runs read the same times, however fast
 * they are. Read by anything else, TensorFlow above all, it runs on. Monotonic clocks are left alone: deadlines of locks
 * and condition variables are computed from them.
 */
#include "seal.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct seal_source source = {.name = "clock", .variable = "BITFORBIT_CLOCK"};

/* Stream 1 begins on 2025-06-15 10:20:30 UTC; each further one another 397 days, 5 hours and 17 minutes on. */
static const int64_t FIRST = 1749982830, APART = 397LL * 86400 + 5 * 3600 + 17 * 60;

static int64_t beginning(uint64_t seed) { return FIRST + ((int64_t)seed - 1) * APART; }

static int real_clock(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = seal_real("clock_gettime");
  return real(clock, now);
}

static int read_clock(clockid_t clock, struct timespec *now, const void *caller) {
  int wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (!wall || !seal_is_on(&source)) return real_clock(clock, now);
  if (seal_from_python(caller)) {
    struct seal_event event = seal_next(&source);
    now->tv_sec = beginning(event.seed) + event.number / 1000;
    now->tv_nsec = (long)(event.number % 1000) * 1000000;
    return 0;
  }
  int failed = real_clock(clock, now);
  now->tv_sec += (int64_t)(source.first - 1) * APART;
  return failed;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  return read_clock(clock, now, __builtin_return_address(0));
}

time_t time(time_t *out) {
  struct timespec now;
  read_clock(CLOCK_REALTIME, &now, __builtin_return_address(0));
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec found;
  (void)zone;
  read_clock(CLOCK_REALTIME, &found, __builtin_return_address(0));
  now->tv_sec = found.tv_sec;
  now->tv_usec = found.tv_nsec / 1000;
  return 0;
}

int timespec_get(struct timespec *now, int base) {
  return base == TIME_UTC && !read_clock(CLOCK_REALTIME, now, __builtin_return_address(0)) ? base : 0;
}
