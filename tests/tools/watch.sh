#!/bin/sh
# Runs a command, and again each time a file in a folder changes: `watch.sh FOLDER COMMAND…`. Ctrl-C ends it.
folder=$1; shift
seen=
while :; do
  now=$(cd "$folder" && ls -l --full-time ./*.hpp ./*.cpp 2>/dev/null)
  if [ "$now" != "$seen" ]; then
    seen=$now
    [ -t 1 ] && printf '\033[2J\033[H'
    "$@"
    echo "Watching $folder: save a file to grade it again, Ctrl-C to end."
  fi
  sleep 0.5
done
