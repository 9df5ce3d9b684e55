#!/bin/sh
# A job that takes some seconds and reports its progress on STDERR. If the job succeeds, that text is dropped.
job=$(cat)

# On TERM, a job may clean up. It must then exit with a code other than 0, since 0 means that the job is done.
trap 'echo "stopped half way through $job" >&2; exit 1' TERM

for percent in 0 20 40 60 80 100; do
  echo "report $percent % done" >&2
  sleep 0.5
done
