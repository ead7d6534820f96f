#!/bin/sh
# Sees to it that a verdict is never that of an earlier submission: `stale_test.sh FOLDER` saves, moves, deletes and
# renames headers of a small chapter in a copy of the tree, whose path has a space.
. tests/tools/self_test/tiny.sh
header=chapters/90_tiny/tiny.hpp
expect "$header" make starters
expect '0 passed, 5 failed' make 90
cp -p $header starter && cp solutions/90_tiny/tiny.hpp $header
expect '5 passed, 0 failed' make 90
expect '5 passed, 0 failed' make -C chapters/90_tiny

mv $header kept
expect 'tiny.hpp: No such file' make 90
expect '0 passed, 5 failed' make 90
mv kept chapters/90_tiny/other.hpp
expect 'tiny.hpp: No such file' make 90
mv chapters/90_tiny/other.hpp $header
expect '5 passed, 0 failed' make 90
mv starter $header  # which is older than the objects
expect '0 passed, 5 failed' make 90

{ echo '#include "a:b.hpp"'; cat solutions/90_tiny/tiny.hpp; } >$header
expect "$header:1: #include of a:b.hpp is not allowed" make 90
expect '0 passed, 5 failed' make grade NUMBERS=90
cp solutions/90_tiny/tiny.hpp $header && touch 'chapters/90_tiny/a:b.hpp'
expect 'chapters/90_tiny/a:b.hpp: a name with other characters' make 90
rm 'chapters/90_tiny/a:b.hpp'
expect '5 passed, 0 failed' make 90
mkdir chapters/90_tiny/gtest
expect 'chapters/90_tiny/gtest: a folder is not allowed' make 90
rmdir chapters/90_tiny/gtest
expect '5 passed, 0 failed' make 90

# A save while the compiler works: it may have read the header, or not yet.
began=build/g++/learner/90_tiny/step2_multiply_test.o.began
rm -f "$began" && echo '// saved' >>$header
make 90 >log &
until [ -e "$began" ]; do sleep 0.05; done
sleep 0.3
sh tests/tools/starters.sh --keep 90_tiny >log.starters
wait
expect '0 passed, 5 failed' make 90
echo "$passed passed, $failed failed"
[ $failed = 0 ]
