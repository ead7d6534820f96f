// The main of every bench program. It is Google Benchmark with all its flags; with --rows it prints for
// programs: one line `nanoseconds per item<TAB>name` for each row. A row that fails is a line on stderr, and
// exit status 1.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include "row.hpp"

namespace {

using Run = benchmark::BenchmarkReporter::Run;

/// Why a run failed; null if it did not. (Version 1.8 of the library renamed the members.)
template <class R>
const char* error_of(const R& run) {
  if constexpr (requires { run.error_occurred; })
    return run.error_occurred ? run.error_message.c_str() : nullptr;
  else
    return run.skipped != decltype(run.skipped){} ? run.skip_message.c_str() : nullptr;
}

/// Wall time per item. Google Benchmark knows items by the second only, of whatever time the benchmark is
/// measured in.
double nanoseconds_per_item(const Run& run) {
  double items = static_cast<double>(run.iterations);
  const bool cpu_time = run.run_name.time_type.empty();
  if (const auto rate = run.counters.find("items_per_second"); rate != run.counters.end())
    items = rate->second.value * (cpu_time ? run.cpu_accumulated_time : run.real_accumulated_time);
  return run.real_accumulated_time * 1e9 / items;
}

class RowReporter : public benchmark::BenchmarkReporter {
 public:
  bool failed = false;

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      if (const char* error = error_of(run)) {
        std::fprintf(stderr, "%s\n", error);
        failed = true;
      } else {
        std::printf("%.6g\t%s\n", nanoseconds_per_item(run), run.benchmark_name().c_str());
      }
    }
  }
};

}  // namespace

int main(int argc, char** argv) try {
  const auto end = std::remove(argv + 1, argv + argc, std::string_view("--rows"));
  const bool for_programs = end != argv + argc;
  argc = static_cast<int>(end - argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  bench::rows();
  if (!for_programs) return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
  RowReporter reporter;
  return benchmark::RunSpecifiedBenchmarks(&reporter) > 0 && !reporter.failed ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
