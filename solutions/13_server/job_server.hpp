#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "event_hub.hpp"
#include "http_server.hpp"
#include "job_page.hpp"
#include "job_queue.hpp"
#include "job_record.hpp"
#include "job_request.hpp"
#include "job_server_options.hpp"
#include "job_store.hpp"
#include "router.hpp"
#include "server_statistics.hpp"
#include "streams.hpp"
#include "todo.hpp"
#include "wait_for.hpp"
#include "worker_pool.hpp"

namespace asyncio::jobs {

/// A server that takes jobs by HTTP, runs them on its workers, and answers with their results. Make it before
/// the loop runs, and before there are other threads. For the loop's thread.
class JobServer {
 public:
  explicit JobServer(JobServerOptions options)
      : options_(std::move(options)),
        workers_(options_.workers),
        queue_(workers_, options_.kinds, options_.queue),
        store_(queue_, options_.kinds, options_.save, options_.most_ended),
        service_{.router = router_,
                 .limits = options_.limits,
                 .idle_time = options_.idle_time,
                 .request_time = options_.request_time} {
    queue_.on_change([this](const Job& job) { changed(job); });
    workers_.on_replaced(
        [this](std::size_t index) { hub_.publish("worker", describe_worker(index).dump()); });
    service_.observer = [this](const http::Request* request, const http::Response& response, Duration time,
                               const StreamWriter& writer) {
      if (options_.log) options_.log(log_line(request, response, time, writer));
    };
    add_routes();
  }
  JobServer(const JobServer&) = delete;
  JobServer& operator=(const JobServer&) = delete;

  /// Takes up the jobs that an earlier server has left unfinished, under their IDs, and begins to serve.
  Coro<> start() {
    for (JobRecord& record : std::exchange(options_.earlier, {})) store_.take_up(std::move(record));
    const auto serve = [this](StreamReader reader, StreamWriter writer) {
      return this->serve(std::move(reader), std::move(writer));
    };
    const ServerOptions options{.backlog = 1024};
    if (options_.path.empty())
      server_ = co_await start_server(serve, options_.host, options_.port, options);
    else
      server_ = co_await start_unix_server(serve, options_.path, options);
    ticker_ = get_running_loop().create_task(tick());
  }

  /// Returns where it listens: "http://127.0.0.1:8080", or "unix:PATH".
  [[nodiscard]] std::string address() const {
    if (!options_.path.empty()) return "unix:" + options_.path;
    return "http://" + options_.host + ":" + std::to_string(port());
  }
  [[nodiscard]] std::uint16_t port() const { return local_port(server_->sockets().at(0)); }

  /// Ends the server, and loses nothing: no job that was accepted, and no answer that somebody waits for.
  /// @param patience for clients that do not take their answers, and again for those that do not let go
  Coro<> drain(Duration patience = std::chrono::seconds(5)) {
    // <exercise 7.1 JobServer::drain>
    service_.draining = true;
    co_await until([this] { return queue_.unfinished() == 0 && queue_.admitted() == 0; });
    hub_.close();
    server_->close();
    try {
      co_await wait_for(until([this] { return service_.active == 0; }), patience);
    } catch (const TimeoutError&) {
    }
    server_->close_clients();
    try {
      co_await wait_for(server_->wait_closed(), patience);
    } catch (const TimeoutError&) {
      server_->abort_clients();
    }
    co_await server_->wait_closed();
    // </exercise>
    ticker_->cancel();
    co_return;
  }

  [[nodiscard]] const JobQueue& queue() const noexcept { return queue_; }
  [[nodiscard]] const WorkerPool& workers() const noexcept { return workers_; }
  [[nodiscard]] const http::Service& service() const noexcept { return service_; }
  [[nodiscard]] const EventHub& hub() const noexcept { return hub_; }
  [[nodiscard]] const Journal* journal() const noexcept { return store_.journal(); }

 private:
  // <exercise 7.1 members your choice, if you want any>
  /// Waits until `condition()` holds, which is asked whenever a job or a request has ended.
  template <class Condition>
  Coro<> until(Condition condition) {
    while (!condition()) {
      service_.progress.clear();
      co_await service_.progress.wait();
    }
  }
  // </exercise>

  // ---- Jobs
  // <exercise 5.2 members your choice, if you want any>
  /// Waits until the client has ended its stream, or is lost.
  static Coro<> until_gone(StreamReader reader) {
    try {
      while (!reader.state()->eof()) {
        reader.state()->check();  // for an error that came before this began
        co_await reader.state()->wait_for_data("until_gone");
      }
    } catch (const std::exception&) {
    }
  }
  // </exercise>

