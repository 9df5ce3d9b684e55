/*
 * Reports when it started: reads the clock first, then writes a line "ID STARTED SPAWNED" to the FIFO in
 * BENCH_START_FIFO. ID is the first of the payload's args, STARTED the time in nanoseconds (on the clock of
 * process.hrtime), SPAWNED its second argument or 0. With BENCH_BOOT_SECONDS, it waits that long before it reads its
 * payload, and STARTED is the time after reading it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);

  const char *boot = getenv("BENCH_BOOT_SECONDS");
  if (boot != NULL) usleep((useconds_t)(1e6 * strtod(boot, NULL)));

  char payload[512];
  size_t length = 0;
  ssize_t count;
  while (length < sizeof payload - 1 && (count = read(0, payload + length, sizeof payload - 1 - length)) > 0)
    length += (size_t)count;
  payload[length] = '\0';
  if (boot != NULL) clock_gettime(CLOCK_MONOTONIC, &now);
  const char *args = strchr(payload, '[');

  const char *path = getenv("BENCH_START_FIFO");
  int fifo = path == NULL ? -1 : open(path, O_WRONLY);
  if (fifo == -1 || args == NULL) return 1;
  char line[128];
  int size = snprintf(line, sizeof line, "%ld %lld %s\n", strtol(args + 1, NULL, 10),
                      (long long)now.tv_sec * 1000000000LL + now.tv_nsec, argc > 2 ? argv[2] : "0");
  return write(fifo, line, (size_t)size) == size ? 0 : 1;
}
