#!/bin/sh
# Names the headers of a chapter as they stand when steps 1…N are written: `version.sh 01_pooling N`, a line each.
# A step that builds a header anew has what stands before it in a folder of its own: before_step6/blocking_queue.hpp
# is what steps 1 to 5 build, and the starter is made from it.
for header in solutions/"$1"/*.hpp; do
  version=$header
  for step in 2 3 4 5 6 7 8 9 10 11 12; do
    earlier=${header%/*}/before_step$step/${header##*/}
    if [ "$2" -lt "$step" ] && [ -e "$earlier" ]; then version=$earlier; break; fi
  done
  echo "$version"
done