  /// Runs a job whose client waits for it, and returns it when it has ended. A client that leaves, or closes
  /// its end, cancels it. Nothing of what the client has sent is read.
  /// @throws QueueFull
  Coro<JobPointer> run_attached(JobRecord record, StreamReader reader) {
    const JobPointer job = store_.submit(std::move(record));
    // <exercise 5.2 JobServer::run_attached>
    // What runs on the loop is over before anybody could leave.
    if (place_of(*job) == Place::loop) {
      co_await job->ended.wait();
      co_return job;
    }
    Task<> gone = create_task(until_gone(reader));
    gone.add_done_callback([this, job](const Future<>& gone) {
      if (!gone.cancelled()) queue_.stop(job, JobState::cancelled);
    });
    co_await job->ended.wait();
    gone.cancel();
    // The reader has room for one who waits: until this one has gone, nobody may read the next request.
    while (!gone.done()) co_await sleep(Duration::zero());
    // </exercise>
    co_return job;
  }

  Place place_of(const Job& job) const { return options_.kinds.find(job.kind)->second.place; }

  /// Tells who listens that a job's state has changed.
  void changed(const Job& job) {
    hub_.publish("job", [&] { return brief(job); });
    if (job.state == JobState::queued) ++statistics_.accepted;
    if (!has_ended(job.state)) return;
    statistics_.ended(job);
    store_.ended(job);
    service_.progress.set();
  }

  // ---- Requests
  Coro<> serve(StreamReader reader, StreamWriter writer) {
    if (service_.connections < options_.most_connections) {
      co_await http::serve_connection(service_, std::move(reader), std::move(writer));
    } else {
      http::Response response = http::error_response(503, "there are too many connections");
      response.close = true;
      writer.write(http::to_bytes(response, nullptr));
      co_await http::detail::end_connection(service_, std::move(reader), std::move(writer));
    }
  }

  template <class F>
  void add(const char* method, const char* pattern, F answer) {
    router_.add(method, pattern,
                [this, answer](http::Exchange& exchange) { return (this->*answer)(exchange); });
  }
  void add_page(const char* pattern, std::string_view type, std::string_view text) {
    router_.add("GET", pattern, [type, text](http::Exchange&) { return answer_page(type, text); });
  }
  void add_routes() {
    add("POST", "/run", &JobServer::post_run);
    add("POST", "/jobs", &JobServer::post_jobs);
    add("GET", "/jobs", &JobServer::get_jobs);
    add("GET", "/jobs/{id}", &JobServer::get_job);
    add("DELETE", "/jobs/{id}", &JobServer::delete_job);
    add("GET", "/healthz", &JobServer::get_health);
    add("GET", "/metrics", &JobServer::get_metrics);
    add("GET", "/workers", &JobServer::get_workers);
    add("GET", "/events", &JobServer::get_events);
    add_page("/", "text/html; charset=utf-8", page_html);
    add_page("/page.css", "text/css; charset=utf-8", page_css);
    add_page("/page.js", "text/javascript; charset=utf-8", page_js);
  }

  /// Answers what asks for a job, or says why there is none.
  template <class F>
  Coro<http::Response> with_job(http::Exchange& exchange, F answer) {
    if (service_.draining) {
      http::Response refused = http::error_response(503, "the server is ending");
      refused.close = true;
      co_return refused;
    }
    try {
      JobRecord record = job_asked_for(exchange.request, options_.kinds);
      co_return co_await (this->*answer)(std::move(record), exchange);
    } catch (const QueueFull& error) {
      ++statistics_.refused;
      http::Response refused = http::error_response(503, error.what());
      refused.headers.emplace_back("Retry-After", "1");
      co_return refused;
    } catch (const JournalError& error) {
      co_return http::error_response(507, error.what());
    }
  }

  Coro<http::Response> post_run(http::Exchange& exchange) { return with_job(exchange, &JobServer::run_now); }
  Coro<http::Response> post_jobs(http::Exchange& exchange) {
    return with_job(exchange, &JobServer::run_later);
  }
  Coro<http::Response> run_now(JobRecord record, http::Exchange& exchange) {
    const JobPointer job = co_await run_attached(std::move(record), exchange.reader);
    co_return describe(*job, status_of(job->state));
  }
  Coro<http::Response> run_later(JobRecord record, http::Exchange&) {
    const JobPointer job = co_await store_.accept(std::move(record));
    http::Response response = describe(*job, 202);
    response.headers.emplace_back("Location", "/jobs/" + std::to_string(job->id));
    co_return response;
  }

