// The cookbook's third recipe: a finite state machine. Each state is a coroutine, which awaits the next one.

#include <coro.hpp>  // yours or the reference's: "coro.hpp" would always be the one in this folder
#include <sync_wait.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "recipe.hpp"

using namespace concurrent;
using asyncio::Coro;
using asyncio::sync_wait;

namespace {

/// The bits that lead from state to state: those that are given or, without any, those of a random generator.
class Bits {
 public:
  Bits(std::string given, std::uint32_t seed) : given_(std::move(given)), random_(seed) {}

  int next() {
    if (given_.empty()) return static_cast<int>(random_() % 2);
    if (used_ == given_.size())
      throw std::invalid_argument("--bits " + given_ + " is too short: the machine does not end with it");
    return given_[used_++] - '0';
  }

 private:
  const std::string given_;
  std::size_t used_ = 0;
  std::mt19937 random_;
};

/// The states. Their lines end with a blank where the cookbook's do.
class StateMachine {
 public:
  StateMachine(Bits bits, std::chrono::nanoseconds unit) : bits_(std::move(bits)), unit_(unit) {}

  Coro<> start_state() {
    tell("Start State called \n");
    const int bit = draw();
    std::string result;
    if (bit == 0)
      result = co_await state_2(bit);
    else
      result = co_await state_1(bit);
    tell("Resume of the Transition : \nStart State calling " + result);
  }

 private:
  Coro<std::string> state_1(int value) {
    const int bit = evaluate();
    std::string result;
    if (bit == 0)
      result = co_await state_3(bit);
    else
      result = co_await state_2(bit);
    co_return entered("State 1", value) + "State 1 calling " + result;
  }

  Coro<std::string> state_2(int value) {
    const int bit = evaluate();
    std::string result;
    if (bit == 0)
      result = co_await state_1(bit);
    else
      result = co_await state_3(bit);
    co_return entered("State 2", value) + "State 2 calling " + result;
  }

  Coro<std::string> state_3(int value) {
    const int bit = evaluate();
    std::string result;
    if (bit == 0)
      result = co_await state_1(bit);
    else
      result = co_await end_state(bit);
    co_return entered("State 3", value) + "State 3 calling " + result;
  }

  Coro<std::string> end_state(int value) {
    tell("...Stop Computation...");
    co_return entered("End State", value);
  }

  static std::string entered(std::string_view state, int value) {
    return std::string(state) + " with transition value = " + std::to_string(value) + " \n";
  }

  /// The next bit, after a unit. That it sleeps like this is the cookbook's: it blocks the thread.
  int draw() {
    const int bit = bits_.next();
    std::this_thread::sleep_for(unit_);
    return bit;
  }

  int evaluate() {
    const int bit = draw();
    tell("...Evaluating...");
    return bit;
  }

  static void tell(std::string line) {
    print_line(std::move(line));
    std::fflush(stdout);
  }

  Bits bits_;
  const std::chrono::nanoseconds unit_;
};

/// The seed that is asked for or, without one, any; told on stderr, so that a run can be repeated.
std::uint32_t chosen_seed(std::int64_t asked) {
  const std::uint32_t seed = asked < 0 ? std::random_device()() : static_cast<std::uint32_t>(asked);
  std::fprintf(stderr, "--seed %lu\n", static_cast<unsigned long>(seed));
  return seed;
}

}  // namespace

int main(int argc, char** argv) {
  std::chrono::nanoseconds unit = std::chrono::seconds(1);
  std::int64_t seed = -1;
  std::string bits;
  const RecipeOptions options(
      "A finite state machine, whose states are coroutines that await one another.",
      {{"--unit", "stands for a second, as in --unit 10ms (default 1s)", unit},
       {"--seed", "of the random bits (default: another one each time)", seed, 0, 0xffff'ffff},
       {"--bits", "the bits themselves instead, as in --bits 011", bits, "01"}});
  return recipe(argc, argv, options, [&] {
    if (!bits.empty() && seed >= 0) throw std::invalid_argument("say --seed or --bits, not both");
    StateMachine machine(Bits(bits, bits.empty() ? chosen_seed(seed) : 0), unit);
    print_line("Finite State Machine simulation with Asyncio Coroutine");
    sync_wait(machine.start_state());
  });
}
