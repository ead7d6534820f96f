#include "job_server.hpp"

#include "served.hpp"

#include <sys/socket.h>

using asyncio::jobs::JobServer;

Served::Served(ServedOptions options)
    : server_(std::make_unique<JobServer>(
          asyncio::jobs::JobServerOptions{.kinds = test_kinds(),
                                          .path = std::move(options.path),
                                          .queue = options.queue,
                                          .save = std::move(options.save),
                                          .earlier = std::move(options.earlier),
                                          .most_connections = options.most_connections})) {
  e_.stands = [this] { return stands(); };
}
Served::~Served() { EXPECT_EQ(e_.told, Log{}); }

void Served::run(const std::function<Coro<>()>& main) {
  e_.run([&]() -> Coro<> {
    co_await server_->start();
    port_ = server_->port();
    co_await main();
  });
}

Client Served::client() const {
  Client client(port_);
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(client.fd().get(), SOL_SOCKET, SO_ERROR, &error, &size);
  EXPECT_EQ(error, 0) << "nobody can connect: the server's socket is closed";
  return client;
}

Coro<Reply> Served::ask(std::string text) const {
  Client one = client();
  one.send(text);
  co_return co_await one.reply(text.starts_with("HEAD"));
}

Coro<> Served::drain() { return server_->drain(); }
Coro<> Served::drain(asyncio::Duration patience) { return server_->drain(patience); }

std::size_t Served::waiting() const { return server_->queue().waiting(); }
std::size_t Served::running() const { return server_->queue().running(); }
std::size_t Served::admitted() const { return server_->queue().admitted(); }
std::size_t Served::unfinished() const { return server_->queue().unfinished(); }
std::size_t Served::connections() const { return server_->service().connections; }
std::size_t Served::active() const { return server_->service().active; }
std::size_t Served::answers(int status) const {
  const auto found = server_->service().answers.find(status);
  return found == server_->service().answers.end() ? 0 : found->second;
}
std::size_t Served::failed_commits() const { return server_->journal()->failures(); }
std::size_t Served::subscribers() const { return server_->hub().subscribers(); }

std::string Served::stands() const {
  return std::to_string(waiting()) + " jobs wait, " + std::to_string(running()) + " run, " +
         std::to_string(unfinished()) + " have not ended; of " + std::to_string(connections()) +
         " connections, " + std::to_string(active()) + " wait for an answer, or take one";
}
