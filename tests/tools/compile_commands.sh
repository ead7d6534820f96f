#!/bin/sh
# Prints compile_commands.json for clangd and IDEs: `compile_commands.sh 'COMMAND' FOLDER CHAPTER …`, three arguments
# for each tree of a chapter: how its files are compiled, where its headers are, and its name.
echo '['
separator=
while [ $# -gt 2 ]; do
  for file in "$2"/*.hpp chapters/"$3"/recipe.cpp tests/"$3"/*.cpp bench/"$3"/bench.cpp; do
    [ -e "$file" ] || continue
    printf '%s{"directory": "%s", "file": "%s", "command": "%s -x c++ -c %s"}' "$separator" "$PWD" "$file" "$1" "$file"
    separator=',
'
  done
  shift 3
done
printf '\n]\n'
