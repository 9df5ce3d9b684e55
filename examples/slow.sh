#!/bin/sh
# A job that takes some seconds and tells on STDERR how far it is. Without a failure that text is dropped.
job=$(cat)

# A job that is told to stop (TERM) may put things in order first. Then it exits with anything but 0, which says: done.
trap 'echo "stopped half way through $job" >&2; exit 1' TERM

for percent in 0 20 40 60 80 100; do
  echo "report $percent % done" >&2
  sleep 0.5
done
