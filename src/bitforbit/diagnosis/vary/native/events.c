/* Numbers events, reads the variables, writes the log. */
#include "seal.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOG_DESCRIPTOR = 700, MOST_STACKS = 20000 };

static long main_process;
static int log_descriptor = -1;
static atomic_flag log_lock = ATOMIC_FLAG_INIT;
static atomic_uint stacks;

/* The real process id: getpid() may be sealed. */
static long own_process(void) { return syscall(SYS_getpid); }

__attribute__((constructor)) static void start(void) {
  const char *known = getenv("BITFORBIT_SEAL_MAIN"), *log = getenv("BITFORBIT_SEAL_LOG");
  char text[24];
  main_process = known ? atol(known) : own_process();
  snprintf(text, sizeof text, "%ld", main_process);
  setenv("BITFORBIT_SEAL_MAIN", text, 1);
  if (log && *log) {
    int opened = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (opened >= 0) {
      log_descriptor = fcntl(opened, F_DUPFD_CLOEXEC, LOG_DESCRIPTOR);
      syscall(SYS_close, opened);
    }
  }
  /* Moves every later allocation: shows whether addresses matter where the system does not randomize them. */
  const char *pages = getenv("BITFORBIT_ADDRESSES");
  if (pages) {
    size_t size = (size_t)strtoul(pages, NULL, 10) * 4096;
    (void)!mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    (void)!sbrk((intptr_t)size);
  }
}

int seal_is_child(void) { return own_process() != main_process; }

uint64_t seal_mix(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void *seal_real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void read_variable(struct seal_source *source) {
  const char *text = getenv(source->variable);
  if (!text || !*text) {
    source->state = -1;
    return;
  }
  char *end;
  source->first = source->second = strtoull(text, &end, 10);
  if (*end == ':') source->second = strtoull(end + 1, &end, 10);
  while (*end == '@' || *end == ',') {
    if (!strncmp(end + 1, "children", 8)) {
      source->in_children = 1;
      end += 9;
      continue;
    }
    if (source->ranges == SEAL_RANGES) break;
    unsigned low = source->low[source->ranges] = (unsigned)strtoul(end + 1, &end, 10);
    source->high[source->ranges++] = *end == '-' ? (unsigned)strtoul(end + 1, &end, 10) : low + 1;
  }
  source->state = 1;
}

int seal_is_on(struct seal_source *source) {
  if (!source->state) read_variable(source);
  return source->state > 0;
}

static int second_stream(const struct seal_source *source, unsigned number, int child) {
  if (child) return source->in_children;
  for (int i = 0; i < source->ranges; i++)
    if (number >= source->low[i] && number < source->high[i]) return 1;
  return 0;
}

static void write_log(const char *name, unsigned number, int child) {
  struct sigaction action;
  char line[96];
  int length = snprintf(line, sizeof line, child ? "child %s %u\n" : "event %s %u\n", name, number);
  while (atomic_flag_test_and_set(&log_lock)) usleep(50);
  (void)!write(log_descriptor, line, (size_t)length);
  if (!child && atomic_fetch_add(&stacks, 1) < MOST_STACKS && !sigaction(SEAL_SIGNAL, NULL, &action) &&
      action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
    raise(SEAL_SIGNAL);
  atomic_flag_clear(&log_lock);
}

struct seal_event seal_next(struct seal_source *source) {
  unsigned number = atomic_fetch_add(&source->next, 1);
  int child = seal_is_child();
  if (log_descriptor >= 0) write_log(source->name, number, child);
  return (struct seal_event){number, second_stream(source, number, child) ? source->second : source->first};
}

static int starts(const char *text, const char *beginning) { return !strncmp(text, beginning, strlen(beginning)); }

struct search {
  uintptr_t address;
  int python;
};

static int look(struct dl_phdr_info *object, size_t size, void *data) {
  struct search *search = data;
  (void)size;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
    if (segment->p_type != PT_LOAD || search->address < begin || search->address >= begin + segment->p_memsz) continue;
    const char *slash = strrchr(object->dlpi_name, '/'), *name = slash ? slash + 1 : object->dlpi_name;
    /* The program itself has no name here. */
    search->python = !*name || starts(name, "python") || starts(name, "libpython") ||
                     strstr(object->dlpi_name, "/lib-dynload/") != NULL;
    return 1;
  }
  return 0;
}

/* Remembered by address: TensorFlow reads the clock for every op. dladdr() would search its million symbols. */
int seal_from_python(const void *caller) {
  enum { PLACES = 4096 };
  static _Atomic uintptr_t known[PLACES];
  uintptr_t address = (uintptr_t)caller;
  _Atomic uintptr_t *place = &known[(address >> 1) % PLACES];
  uintptr_t found = atomic_load(place);
  if (found >> 1 == address) return (int)(found & 1);
  struct search search = {address, 0};
  dl_iterate_phdr(look, &search);
  atomic_store(place, address << 1 | (uintptr_t)search.python);
  return search.python;
}
