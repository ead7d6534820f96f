#!/bin/sh
# Tries what `make` says and does not say: `words_test.sh FOLDER`, on a small chapter in a copy of the tree.
. tests/tools/self_test/tiny.sh
header=chapters/90_tiny/tiny.hpp
expect_not() {
  text=$1
  shift
  said=$("$@")
  case $said in *"$text"*) failed=$((failed + 1)); printf '✘ %s says "%s":\n%s\n' "$*" "$text" "$said" ;;
    *) passed=$((passed + 1)) ;; esac
}
with_environment() { env -u MAKEFLAGS -u MAKELEVEL "$@" "${MAKE:-make}" --no-print-directory 90 2>&1; }

cp solutions/90_tiny/tiny.hpp $header
expect '5 passed, 0 failed' with_environment SAN=nonsense BASE=nonsense
expect 'SAN=nonsense is not known' make 90 SAN=nonsense
expect 'no test fits the filter Step1_*'"'"'; echo $broken;' make 90 FILTER="Step1_*'; echo \$\$broken; '"
expect 'There is no compiler notacompiler' make 90 CXX=notacompiler
expect_not 'Installing' make 90 CXX=notacompiler
# The compiler may be several words. Where ccache is not installed, this one stands in for it.
mkdir -p words && printf '#!/bin/sh\nexec "$@"\n' >words/ccache && chmod +x words/ccache
several_words() { (command -v ccache >/dev/null || PATH=$PATH:$PWD/words; make 90 FILTER='Step1_*' "$@"); }
expect '1 passed, 0 failed' several_words CXX='ccache g++ -O1'
expect 'You are done: every test passes.' make next NUMBERS=90
expect 'That was the last chapter' make 90

# Each of three files of tests includes it.
cat >>$header <<'END'
namespace concurrent {
[[deprecated("\x1b]0;owned\x07")]] inline void old() {}
inline void warn() { old(); }
}  // namespace concurrent
END
count() { make 90 | grep -c "$1"; }
expect 1 count 'warning: .*deprecated'
touch $header
expect 0 count "$(printf '\033')"

expect 'tiny.hpp is fresh; yours is kept as chapters/90_tiny/tiny.hpp.~1~' make reset-90
expect 'tiny.hpp is as it was handed out' make reset-90
expect '-rw-r--r--' ls -l $header
expect 'chapters/90_tiny/tiny.hpp.~1~' git check-ignore --no-index chapters/90_tiny/tiny.hpp.~1~

if command -v script >/dev/null; then
  # A letter beyond ASCII is one column, of several bytes.
  narrow() {
    make='env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory'
    TERM=xterm script -qec "stty cols 40; $make 90" /dev/null </dev/null |
      LC_ALL=C sed -E 's/\x1b\[[0-9;]*[mK]//g; s/.*\r(.)/\1/; s/\r//g; s/[\xC0-\xFF][\x80-\xBF]+/x/g' |
      LC_ALL=C awk 'length($0) > 40 {print "too long: " $0} END {print NR " lines"}'
  }
  expect_not 'too long' narrow
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
