#include "system.hpp"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "real.hpp"

namespace explore::runtime::system {

long call(long number, long a, long b, long c, long d, long e, long f) noexcept {
  return real<&::syscall>("syscall")(number, a, b, c, d, e, f);
}

void* memory(std::size_t size, std::uintptr_t at, bool shared) noexcept {
  const int flags = MAP_ANONYMOUS | MAP_NORESERVE | (shared ? MAP_SHARED : MAP_PRIVATE) |
                    (at != 0 ? MAP_FIXED_NOREPLACE : 0);
  void* const place = reinterpret_cast<void*>(at);
  void* const memory = mmap(place, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED || (at != 0 && memory != place)) end_process(98);
  return memory;
}

void wait_for(int& go) noexcept {
  while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) == 0)
    call(SYS_futex, reinterpret_cast<long>(&go), FUTEX_WAIT_PRIVATE, 0);
  __atomic_store_n(&go, 0, __ATOMIC_RELAXED);
}

void say(int& go) noexcept {
  __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
  call(SYS_futex, reinterpret_cast<long>(&go), FUTEX_WAKE_PRIVATE, 1);
}

void end_process(int status) noexcept {
  for (;;) call(SYS_exit_group, status);
}

double seconds() noexcept {
  timespec time{};
  call(SYS_clock_gettime, CLOCK_MONOTONIC, reinterpret_cast<long>(&time));
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace explore::runtime::system
