#!/bin/sh
# The jobs in the pictures. Some finish immediately, some fail. Others print realistic output and then wait until
# $PICTURES_HOLD is removed, so that the screen stops changing.
job=$(cat)

hold() {
  turns=0
  while [ -e "$PICTURES_HOLD" ] && [ "$turns" -lt 600 ]; do
    sleep 0.2
    turns=$((turns + 1))
  done
}

# EXIT_CODE EXCEPTION ERROR FRAME_OF_THE_BACKTRACE...
fail() {
  code=$1
  report="{\"exception\":\"$2\",\"error\":\"$3\",\"backtrace\":["
  shift 3
  for frame in "$@"; do report="$report\"$frame\","; done
  echo "${report%,}]}" >&2
  exit "$code"
}

# FROM TO: prints progress lines for these seconds of the video.
encode() {
  awk -v from="$1" -v to="$2" 'BEGIN {
    for (second = from; second < to; second += 2)
      printf "frame=%d time=00:%02d:%02d speed=2.4x fps=61 q=28.0 size=%dkB\n", \
        second * 30, second / 60, second % 60, second * 430
  }' >&2
}

transcode() {
  echo 'ffmpeg version 6.1.1'
  echo "Input #0, mov, from 's3://b/8812.mov':"
  sleep 0.2
  echo '  Duration: 00:31:02.11, start: 0.000000, bitrate: 18021 kb/s' >&2
  echo '  Stream #0:0: Video: h264 (High), yuv420p, 1920x1080, 29.97 fps' >&2
  echo '  Stream #0:1: Audio: aac (LC), 48000 Hz, stereo, fltp, 192 kb/s' >&2
  for minute in 0 1 2 3; do
    encode "$((minute * 60))" "$((minute * 60 + 44))"
    printf '\033[1;35m[aac @ 0x55d1c0]\033[0m \033[33mToo many bits %d > 6144 requested, clamping to max\033[0m\n' \
      "$((9242 - minute * 318))" >&2
    sleep 0.2
    printf '\033[32msegment %d uploaded\033[0m to s3://b/8812/hd/\n' "$minute"
    sleep 0.2
    encode "$((minute * 60 + 44))" "$((minute * 60 + 60))"
  done
  encode 240 249
}

case $job in
  *Thumbnail*) sleep 0.3 ;;
  *'"id":8812'*) transcode && hold ;;
  *'"id":8813'*) encode 48 50 && hold ;;
  *'"id":8820'*) echo 'reading s3://b/8820.mov' >&2 && hold ;;
  *Transcode*8790*) fail 1 Transcode::BadInput 'moov atom not found' 'transcode/probe.rb:41' 'transcode/job.rb:12' ;;
  *Transcode*) hold ;;

  *Digest*) echo 'delivered 512/2048' >&2 && hold ;;
  *Welcome*u_9*) hold ;;
  *Welcome*) sleep 0.2 ;;

  *'"shard":3'*) echo 'shard 3: 41% 182k docs' >&2 && hold ;;
  *'"shard":4'*) echo 'shard 4: 39% 171k docs' >&2 && hold ;;
  *Reindex*) echo 'shard 9: 88% 391k docs' >&2 && kill -KILL $$ ;;

  *Export*since*)
    echo "opened a cursor over 7 tables"
    echo "export: 3 tries, the last after 12 s" >&2
    fail 2 PG::ConnectionBad 'connect ECONNREFUSED 10.0.0.7:5432' 'export/source.rb:88' 'export/job.rb:24' ;;
  *Export*) echo 'row 1,203,441' >&2 && hold ;;
  *Cleanup*tmp*) fail 2 Errno::EACCES 'Permission denied: /var/tmp/exports' 'cleanup.rb:9' ;;
  *Cleanup*) hold ;;
esac
