#!/bin/sh
# Sees to it that what a command needs is there: `install_dependencies.sh compiler gtest` installs what is missing, or
# names the command that does. Needs: compiler gtest cereal beast json sqlite mpi ip benchmark docs peers wrk clients
# python format patch. $CXX is the compiler that will be used.
set -u
CXX=${CXX:-g++}
# The compiler itself, of what may be "ccache g++ -O1".
compiler=g++
for word in $CXX; do
  case $word in ccache | distcc) ;; *) compiler=$word; break ;; esac
done
case ${compiler##*/} in
  g++ | g++-[0-9]* | clang++ | clang++-[0-9]*) ;;
  *) command -v "$compiler" >/dev/null || { echo "There is no compiler $compiler: CXX=g++-12, say." >&2; exit 1; } ;;
esac

compiles() { printf '%s\n' "$1" | $CXX -std=c++2b -x c++ -fsyntax-only - >/dev/null 2>&1; }

# Is it there?
have() {
  case $1 in
    compiler) command -v "$compiler" >/dev/null && command -v addr2line >/dev/null ;;
    gtest) compiles '#include <gtest/gtest.h>' ;;
    cereal) compiles '#include <cereal/archives/binary.hpp>' ;;
    beast) compiles '#include <boost/beast/http/parser.hpp>' ;;
    json) compiles '#include <nlohmann/json.hpp>' ;;
    sqlite) compiles '#include <sqlite3.h>' ;;
    ip) command -v ip >/dev/null ;;
    mpi) command -v mpicxx >/dev/null && command -v mpirun >/dev/null ;;
    benchmark) compiles '#include <benchmark/benchmark.h>' ;;
    docs) command -v doxygen >/dev/null && command -v dot >/dev/null && [ -d /usr/share/doxygen-awesome-css ] ;;
    peers) have python && compiles '#include <tbb/task_group.h>' && compiles '#include <asio.hpp>' &&
      compiles '#include <uv.h>' ;;
    wrk) command -v wrk >/dev/null ;;
    clients) command -v nc >/dev/null && command -v curl >/dev/null ;;
    python) command -v python3 >/dev/null && python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' ;;
    format) command -v clang-format >/dev/null ;;
    patch) command -v patch >/dev/null ;;
    *) echo "install_dependencies.sh: unknown need '$1'" >&2; exit 2 ;;
  esac
}

# What it is for, to tell the one who waits for it.
purpose() {
  case $1 in
    compiler) echo "compiles the course ($compiler), and finds source lines" ;;
    gtest) echo "GoogleTest: the tests are written with it" ;;
    cereal) echo "cereal: values cross between processes with it" ;;
    beast) echo "Boost.Beast: parses the requests of HTTP" ;;
    json) echo "nlohmann-json: jobs and their results are JSON" ;;
    sqlite) echo "SQLite: jobs that outlive their server are kept by it" ;;
    ip) echo "ip: makes the networks on which programs are tried" ;;
    mpi) echo "Open MPI: ranks on several machines are started with it" ;;
    benchmark) echo "Google Benchmark: the benches are written with it" ;;
    docs) echo "Doxygen with Graphviz and doxygen-awesome-css: the documentation" ;;
    peers) echo "oneTBB, Asio, libuv and Python: what the benches compare with" ;;
    wrk) echo "wrk: asks the servers of the benches" ;;
    clients) echo "nc and curl: clients that others have written" ;;
    python) echo "Python 3.9 or newer: compares the benches" ;;
    format) echo "clang-format: the format of the code" ;;
    patch) echo "patch: applies the mutants" ;;
  esac
}

