// An echo server and a chat server, of which real clients make use: nc, telnet, Python.

#include <streams.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "composition.hpp"
#include "recipe.hpp"

using namespace std::chrono_literals;
using asyncio::Coro;
using asyncio::StreamReader;
using asyncio::Streams;
using asyncio::StreamWriter;
using concurrent::print_line;

namespace {

// ---- The echo server

Coro<> echo(StreamReader reader, StreamWriter writer) {
  while (true) {
    const std::string bytes = co_await reader.read(65536);
    if (bytes.empty()) co_return;  // the end: the writer goes, and closes the connection
    writer.write(bytes);
    co_await writer.drain();
  }
}

// ---- The chat server

/// Ends where a line ends, and has nothing in it that makes a terminal do something.
std::string printable(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  std::string text(line);
  std::ranges::replace_if(
      text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  return text;
}

class Chat {
 public:
  static constexpr std::size_t longest_line = 1'000;
  static constexpr std::size_t most_unsent = 256 * 1'024;  // to a client that does not read

  /// Serves a client, to its end.
  Coro<> serve(StreamReader reader, StreamWriter writer) {
    Member member{{}, "lobby", writer};
    member.writer.write("Welcome. What is your name?\n");
    const std::string rules = "A name is 1 to 20 letters and digits that nobody here has. What is yours?\n";
    while (member.name.empty()) {
      const std::string line = co_await next_line(reader, member);
      if (line.empty()) co_return;
      const std::string name = printable(line);
      if (is_name(name) && !members_.contains(name))
        member.name = name;
      else
        member.writer.write(rules);
    }
    const Entry entry(*this, member);
    member.tell("* /join ROOM goes to another room, /who tells who is here, /quit leaves\n");
    while (true) {
      const std::string line = co_await next_line(reader, member);
      if (line.empty() || printable(line) == "/quit") co_return;
      take(member, printable(line));
    }
  }

  /// Tells everybody.
  void announce(const std::string& text) {
    for (const auto& [name, member] : members_) member->tell("* " + text + "\n");
  }

  [[nodiscard]] std::size_t members() const noexcept { return members_.size(); }

 private:
  struct Member {
    std::string name;
    std::string room;
    StreamWriter writer;
    std::size_t missed = 0;  // lines, since they have been too many

    /// Hands over a line. It never waits: a client that does not read would hold up the others. It misses
    /// lines instead.
    void tell(const std::string& line) {
      if (writer.get_write_buffer_size() > most_unsent) {
        ++missed;
        return;
      }
      if (missed > 0)
        writer.write("* you read too slowly, and have missed " + std::to_string(missed) + " lines\n");
      missed = 0;
      writer.write(line);
    }
  };

  /// A member is here, as long as this lives.
  class Entry {
   public:
    Entry(Chat& chat, Member& member) : chat_(chat), member_(member) {
      chat_.members_[member_.name] = &member_;
      chat_.to_room(member_.room, "* " + member_.name + " is here\n");
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() {
      chat_.members_.erase(member_.name);
      chat_.to_room(member_.room, "* " + member_.name + " has left\n");
    }

   private:
    Chat& chat_;
    Member& member_;
  };

  /// The next line; empty at the end. A client that does not read what it is told is not read from either.
  static Coro<std::string> next_line(StreamReader reader, Member& member) {
    while (true) {
      co_await member.writer.drain();
      try {
        co_return co_await reader.readline();
      } catch (const std::invalid_argument&) {
        member.tell("* that line was too long: " + std::to_string(longest_line) + " bytes are all right\n");
      }
    }
  }

  void take(Member& member, const std::string& line) {
    if (line == "/who") {
      std::string names;
      for (const auto& [name, other] : members_)
        if (other->room == member.room) names += " " + name;
      member.tell("* in " + member.room + ":" + names + "\n");
    } else if (line.starts_with("/join ") && is_name(line.substr(6))) {
      to_room(member.room, "* " + member.name + " goes to " + line.substr(6) + "\n");
      member.room = line.substr(6);
      to_room(member.room, "* " + member.name + " is here\n");
    } else if (line.starts_with('/')) {
      member.tell("* /join ROOM, /who and /quit is all there is; a room is 1 to 20 letters and digits\n");
    } else if (!line.empty()) {
      to_room(member.room, member.name + ": " + line + "\n");
    }
  }

  void to_room(const std::string& room, const std::string& line) {
    for (const auto& [name, member] : members_)
      if (member->room == room) member->tell(line);
  }

  static bool is_name(std::string_view text) {
    constexpr auto fits = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && text.size() <= 20 && std::ranges::all_of(text, fits);
  }

  std::map<std::string, Member*> members_;  // by name
};

// ---- Serving

using Handler = std::function<Coro<>(StreamReader, StreamWriter)>;

/// A client that goes is no error of ours.
Coro<> or_gone(Handler handler, StreamReader reader, StreamWriter writer) {
  try {
    co_await handler(reader, writer);
  } catch (const std::system_error&) {
  }
}

/// Closes the server. Clients get what was written to them, if they take it within a second.
Coro<> end(asyncio::Server server) {
  server.close();
  server.close_clients();
  bool in_time = true;
  try {
    co_await asyncio::wait_for(server.wait_closed(), 1s);
  } catch (const asyncio::TimeoutError&) {
    in_time = false;
  }
  if (in_time) co_return;
  server.abort_clients();
  co_await server.wait_closed();
}

/// Done at SIGINT or SIGTERM.
asyncio::Future<> interruption() {
  asyncio::EventLoop& loop = asyncio::get_running_loop();
  asyncio::Future<> interrupted = loop.create_future();
  for (const int signal : {SIGINT, SIGTERM})
    loop.add_signal_handler(signal, [interrupted]() mutable {
      if (!interrupted.done()) interrupted.set_result();
    });
  return interrupted;
}

// ---- A visit, for those who have no client at hand

/// A client of ours, which prints what it hears.
struct Visitor {
  std::string name;
  Streams streams;

  Coro<> hear(int lines) {
    for (int i = 0; i < lines; ++i) print_line(name + " < " + printable(co_await streams.reader.readline()));
  }
  Coro<> say(std::string text) {
    print_line(name + " > " + text);
    streams.writer.write(text + "\n");
    co_await streams.writer.drain();
  }
};

Coro<Visitor> visitor(std::string name, std::uint16_t port) {
  Streams streams = co_await asyncio::open_connection("127.0.0.1", port);
  co_return Visitor{std::move(name), std::move(streams)};
}

Coro<> visit_echo(std::uint16_t port) {
  Visitor ann = co_await visitor("ann", port);
  co_await ann.say("hello");
  co_await ann.hear(1);
  co_await ann.say("the same again");
  co_await ann.hear(1);
}

/// Says so many long lines, as fast as it goes.
Coro<> flood(Visitor& visitor, int lines) {
  const std::string line(500, '.');
  for (int i = 0; i < lines; ++i) {
    visitor.streams.writer.write(line + "\n");
    co_await visitor.streams.writer.drain();
  }
}

/// Hears all that, and counts it.
Coro<int> count(Visitor& visitor, int lines) {
  int heard = 0;
  while (heard < lines) heard += (co_await visitor.streams.reader.readline()).ends_with("...\n") ? 1 : 0;
  co_return heard;
}

/// Hears lines, until none has come for a while. @returns how many long ones
Coro<int> all_that_comes(Visitor& visitor) {
  int heard = 0;
  try {
    while (true) {
      const std::string line = co_await asyncio::wait_for(visitor.streams.reader.readline(), 300ms);
      heard += line.ends_with("...\n") ? 1 : 0;
    }
  } catch (const asyncio::TimeoutError&) {
  }
  co_return heard;
}

Coro<> visit_chat(std::uint16_t port) {
  Visitor ann = co_await visitor("ann", port);
  co_await ann.hear(1);
  co_await ann.say("ann");
  co_await ann.hear(2);
  Visitor bob = co_await visitor("bob", port);
  co_await bob.hear(1);
  co_await bob.say("ann");
  co_await bob.hear(1);
  co_await bob.say("bob");
  co_await bob.hear(2);
  co_await ann.hear(1);
  co_await ann.say("hello, bob");
  co_await ann.hear(1);
  co_await bob.hear(1);

  print_line("A third one comes, and never reads. Ann has a lot to say, and hears it, too.");
  Visitor sid = co_await visitor("sid", port);
  sid.streams.writer.write("sid\n");
  co_await ann.hear(1);
  co_await bob.hear(1);
  constexpr int lines = 20'000;
  const auto [said, by_ann, by_bob] =
      co_await asyncio::gather(flood(ann, lines), count(ann, lines), count(bob, lines));
  print_line("ann has said " + std::to_string(lines) + " lines, and bob has heard " + std::to_string(by_bob));
  const int heard = co_await all_that_comes(sid);
  print_line("sid begins to read, and has heard " + std::to_string(heard) + " of them");
  co_await ann.say("are you there, sid?");
  co_await sid.hear(2);
}

Coro<> visit_to(bool with_chat, std::uint16_t port) {
  if (with_chat) return visit_chat(port);
  return visit_echo(port);
}

/// Runs what visits the server, until it ends or is interrupted.
Coro<> until_interrupted(Coro<> visit, asyncio::Future<> interrupted) {
  asyncio::Task<> task = asyncio::create_task(std::move(visit));
  interrupted.add_done_callback([task](const asyncio::Future<>&) mutable { task.cancel(); });
  try {
    co_await task;
  } catch (const asyncio::CancelledError&) {
    print_line("Interrupted.");
  }
}

/// @param chat it must outlive the loop's tasks: a handler may run on when its connection is lost
Coro<> run_server(Chat& chat, bool with_chat, std::string host, std::uint16_t port, bool serve) {
  const Handler handler = with_chat ? Handler([&](StreamReader reader, StreamWriter writer) {
    return chat.serve(std::move(reader), std::move(writer));
  })
                                    : Handler(echo);
  const auto take = [&](StreamReader reader, StreamWriter writer) {
    return or_gone(handler, std::move(reader), std::move(writer));
  };
  asyncio::Future<> interrupted = interruption();
  asyncio::Server server =
      co_await asyncio::start_server(take, host, port, {.limit = with_chat ? Chat::longest_line : 65536});
  const std::uint16_t real_port = asyncio::local_port(server.sockets()[0]);
  const std::string at = std::to_string(real_port);
  print_line((with_chat ? "A chat server at " : "An echo server at ") + host + ":" + at);
  if (serve) {
    print_line("Try it:  nc 127.0.0.1 " + at + "  or  curl telnet://127.0.0.1:" + at + "\nCtrl-C ends it.");
    std::fflush(stdout);
    co_await interrupted;
    print_line("Interrupted.");
    if (with_chat) chat.announce("the server ends");
  } else {
    Coro<> visit = visit_to(with_chat, real_port);
    co_await until_interrupted(std::move(visit), interrupted);
  }
  co_await end(server);
}

}  // namespace

int main(int argc, char** argv) {
  std::string kind = "chat";
  std::string host = "127.0.0.1";
  std::int64_t port = 0;
  bool serve = false;
  const concurrent::RecipeOptions options(
      "An echo server or a chat server: lines, names, rooms. Without --serve, clients of its own visit it.",
      {{"SERVER", "echo or chat (default chat)", kind, std::vector<std::string_view>{"echo", "chat"}},
       {"--host", "where to listen: the number of an interface (default 127.0.0.1)", host,
        "0123456789abcdef.:"},
       {"--port", "… and the port (default 0: any that is free)", port, 0, 65'535},
       {"--serve", "go on until Ctrl-C, for clients of yours", serve}});
  return concurrent::recipe(argc, argv, options, [&] {
    Chat chat;
    asyncio::run(run_server(chat, kind == "chat", host, static_cast<std::uint16_t>(port), serve));
  });
}
