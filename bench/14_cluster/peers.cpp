// The rows of chapter 14 on mpi4py's pool.

#include <memory>
#include <string>

#include "python_peer.hpp"
#include "row.hpp"
#include "trivial_calls.hpp"

using bench::PythonPeer;

void bench::rows() {
  const auto batch = [](int calls, int chunksize) {
    return [=] {
      auto python = std::make_shared<PythonPeer>(
          std::vector<std::string>{"--allow-run-as-root", "--oversubscribe", "-n", "3", "/usr/bin/python3",
                                   "-m", "mpi4py.futures", "bench/14_cluster/peers.py"},
          "mpirun");
      return [=] { python->ask(std::to_string(calls) + " " + std::to_string(chunksize)); };
    };
  };
  row(trivial_calls_one_by_one + "/mpi4py", many_calls / for_python, batch(many_calls / for_python, 1));
  row(trivial_calls_in_chunks + "/mpi4py", many_calls_in_chunks, batch(many_calls_in_chunks, 64));
}
