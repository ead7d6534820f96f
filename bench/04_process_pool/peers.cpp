// The rows of chapter 04 on Python's own pools.

#include <memory>
#include <string>

#include "python_peer.hpp"
#include "row.hpp"
#include "trivial_calls.hpp"

using bench::PythonPeer;

namespace {

/// A pool of Python's, which does a batch of calls when it is told to.
class PythonPool {
 public:
  PythonPool(const std::string& kind, int workers)
      : python_({"bench/04_process_pool/peers.py", kind, std::to_string(workers)}) {}

  void run(int calls, int chunksize) { python_.ask(std::to_string(calls) + " " + std::to_string(chunksize)); }

 private:
  PythonPeer python_;
};

}  // namespace

void bench::rows() {
  for (const std::string kind : {"ProcessPoolExecutor", "Pool"}) {
    const std::string variant = "/Python's " + (kind == "Pool" ? kind : "executor");
    const auto batch = [=](int calls, int chunksize) {
      return
          [=] { return [=, pool = std::make_shared<PythonPool>(kind, 2)] { pool->run(calls, chunksize); }; };
    };
    row(trivial_calls_one_by_one + variant, many_calls, batch(many_calls, 1));
    row(trivial_calls_in_chunks + variant, many_calls_in_chunks, batch(many_calls_in_chunks, 64));
  }
}
