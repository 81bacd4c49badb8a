// Counts each fsync and fdatasync of a process, and makes it take longer, like a slow disk:
//
//   LD_PRELOAD=slow-disk.so FSYNC_COUNTER=FILE FSYNC_MS=5 program
//
// FILE has eight bytes, the count, which the reader sees while the program runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t *counter;
static long delay_ms;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FSYNC_COUNTER");
  const char *ms = getenv("FSYNC_MS");
  delay_ms = ms ? atol(ms) : 0;
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) counter = page;
  close(fd);
}

static void delay(void) {
  struct timespec rest = {delay_ms / 1000, delay_ms % 1000 * 1000000};
  if (counter) atomic_fetch_add(counter, 1);
  while (delay_ms > 0 && nanosleep(&rest, &rest) != 0) {
  }
}

int fsync(int fd) {
  delay();
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return next(fd);
}

int fdatasync(int fd) {
  delay();
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return next(fd);
}
