/* The seal: sources of what no seed controls, each replaced by a fixed stream, so that a run can be repeated with the
 * same events, or with others, and the results compared.
 *
 * A source is sealed where its variable is set:
 *     BITFORBIT_ENTROPY=1              every event from stream 1
 *     BITFORBIT_ENTROPY=1:2@5-6,9-12   events 5 and 9 to 11 from stream 2, all others from stream 1
 *     BITFORBIT_ENTROPY=1:2@5,children event 5 and those of child processes from stream 2
 * Events are numbered from 0, in the process that was started first; children have numbers of their own.
 * With BITFORBIT_SEAL_LOG=FILE each event leaves a line "event SOURCE NUMBER"; where Python has a handler for
 * SEAL_SIGNAL, its stack follows.
 */
#ifndef BITFORBIT_SEAL_H
#define BITFORBIT_SEAL_H

#include <stdatomic.h>
#include <stdint.h>

#define SEAL_SIGNAL (SIGRTMIN + 7)
#pragma GCC visibility push(hidden)
enum { SEAL_RANGES = 512 };

struct seal_source {
  const char *name, *variable;
  atomic_uint next;
  int state; /* 0: not read yet, 1: sealed, -1: not sealed */
  uint64_t first, second;
  int in_children, ranges;
  unsigned low[SEAL_RANGES], high[SEAL_RANGES];
};

struct seal_event {
  unsigned number;
  uint64_t seed; /* which stream */
};

/* Whether the variable of `source` is set. */
int seal_is_on(struct seal_source *source);
/* Number the next event, log it, and say which stream it comes from. Call only where seal_is_on. */
struct seal_event seal_next(struct seal_source *source);
/* Whether `caller`, an address, is the Python interpreter or a module of its standard library. */
int seal_from_python(const void *caller);
int seal_is_child(void);
/* The next 64 bits of a stream (SplitMix64: Steele, Lea and Flood, OOPSLA 2014). */
uint64_t seal_mix(uint64_t *state);
/* The next definition of a function that this library replaces. */
void *seal_real(const char *name);
#pragma GCC visibility pop

#endif
