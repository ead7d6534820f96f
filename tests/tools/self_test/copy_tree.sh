#!/bin/sh
# Copies the tree to FOLDER without what was built, but for what does not depend on a chapter: `copy_tree.sh FOLDER`.
folder=$1
rm -rf "$folder" && mkdir -p "$folder" || exit
tar cf - --exclude=./build --exclude=./.git . | tar xf - -C "$folder" || exit
mkdir -p "$folder/build" && cp -a build/have "$folder/build/"
for made in build/*/support build/*/prelude.hpp* build/*/explorer build/*/tools; do
  [ ! -e "$made" ] || { mkdir -p "$folder/${made%/*}" && cp -a "$made" "$folder/$made"; } || exit
done
