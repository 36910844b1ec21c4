/* The order in which a directory lists its entries: stream 1 is the order of the names, any other one an order that only
 * the names and the stream decide, and in which no entry has its place of stream 1. Covers os.listdir, scandir, walk, glob, pathlib and
 * tf.io.gfile. x86-64 glibc: dirent and dirent64 are one structure. Not covered: readdir_r, seekdir.
 */
#include "seal.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct seal_source source = {.name = "listing", .variable = "BITFORBIT_LISTING"};

struct listing {
  DIR *folder;
  struct dirent **entries;
  size_t count, next;
  struct listing *rest;
};

static struct listing *open_listings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int by_name(const void *a, const void *b) {
  return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

static void exchange(struct dirent **a, struct dirent **b) {
  struct dirent *kept = *a;
  *a = *b;
  *b = kept;
}

/* One cycle through all entries (Sattolo 1986): none stays in its place. */
static void shuffle(struct dirent **entries, size_t count, uint64_t seed) {
  uint64_t state = seed;
  for (size_t i = count; i > 1; i--) exchange(&entries[i - 1], &entries[seal_mix(&state) % (i - 1)]);
}

static struct listing *read_all(DIR *folder) {
  struct dirent *(*real)(DIR *) = seal_real("readdir");
  struct listing *list = calloc(1, sizeof *list);
  struct dirent **dots = NULL;
  size_t hidden = 0;
  list->folder = folder;
  for (struct dirent *entry; (entry = real(folder));) {
    struct dirent *copy = malloc(entry->d_reclen);
    memcpy(copy, entry, entry->d_reclen);
    /* "." and "..", which every caller skips, come last: with them, a folder of one file would be an order of three. */
    int dot = !strcmp(copy->d_name, ".") || !strcmp(copy->d_name, "..");
    struct dirent ***group = dot ? &dots : &list->entries;
    size_t *size = dot ? &hidden : &list->count;
    *group = realloc(*group, (*size + 1) * sizeof **group);
    (*group)[(*size)++] = copy;
  }
  if (list->count) qsort(list->entries, list->count, sizeof *list->entries, by_name);
  uint64_t seed = seal_next(&source).seed;
  if (seed != 1) shuffle(list->entries, list->count, seed);
  list->entries = realloc(list->entries, (list->count + hidden + 1) * sizeof *list->entries);
  for (size_t i = 0; i < hidden; i++) list->entries[list->count++] = dots[i];
  free(dots);
  list->rest = open_listings;
  return open_listings = list;
}

static void forget(DIR *folder) {
  pthread_mutex_lock(&lock);
  for (struct listing **at = &open_listings; *at; at = &(*at)->rest) {
    if ((*at)->folder != folder) continue;
    struct listing *list = *at;
    *at = list->rest;
    for (size_t i = 0; i < list->count; i++) free(list->entries[i]);
    free(list->entries);
    free(list);
    break;
  }
  pthread_mutex_unlock(&lock);
}

struct dirent *readdir(DIR *folder) {
  static struct dirent *(*real)(DIR *);
  if (!seal_is_on(&source)) {
    if (!real) real = seal_real("readdir");
    return real(folder);
  }
  pthread_mutex_lock(&lock);
  struct listing *list = open_listings;
  while (list && list->folder != folder) list = list->rest;
  if (!list) list = read_all(folder);
  struct dirent *entry = list->next < list->count ? list->entries[list->next++] : NULL;
  pthread_mutex_unlock(&lock);
  return entry;
}

struct dirent64 *readdir64(DIR *folder) { return (struct dirent64 *)readdir(folder); }

void rewinddir(DIR *folder) {
  void (*real)(DIR *) = seal_real("rewinddir");
  forget(folder);
  real(folder);
}

int closedir(DIR *folder) {
  int (*real)(DIR *) = seal_real("closedir");
  forget(folder);
  return real(folder);
}