  JobPointer find(const http::Exchange& exchange) const {
    return store_.find(number_in(exchange.parameter("id")).value_or(-1));
  }

  Coro<http::Response> get_job(http::Exchange& exchange) {
    const JobPointer job = find(exchange);
    if (!job) co_return http::error_response(404, "there is no such job");
    if (const auto asked = exchange.request.parameter("wait_ms")) {
      const auto time = number_in(*asked);
      if (!time || *time > 60'000)
        co_return http::error_response(400, "wait_ms must be a whole number from 0 to 60000");
      try {
        co_await wait_for(wait_ended(job), std::chrono::milliseconds(*time));
      } catch (const TimeoutError&) {
      }
    }
    co_return describe(*job, 200);
  }
  static Coro<> wait_ended(JobPointer job) { co_await job->ended.wait(); }

  Coro<http::Response> delete_job(http::Exchange& exchange) {
    const JobPointer job = find(exchange);
    if (!job) co_return http::error_response(404, "there is no such job");
    const bool stopped = queue_.stop(job, JobState::cancelled);
    co_await job->ended.wait();
    co_return describe(*job, stopped ? 200 : 409);
  }

  Coro<http::Response> get_jobs(http::Exchange&) {
    co_return json({{"jobs", store_.newest()}, {"waiting", queue_.waiting()}, {"running", queue_.running()}});
  }

  Coro<http::Response> get_health(http::Exchange&) {
    if (service_.draining) co_return json({{"status", "draining"}}, 503);
    if (!store_.journal_error().empty())
      co_return json({{"status", "journal"}, {"error", store_.journal_error()}}, 503);
    co_return http::Response{.body = "{\"status\":\"ok\"}\n"};
  }
  Coro<http::Response> get_metrics(http::Exchange&) {
    std::size_t restarts = 0;
    for (const WorkerPool::Slot& slot : workers_.slots()) restarts += slot.restarts;
    co_return http::Response{.body = statistics_.metrics({.answers = service_.answers,
                                                          .connections = service_.connections,
                                                          .waiting = queue_.waiting(),
                                                          .running = queue_.running(),
                                                          .restarts = restarts,
                                                          .commits = journal() ? journal()->commits() : 0,
                                                          .entries = journal() ? journal()->entries() : 0,
                                                          .failures = journal() ? journal()->failures() : 0,
                                                          .subscribers = hub_.subscribers()}),
                             .content_type = "text/plain; version=0.0.4"};
  }
  Coro<http::Response> get_workers(http::Exchange&) { co_return json({{"workers", describe_workers()}}); }

  Json describe_worker(std::size_t index) const {
    return describe(workers_.slots()[index], index, queue_.job_of(index));
  }
  Json describe_workers() const {
    Json all = Json::array();
    for (std::size_t i = 0; i < workers_.slots().size(); ++i) all.push_back(describe_worker(i));
    return all;
  }

  // ---- The page
  Coro<http::Response> get_events(http::Exchange&) {
    co_return http::Response{.content_type = "text/event-stream", .stream = [this](StreamWriter writer) {
                               return stream_events(std::move(writer));
                             }};
  }
  /// Sends events until there are no more, or the client leaves.
  Coro<> stream_events(StreamWriter writer) {
    const auto subscription = hub_.subscribe([writer] { writer.abort(); });
    Json picture = summary();
    picture["jobs"] = store_.newest();
    picture["workers"] = describe_workers();
    picture["capacity"] = queue_.capacity();
    writer.write("retry: 1000\n" + hub_.format("snapshot", picture.dump()));
    while (true) {
      co_await writer.drain();
      const std::optional<std::string> events = co_await subscription->next();
      if (!events) break;
      writer.write(*events);
    }
  }
  Json summary() const {
    return {{"now_ms", now_ms()},
            {"waiting", queue_.waiting()},
            {"running", queue_.running()},
            {"draining", service_.draining}};
  }
  /// Tells who listens, each second, that there is somebody.
  Coro<> tick() {
    while (true) {
      co_await sleep(std::chrono::seconds(1));
      Json news = summary();
      statistics_.add_to(news, service_.answers);
      hub_.publish("tick", news.dump());
    }
  }

  JobServerOptions options_;
  WorkerPool workers_;
  JobQueue queue_;
  JobStore store_;
  http::Router router_;
  http::Service service_;
  EventHub hub_;
  ServerStatistics statistics_;
  std::optional<Server> server_;
  std::optional<Task<>> ticker_;
};

}  // namespace asyncio::jobs