# Its packages, for each package manager.
packages() {
  case $2:$1 in
    *:compiler)
      case $2:${compiler##*/} in
        apt-get:clang++*) echo "clang${compiler##*clang++} g++ binutils" ;;
        *:clang++*) echo "clang binutils" ;;
        *:g++-*) echo "${compiler##*/} binutils" ;;
        apt-get:*) echo "g++ binutils" ;;
        dnf:*) echo "gcc-c++ binutils" ;;
        *) echo "gcc binutils" ;;
      esac
      ;;
    apt-get:gtest) echo libgtest-dev ;;
    dnf:gtest) echo gtest-devel ;;
    pacman:gtest) echo gtest ;;
    brew:gtest) echo googletest ;;
    apt-get:cereal) echo libcereal-dev ;;
    dnf:cereal) echo cereal-devel ;;
    *:cereal) echo cereal ;;
    apt-get:beast) echo libboost-dev ;;
    dnf:beast) echo boost-devel ;;
    *:beast) echo boost ;;
    apt-get:json) echo nlohmann-json3-dev ;;
    dnf:json) echo json-devel ;;
    *:json) echo nlohmann-json ;;
    apt-get:sqlite) echo libsqlite3-dev ;;
    dnf:sqlite) echo sqlite-devel ;;
    *:sqlite) echo sqlite ;;
    apt-get:ip | pacman:ip) echo iproute2 ;;
    dnf:ip) echo iproute ;;
    *:ip) echo iproute2mac ;;
    apt-get:mpi) echo "libopenmpi-dev openmpi-bin" ;;
    dnf:mpi) echo openmpi-devel ;;
    pacman:mpi) echo openmpi ;;
    brew:mpi) echo open-mpi ;;
    apt-get:benchmark) echo libbenchmark-dev ;;
    dnf:benchmark) echo google-benchmark-devel ;;
    pacman:benchmark) echo benchmark ;;
    brew:benchmark) echo google-benchmark ;;
    apt-get:docs) echo "doxygen graphviz doxygen-awesome-css" ;;
    *:docs) echo "doxygen graphviz" ;;
    apt-get:peers) echo "libtbb-dev libasio-dev libuv1-dev python3" ;;
    dnf:peers) echo "tbb-devel asio-devel libuv-devel python3" ;;
    pacman:peers) echo "onetbb asio libuv python" ;;
    *:peers) echo "tbb asio libuv python" ;;
    *:wrk) echo wrk ;;
    apt-get:clients) echo "netcat-openbsd curl" ;;
    dnf:clients) echo "nmap-ncat curl" ;;
    pacman:clients) echo "openbsd-netcat curl" ;;
    brew:clients) echo "netcat curl" ;;
    apt-get:python | dnf:python) echo python3 ;;
    *:python) echo python ;;
    apt-get:format) echo clang-format ;;
    dnf:format) echo clang-tools-extra ;;
    pacman:format) echo clang ;;
    brew:format) echo clang-format ;;
    *:patch) echo patch ;;
  esac
}

missing= seen=
for need; do
  case " $seen " in *" $need "*) continue ;; esac
  seen="$seen $need"
  have "$need" || missing="$missing $need"
done
if [ -n "$missing" ]; then
  manager=
  for candidate in apt-get dnf pacman brew; do
    if command -v $candidate >/dev/null; then manager=$candidate; break; fi
  done
  if [ -z "$manager" ]; then
    echo "Missing here:" >&2
    for need in $missing; do echo "  $(purpose "$need")" >&2; done
    echo "None of apt-get, dnf, pacman and brew is here to install it: please install it, then try again." >&2
    exit 1
  fi
  wanted=
  for need in $missing; do wanted="$wanted $(packages "$need" $manager)"; done
  case $manager in
    apt-get) install="apt-get install -y --no-install-recommends$wanted" update="apt-get update -qq" ;;
    dnf) install="dnf install -y$wanted" update= ;;
    pacman) install="pacman -S --needed --noconfirm$wanted" update= ;;
    brew) install="brew install$wanted" update= ;;
  esac
  as=
  if [ $manager != brew ] && [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then as="sudo "; else as=no; fi
  fi
  echo "Missing here:" >&2
  for need in $missing; do echo "  $(purpose "$need")" >&2; done
  if [ "$as" = no ]; then
    echo "To install it takes root. Ask for this command to be run, then try again:" >&2
    echo "  ${update:+$update && }$install" >&2
    exit 1
  fi
  echo "Installing: $as$install" >&2
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { { [ -z "$update" ] || $as$update; } && $as$install; } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    echo "That did not work: see above. The command was: ${update:+$as$update && }$as$install" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
  for need in $missing; do
    have "$need" || { echo "Installed, but still not found: $(purpose "$need")" >&2; exit 1; }
  done
fi

case " $* " in *" compiler "*)
  compiles '#include <functional>
    std::move_only_function<void()> job;' || {
    echo "$compiler is too old: $("$compiler" --version | head -n 1)" >&2
    echo "The course needs g++ 12 or newer, or clang 16 or newer with the library of g++ 12." >&2
    echo "With another one: make CXX=…" >&2
    exit 1
  } ;;
esac
