#!/bin/sh
# A job in a few lines of shell: the queue's name is the first argument, the job comes on STDIN as JSON
# {"class":"SendMail","args":["bob@example.org","Hello"]}, and exit code 0 says that it is done.
queue=$1
job=$(cat)

sleep 0.2
echo "$queue: $RESQUE_WORKER sent $job"
