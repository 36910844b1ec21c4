/* Entropy of the operating system: os.urandom, secrets, uuid4, random's and NumPy's own seeds.
 *
 * Blind: RDRAND, and system calls made inside glibc.
 */
#include "seal.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What a program that opens /dev/urandom can read of it. */
enum { DEVICE_BYTES = 1 << 18 };

static struct seal_source entropy = {.name = "entropy", .variable = "BITFORBIT_ENTROPY"};

static void draw(void *buffer, size_t length) {
  struct seal_event event = seal_next(&entropy);
  uint64_t state = event.seed << 32 | event.number;
  for (size_t done = 0; done < length; done += 8) {
    uint64_t word = seal_mix(&state);
    memcpy((char *)buffer + done, &word, length - done < 8 ? length - done : 8);
  }
}

ssize_t getrandom(void *buffer, size_t length, unsigned flags) {
  if (!seal_is_on(&entropy)) return syscall(SYS_getrandom, buffer, length, flags);
  draw(buffer, length);
  return (ssize_t)length;
}

int getentropy(void *buffer, size_t length) {
  if (!seal_is_on(&entropy)) return syscall(SYS_getrandom, buffer, length, 0) == (long)length ? 0 : -1;
  draw(buffer, length);
  return 0;
}

void arc4random_buf(void *buffer, size_t length) { (void)!getrandom(buffer, length, 0); }

uint32_t arc4random(void) {
  uint32_t word;
  arc4random_buf(&word, sizeof word);
  return word;
}

uint32_t arc4random_uniform(uint32_t bound) { return bound ? (uint32_t)((uint64_t)arc4random() * bound >> 32) : 0; }

static int is_device(const char *path) {
  return path && (!strcmp(path, "/dev/urandom") || !strcmp(path, "/dev/random")) && seal_is_on(&entropy);
}

static int device(void) {
  static char bytes[DEVICE_BYTES];
  int file = memfd_create("bitforbit-entropy", MFD_CLOEXEC);
  draw(bytes, sizeof bytes);
  if (file >= 0 && write(file, bytes, sizeof bytes) == (ssize_t)sizeof bytes) lseek(file, 0, SEEK_SET);
  return file;
}

static int open_real(int folder, const char *path, int flags, mode_t mode) {
  return (int)syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
}

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                                                      \
  int name(const char *path, int flags, ...) {                                          \
    va_list rest;                                                                       \
    va_start(rest, flags);                                                              \
    mode_t mode = mode_of(flags, rest);                                                 \
    va_end(rest);                                                                       \
    return is_device(path) ? device() : open_real(AT_FDCWD, path, flags, mode);         \
  }
#define OPENAT(name)                                                                    \
  int name(int folder, const char *path, int flags, ...) {                              \
    va_list rest;                                                                       \
    va_start(rest, flags);                                                              \
    mode_t mode = mode_of(flags, rest);                                                 \
    va_end(rest);                                                                       \
    return is_device(path) ? device() : open_real(folder, path, flags, mode);           \
  }
#define FOPEN(name)                                                                     \
  FILE *name(const char *path, const char *mode) {                                      \
    FILE *(*real)(const char *, const char *) = seal_real(#name);                       \
    return is_device(path) ? fdopen(device(), "r") : real(path, mode);                  \
  }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
FOPEN(fopen)
FOPEN(fopen64)
