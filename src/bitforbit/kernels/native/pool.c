/* A small pool of threads that only ever splits independent outputs.
 *
 * One job runs at a time; a second caller (TensorFlow runs ops side by side) does its own work alone rather than wait.
 * Which thread computes which piece is left to chance, because it cannot matter.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "bfb.h"

enum { MAX_THREADS = 256 };

static pthread_mutex_t job_lock = PTHREAD_MUTEX_INITIALIZER;  /* held by the caller whose job runs */
static pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_ready = PTHREAD_COND_INITIALIZER, work_done = PTHREAD_COND_INITIALIZER;

static int wanted = 1;      /* pool size, the caller included */
static int started = 0;     /* worker threads alive */
static uint64_t generation; /* counts jobs; guarded by state_lock, as are the next three */
static int running, seats;  /* workers inside the job; workers that may still join */

static struct {
  bfb_body body;
  void* arg;
  int64_t n, step;
  atomic_llong next;
} job;

static void take_pieces(void) {
  for (;;) {
    int64_t begin = atomic_fetch_add_explicit(&job.next, job.step, memory_order_relaxed);
    if (begin >= job.n) return;
    job.body(job.arg, begin, begin + job.step < job.n ? begin + job.step : job.n);
  }
}

static void* worker(void* unused) {
  (void)unused;
  bfb_set_mxcsr(BFB_MXCSR);
  uint64_t seen = 0;
  pthread_mutex_lock(&state_lock);
  for (;;) {
    while (generation == seen || seats == 0) {
      seen = generation;
      pthread_cond_wait(&work_ready, &state_lock);
    }
    seen = generation;
    seats--;
    running++;
    pthread_mutex_unlock(&state_lock);
    take_pieces();
    pthread_mutex_lock(&state_lock);
    if (--running == 0) pthread_cond_signal(&work_done);
  }
  return NULL;
}

/* A forked child has none of the parent's workers: it begins with an empty pool. */
static void after_fork(void) {
  pthread_mutex_init(&job_lock, NULL);
  pthread_mutex_init(&state_lock, NULL);
  pthread_cond_init(&work_ready, NULL);
  pthread_cond_init(&work_done, NULL);
  started = running = seats = 0;
}

/* With job_lock held. */
static void start_workers(void) {
  static int registered;
  if (!registered) {
    pthread_atfork(NULL, NULL, after_fork);
    registered = 1;
  }
  while (started < wanted - 1) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &attributes, worker, NULL);
    pthread_attr_destroy(&attributes);
    if (failed) return; /* fewer threads: slower, same bits */
    started++;
  }
}

int bfb_set_threads(int threads) {
  pthread_mutex_lock(&job_lock);
  wanted = threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads;
  pthread_mutex_unlock(&job_lock);
  return wanted;
}

int bfb_threads(void) { return wanted; }

void bfb_parallel_for(int64_t n, int64_t grain, bfb_body body, void* arg) {
  if (n <= 0) return;
  if (wanted == 1 || n <= grain || pthread_mutex_trylock(&job_lock) != 0) {
    body(arg, 0, n);
    return;
  }
  start_workers();
  int64_t pieces = (n + grain - 1) / grain, most = 4 * (int64_t)wanted; /* a few pieces a thread even out its luck */
  int64_t per_piece = pieces <= most ? 1 : (pieces + most - 1) / most;
  int helpers = (int)(pieces - 1 < wanted - 1 ? pieces - 1 : wanted - 1);
  if (helpers > started) helpers = started;

  pthread_mutex_lock(&state_lock);
  job.body = body;
  job.arg = arg;
  job.n = n;
  job.step = per_piece * grain;
  atomic_store_explicit(&job.next, 0, memory_order_relaxed);
  generation++;
  seats = helpers;
  if (helpers == 1)
    pthread_cond_signal(&work_ready);
  else if (helpers > 1)
    pthread_cond_broadcast(&work_ready);
  pthread_mutex_unlock(&state_lock);

  take_pieces();

  pthread_mutex_lock(&state_lock);
  seats = 0; /* whoever has not come by now need not */
  while (running > 0) pthread_cond_wait(&work_done, &state_lock);
  pthread_mutex_unlock(&state_lock);
  pthread_mutex_unlock(&job_lock);
}
