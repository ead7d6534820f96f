#!/bin/sh
# Sees to it that one chapter cannot cost the others: `costly_test.sh FOLDER` grades a chapter that keeps the compiler
# busy, takes all of its memory, or hangs, in a copy of the tree.
. tests/tools/self_test/tiny.sh
header=chapters/90_tiny/tiny.hpp
# Two to the power of forty classes.
{
  cat solutions/90_tiny/tiny.hpp
  cat <<'END'
namespace concurrent {
template <class T>
struct Left;
template <class T>
struct Right;
template <int N, class T>
struct Deep {
  static constexpr int value = Deep<N - 1, Left<T>>::value + Deep<N - 1, Right<T>>::value;
};
template <class T>
struct Deep<0, T> {
  static constexpr int value = 1;
};
inline const int deep = Deep<40, int>::value;
}  // namespace concurrent
END
} >$header
expect 'it took the compiler longer than 2 s' make 90 COMPILE_SECONDS=2
expect '0 passed, 5 failed' make 90 COMPILE_SECONDS=2
expect 'it took the compiler more than 800 MiB' make 90 COMPILE_MIB=800

# Beside it another chapter gets its points, and a run that is cut off leaves what is known.
cp solutions/00_baseline/measure.hpp chapters/00_baseline/
all=$(cat tests/00_baseline/*_test.cpp | grep -c '^TEST(')
expect "$all passed, 5 failed" make grade NUMBERS='00 90' COMPILE_MIB=800
expect "\"score\": $all" cat build/grade.json
rm build/grade.json
env -u MAKEFLAGS -u MAKELEVEL "${MAKE:-make}" grade NUMBERS='00 90' >log 2>&1 &
until [ -e build/grade.json ]; do sleep 0.1; done
kill $! && wait
expect '"score": 0' cat build/grade.json
expect 'cut off' cat build/grade.json

{ cat solutions/90_tiny/tiny.hpp; echo '#include <unistd.h>
namespace concurrent {
inline const bool hangs = [] { for (;;) pause(); return true; }();
}'; } >$header
expect 'hung before the test began' make 90 LIMITS='--time 500ms'
# An error in code that has such words is an error like any other.
{ cat solutions/90_tiny/tiny.hpp; echo '#include <new>
namespace concurrent { inline void whoIsKilled() { throw std::bad_alloc("out of memory"); } }'; } >$header
expect 'error: no matching function' make 90
# A header that includes itself twice makes the compiler say it all again and again.
printf '#include "tiny.hpp"\n#include "tiny.hpp"\n' >$header
expect 'the compiler had more than 4 MiB to say' make 90

# What no list of words sees, the object tells: here a method has the name of the system's function.
{ cat solutions/90_tiny/tiny.hpp; echo '#include <cstdlib>
namespace concurrent {
struct Shell { void system(); };
inline const int shell = 3 > ::system("true");
}'; } >$header
expect 'a call of system() is not allowed' make 90
expect '0 passed, 5 failed' make 90
cp solutions/90_tiny/tiny.hpp $header
expect '5 passed, 0 failed' make 90
echo "$passed passed, $failed failed"
[ $failed = 0 ]
