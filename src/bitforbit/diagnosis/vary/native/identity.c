/* The process id, as Python reads it, and the host's name. */
#include "seal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct seal_source process = {.name = "process", .variable = "BITFORBIT_PROCESS"};

/* Above the largest id that Linux gives (4194304), so that no other process has it. */
static const long BEYOND = 5000000;

pid_t getpid(void) {
  long real = syscall(SYS_getpid);
  if (!seal_is_on(&process) || seal_is_child() || !seal_from_python(__builtin_return_address(0))) return (pid_t)real;
  return (pid_t)(BEYOND + (long)seal_next(&process).seed);
}

int kill(pid_t target, int number) {
  if (seal_is_on(&process) && target > BEYOND) target = (pid_t)syscall(SYS_getpid);
  return (int)syscall(SYS_kill, target, number);
}

int gethostname(char *name, size_t length) {
  const char *other = getenv("BITFORBIT_HOSTNAME");
  struct utsname found;
  if (!other && syscall(SYS_uname, &found)) return -1;
  const char *text = other ? other : found.nodename;
  if (strlen(text) >= length) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(name, text);
  return 0;
}

int uname(struct utsname *found) {
  const char *other = getenv("BITFORBIT_HOSTNAME");
  int failed = (int)syscall(SYS_uname, found);
  if (!failed && other) {
    strncpy(found->nodename, other, sizeof found->nodename - 1);
    found->nodename[sizeof found->nodename - 1] = 0;
  }
  return failed;
}
