#!/bin/sh
# A job in a few lines of shell. The queue's name is the first argument, and the job comes on STDIN as JSON:
# {"class":"SendMail","args":["bob@example.org","Hello"]}. Exit code 0 means that it is done.
queue=$1
job=$(cat)

sleep 0.2
echo "$queue: $RESQUE_WORKER sent $job"
