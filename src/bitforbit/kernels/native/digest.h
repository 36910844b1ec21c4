/* Between the files of the digest op: rings of rows, and digests that a thread of their own makes. */
#ifndef BFB_DIGEST_H
#define BFB_DIGEST_H

#include "op.h"

/* Tensors of one step, whose references it owns, and their digests. */
typedef struct {
  int id; /* of the stream */
  int64_t n, bytes;
  TF_Tensor** tensors;
  int64_t* row;     /* of the whole step */
  int64_t* columns; /* the tensors' in it */
  int64_t* same; /* the first tensor with the same memory, most often itself: its digest is made once */
  int64_t next; /* not yet begun; taken atomically */
} bfb_digest_job;

/* digest_ring.c */
int bfb_ring_begin(int id); /* counts a step that will be written; 0 where the stream is closed or there is none */
void bfb_ring_write(int id, const int64_t* row);
int64_t bfb_ring_columns(int id);
void bfb_ring_early(int id, int64_t column, int64_t digest); /* of the step that is under way */
void bfb_ring_take_early(int id, int64_t* row);
void bfb_ring_keep_or_release(int id, TF_Tensor** tensors, int64_t n);

/* digest_later.c */
int64_t bfb_digest_of(const TF_Tensor* tensor);
void bfb_digest_work(bfb_digest_job* job); /* makes digests of tensors that nobody has begun; any number of threads */
void bfb_digest_settle(bfb_digest_job* job); /* when all are made: those of the same memory too */
void bfb_digest_free(bfb_digest_job* job); /* its tensors go to a ring that keeps them */
int bfb_digest_later(bfb_digest_job* job); /* takes it over; 0 where there is no thread for it */

#endif
