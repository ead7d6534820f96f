#!/bin/sh
# Says in plain words, at the top of a compiler's log, that a limit has stopped it:
# `too_costly.sh LOG SECONDS MIB BYTES`. The other files of the chapter are not tried then: each would take as long.
log=$1
# The words of the system and of the compilers, where these put them: somebody's code may have them as well.
stopped='CPU time limit exceeded\|Killed'
if grep -q "^\($stopped\)\|\(fatal error\|compiler error\|execute command\): \($stopped\)" "$log"; then
  why="it took the compiler longer than $2 s"
elif grep -q "^[^ ]*: out of memory\|^LLVM ERROR: out of memory\|^terminate called .*std::bad_alloc" "$log" ||
  grep -q 'virtual memory exhausted: \|memory exhausted$\|: Cannot allocate memory$' "$log"; then
  why="it took the compiler more than $3 MiB of memory"
elif [ "$(wc -c <"$log")" -ge "$4" ]; then
  why="the compiler had more than $(($4 >> 20)) MiB to say about it"
else
  exit 0
fi
file=${log##*/}
echo "error: ${file%%.*}.cpp: $why; the chapter's other tests were not compiled then" | cat - "$log" >"$log.told"
mv "$log.told" "$log"
cp "$log" "${log%/*}/too_costly"
