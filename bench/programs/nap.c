/* Sleeps for as many microseconds as its argument says: a job that waits for something and costs nothing. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc > 1) usleep((useconds_t)strtol(argv[1], NULL, 10));
  return 0;
}
