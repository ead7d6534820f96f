// An exception's owners count themselves inside libstdc++, which is not instrumented: what the last one does,
// to destroy it, is ordered after what the others did with it. Its memory is from malloc, so another may have
// lain there before.

#include <cstddef>

#include "../races.hpp"
#include "../real.hpp"
#include "../world.hpp"

using namespace explore::runtime;

namespace {

void let_go() noexcept {
  Thread* const thread = current;
  if (!thread) return;
  const Entered entered(*thread);
  world->exceptions.join(thread->clock);
  thread->acquire(world->exceptions);
  thread->tick();
}

}  // namespace

/// std::exception_ptr::_M_release
extern "C" void _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv(void** exception) {
  let_go();
  real<&_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv>(
      "_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv")(exception);
}

namespace __cxxabiv1 {
extern "C" void* __cxa_allocate_exception(std::size_t size) noexcept {
  void* const memory = real<&__cxa_allocate_exception>("__cxa_allocate_exception")(size);
  if (current) explore::runtime::races::forget(memory, size);
  return memory;
}
extern "C" void __cxa_end_catch() {
  let_go();
  real<&__cxa_end_catch>("__cxa_end_catch")();
}
}  // namespace __cxxabiv1
