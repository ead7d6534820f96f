// Chapter 14, step 8: several hosts.

#include "support.hpp"

#include <unistd.h>

#include <fstream>
#include <set>
#include <string>

namespace {

/// Runs a program in three ranks, each on a host of its own: they are namespaces of the network, joined by a
/// bridge.
Ran on_three_hosts(const std::string& program) {
  const std::string file = __FILE__;
  return run("sh " + file.substr(0, file.rfind('/')) + "/three_hosts.sh " + program);
}

std::string host() { return concurrent::MpiWorld::get().host(); }

}  // namespace

TEST(Step8_Hosts, CallsRunOnOtherHosts) {
  if (is_rank()) {
    MpiPoolExecutor pool;
    std::set<std::string> hosts;
    while (hosts.size() < 2) hosts.insert(pool.submit(host).result());
    EXPECT_EQ(hosts, (std::set<std::string>{"node-2", "node-3"}));
    std::puts("ran on other hosts");
    return;
  }
  const Ran ran = on_three_hosts(this_test());
  if (ran.status == 77) GTEST_SKIP() << ran.output;
  EXPECT_TRUE(ran.says("ran on other hosts")) << ran.output;
  report(ran);
}
