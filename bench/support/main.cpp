// The main function of every bench program: Google Benchmark, with all its flags.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>

#include "row.hpp"

int main(int argc, char** argv) try {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
#ifdef __clang__
  benchmark::AddCustomContext("compiler", __VERSION__);
#else
  benchmark::AddCustomContext("compiler", "GCC " __VERSION__);
#endif
  bench::rows();
  return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
