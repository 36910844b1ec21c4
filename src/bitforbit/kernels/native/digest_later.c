/* Digests of a step while the next one runs.
 *
 * A training step seldom keeps all cores busy, so its digests cost nothing there if it need not wait for them.  The job
 * holds a reference to each tensor: TensorFlow never writes into a buffer that somebody else refers to, an optimizer
 * that comes before the digest is made writes into a new one.  One job waits at most; who brings the next helps first.
 */
#include <pthread.h>
#include <stdlib.h>

#include "digest.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t brought = PTHREAD_COND_INITIALIZER, helped = PTHREAD_COND_INITIALIZER,
                      written = PTHREAD_COND_INITIALIZER;
static bfb_digest_job* pending; /* guarded by lock, as is all that follows */
static uint64_t number;         /* of the pending job */
static int open, helpers;       /* open: helpers may join */
static int started;

int64_t bfb_digest_of(const TF_Tensor* tensor) {
  return (int64_t)bfb_fingerprint(TF_TensorData(tensor), (int64_t)TF_TensorByteSize(tensor));
}

void bfb_digest_work(bfb_digest_job* job) {
  for (;;) {
    int64_t i = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);
    if (i >= job->n) return;
    if (job->same[i] != i) continue;
    job->row[job->columns[i]] = bfb_digest_of(job->tensors[i]);
  }
}

void bfb_digest_settle(bfb_digest_job* job) {
  for (int64_t i = 0; i < job->n; i++) job->row[job->columns[i]] = job->row[job->columns[job->same[i]]];
}

void bfb_digest_free(bfb_digest_job* job) {
  bfb_ring_keep_or_release(job->id, job->tensors, job->n);
  free(job->row);
  free(job->columns);
  free(job->same);
  free(job);
}

static void* worker(void* unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (pending == NULL) pthread_cond_wait(&brought, &lock);
    bfb_digest_job* job = pending;
    pthread_mutex_unlock(&lock);
    bfb_digest_work(job);
    pthread_mutex_lock(&lock);
    open = 0;
    while (helpers > 0) pthread_cond_wait(&helped, &lock);
    pthread_mutex_unlock(&lock);
    bfb_digest_settle(job);
    bfb_ring_write(job->id, job->row);
    bfb_digest_free(job);
    pthread_mutex_lock(&lock);
    pending = NULL;
    pthread_cond_broadcast(&written);
  }
  return NULL;
}

/* With lock held: until the job that is pending now is written. */
static void wait_for_pending(void) {
  for (uint64_t mine = number; pending && number == mine;) {
    if (!open) {
      pthread_cond_wait(&written, &lock);
      continue;
    }
    bfb_digest_job* job = pending;
    helpers++;
    pthread_mutex_unlock(&lock);
    bfb_digest_work(job);
    pthread_mutex_lock(&lock);
    open = 0;
    if (--helpers == 0) pthread_cond_signal(&helped);
  }
}

void bfb_digest_wait(void) {
  pthread_mutex_lock(&lock);
  wait_for_pending();
  pthread_mutex_unlock(&lock);
}

/* A forked child has none of the parent's threads. */
static void after_fork(void) {
  pthread_mutex_init(&lock, NULL);
  pthread_cond_init(&brought, NULL);
  pthread_cond_init(&helped, NULL);
  pthread_cond_init(&written, NULL);
  pending = NULL;
  helpers = started = 0;
}

/* With lock held. */
static int start(void) {
  static int registered;
  if (!registered) registered = !pthread_atfork(NULL, NULL, after_fork);
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  started = !pthread_create(&thread, &attributes, worker, NULL);
  pthread_attr_destroy(&attributes);
  return started;
}

int bfb_digest_later(bfb_digest_job* job) {
  pthread_mutex_lock(&lock);
  int taken = started || start();
  if (taken) {
    while (pending) wait_for_pending();
    pending = job;
    number++;
    open = 1;
    pthread_cond_signal(&brought);
  }
  pthread_mutex_unlock(&lock);
  return taken;
}
