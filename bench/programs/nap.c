/* Sleeps for the number of microseconds in its argument: a job that waits without cost. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc > 1) usleep((useconds_t)strtol(argv[1], NULL, 10));
  return 0;
}
