// The rows of chapter 06 on the libraries that people use at work.

#include <uv.h>

#define ASIO_STANDALONE
#include <asio.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "empty_job.hpp"
#include "loop_rows.hpp"
#include "python_peer.hpp"
#include "row.hpp"

using bench::empty_job;

namespace {

// ---- Asio

struct AsioLink {
  asio::io_context* context;
  int* left;

  void operator()() const {
    empty_job();
    if (--*left > 0) asio::post(*context, *this);
  }
};

class AsioRunner {
 public:
  ~AsioRunner() { work_.reset(); }
  asio::io_context& context() { return context_; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::jthread thread_{[this] { context_.run(); }};
};

void asio_rows() {
  using namespace bench;
  // The hint says that one thread runs the context, which spares it some locks.
  row(chained + "/asio::io_context", many_callbacks, [] {
    return warmed_up([context = std::make_shared<asio::io_context>(1)] {
      int left = many_callbacks;
      context->restart();
      asio::post(*context, AsioLink{context.get(), &left});
      context->run();
    });
  });
  row(in_a_batch + "/asio::io_context", many_callbacks, [] {
    return warmed_up([context = std::make_shared<asio::io_context>(1)] {
      context->restart();
      for (int i = 0; i < many_callbacks; ++i) asio::post(*context, empty_job);
      context->run();
    });
  });
  row(timers + "/asio::io_context", many_timers, [] {
    const auto context = std::make_shared<asio::io_context>(1);
    const auto set = std::make_shared<std::vector<asio::steady_timer>>();
    set->reserve(many_timers);
    for (int i = 0; i < many_timers; ++i) set->emplace_back(*context);
    return warmed_up([context, set] {
      context->restart();
      const auto now = std::chrono::steady_clock::now();
      for (std::size_t i = 0; i < set->size(); ++i) {
        (*set)[i].expires_at(now + std::chrono::milliseconds(delays()[i]));
        (*set)[i].async_wait([](asio::error_code error) {
          if (!error) empty_job();
        });
      }
      for (std::size_t i = 1; i < set->size(); i += 2) (*set)[i].cancel();
      context->run();
    });
  });
  row(wake_ups + "/asio::io_context", many_wake_ups, [] {
    return warmed_up([runner = std::make_shared<AsioRunner>()] {
      std::binary_semaphore woken(0);
      for (int i = 0; i < many_wake_ups; ++i) {
        asio::post(runner->context(), [&] { woken.release(); });
        woken.acquire();
      }
    });
  });
}

// ---- libuv, which has no queue of callbacks: an idle handle is called once in each pass, until it is
// stopped. What is scheduled once takes a handle of its own, in memory that is there already.

class UvLoop {
 public:
  UvLoop() { uv_loop_init(&loop_); }
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;
  ~UvLoop() {
    run();
    uv_loop_close(&loop_);
  }
  uv_loop_t* get() { return &loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_{};
};

/// A loop with handles of one kind, which are closed at the end.
template <class Handle>
class UvHandles {
 public:
  UvHandles(std::size_t count, int (*init)(uv_loop_t*, Handle*)) : all_(count) {
    for (Handle& handle : all_) init(loop_.get(), &handle);
  }
  UvHandles(const UvHandles&) = delete;
  UvHandles& operator=(const UvHandles&) = delete;
  ~UvHandles() {
    for (Handle& handle : all_) uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
    loop_.run();
  }
  UvLoop& loop() { return loop_; }
  std::vector<Handle>& all() { return all_; }

 private:
  UvLoop loop_;
  std::vector<Handle> all_;
};

class UvRunner {
 public:
  UvRunner() { start(); }
  ~UvRunner() {
    stop_ = true;
    uv_async_send(&async_);
  }
  /// Has the loop release `woken`.
  void wake(std::binary_semaphore& woken) {
    woken_ = &woken;
    uv_async_send(&async_);
  }

 private:
  void start() {
    uv_async_init(loop_.get(), &async_, [](uv_async_t* async) {
      auto& self = *static_cast<UvRunner*>(async->data);
      if (self.stop_)
        uv_close(reinterpret_cast<uv_handle_t*>(async), nullptr);
      else
        self.woken_.load()->release();
    });
    async_.data = this;
    thread_ = std::jthread([this] { loop_.run(); });
  }

  UvLoop loop_;
  uv_async_t async_{};
  std::atomic<bool> stop_ = false;
  std::atomic<std::binary_semaphore*> woken_ = nullptr;
  std::jthread thread_;
};

void uv_rows() {
  using namespace bench;
  row(chained + "/libuv", many_callbacks, [] {
    return warmed_up([idle = std::make_shared<UvHandles<uv_idle_t>>(1, uv_idle_init)] {
      int left = many_callbacks;
      idle->all()[0].data = &left;
      uv_idle_start(&idle->all()[0], [](uv_idle_t* handle) {
        empty_job();
        if (--*static_cast<int*>(handle->data) == 0) uv_idle_stop(handle);
      });
      idle->loop().run();
    });
  });
  row(in_a_batch + "/libuv", many_callbacks, [] {
    const auto loop = std::make_shared<UvLoop>();
    return warmed_up([loop, idle = std::vector<uv_idle_t>(many_callbacks)]() mutable {
      for (uv_idle_t& handle : idle) {
        uv_idle_init(loop->get(), &handle);
        uv_idle_start(&handle, [](uv_idle_t* self) {
          empty_job();
          uv_close(reinterpret_cast<uv_handle_t*>(self), nullptr);
        });
      }
      loop->run();
    });
  });
  row(timers + "/libuv", many_timers, [] {
    return warmed_up([set = std::make_shared<UvHandles<uv_timer_t>>(many_timers, uv_timer_init)] {
      std::vector<uv_timer_t>& all = set->all();
      uv_update_time(set->loop().get());
      for (std::size_t i = 0; i < all.size(); ++i)
        uv_timer_start(
            &all[i], [](uv_timer_t*) { empty_job(); }, static_cast<std::uint64_t>(delays()[i]), 0);
      for (std::size_t i = 1; i < all.size(); i += 2) uv_timer_stop(&all[i]);
      set->loop().run();
    });
  });
  row(wake_ups + "/libuv", many_wake_ups, [] {
    return warmed_up([runner = std::make_shared<UvRunner>()] {
      std::binary_semaphore woken(0);
      for (int i = 0; i < many_wake_ups; ++i) {
        runner->wake(woken);
        woken.acquire();
      }
    });
  });
}

// ---- Python

void python_rows() {
  using namespace bench;
  const auto python_row = [](const std::string& group, int items, const std::string& what) {
    row(group + "/Python's asyncio", items,
        [=] { return python_batch({"bench/06_event_loop/peers.py"}, what, items); });
  };
  python_row(chained, many_callbacks / for_python, "chained");
  python_row(in_a_batch, many_callbacks / for_python, "batch");
  python_row(timers, many_timers / for_python, "timers");
  python_row(wake_ups, many_wake_ups, "wake_ups");
}

}  // namespace

void bench::rows() {
  asio_rows();
  uv_rows();
  python_rows();
}
