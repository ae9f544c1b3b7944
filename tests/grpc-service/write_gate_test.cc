#include "grpc-service/write_gate.h"

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace txtchat::rpc {
namespace {

TEST(WriteGate, LetsNobodyThroughUntilTheBurstHasBegun) {
  WriteGate gate;
  std::atomic<bool> begun{false};
  absl::Notification comes;
  bool passed_before = true;
  gate.Close();
  std::thread completion([&] {
    comes.Notify();
    gate.Pass();
    passed_before = !begun;
  });
  comes.WaitForNotification();
  for (int i = 0; i < 100; ++i) std::this_thread::yield();  // A gate that is open is passed by now.
  begun = true;
  gate.Open();
  completion.join();
  EXPECT_FALSE(passed_before);
}

TEST(WriteGate, IsNoHindranceWhileItIsOpen) {
  WriteGate gate;
  gate.Pass();
  gate.Close();
  gate.Open();
  gate.Pass();
}

}  // namespace
}  // namespace txtchat::rpc
