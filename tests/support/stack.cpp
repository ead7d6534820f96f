#include "stack.hpp"

#include <pthread.h>

#include <cstddef>
#include <exception>
#include <system_error>

// In a file of its own, so that it is not inlined: the end of its caller's stack is that of its own frame.
std::uintptr_t course::stack_end() noexcept {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

void course::on_a_small_stack(const std::function<void()>& fn) {
  struct Call {
    const std::function<void()>& fn;
    std::exception_ptr error = nullptr;
  } call{fn};
  const auto run = [](void* data) -> void* {
    Call& call = *static_cast<Call*>(data);
    try {
      call.fn();
    } catch (...) {
      call.error = std::current_exception();
    }
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::size_t{512} << 10);
  pthread_t thread;
  const int failed = pthread_create(&thread, &attributes, run, &call);
  pthread_attr_destroy(&attributes);
  if (failed) throw std::system_error(failed, std::generic_category(), "pthread_create");
  pthread_join(thread, nullptr);
  if (call.error) std::rethrow_exception(call.error);
}
