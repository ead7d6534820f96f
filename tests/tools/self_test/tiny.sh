# To be read by the scripts beside it: adds a chapter to a copy of the tree in FOLDER, $1, and goes there.
set -u
folder=$1 passed=0 failed=0
sh tests/tools/self_test/copy_tree.sh "$folder" || exit
cp -r tests/tools/self_test/tiny/* "$folder/" && cd "$folder" || exit
sed -i 's/^needs_00 :=$/needs_90 := 00\n&/' Makefile

make() { env -u MAKEFLAGS -u MAKELEVEL "${MAKE:-make}" --no-print-directory "$@" 2>&1; }
# `expect TEXT make …`: TEXT must be in what the command says.
expect() {
  text=$1
  shift
  said=$("$@")
  case $said in
    *"$text"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); printf '✘ %s does not say "%s":\n%s\n' "$*" "$text" "$said" ;;
  esac
}
