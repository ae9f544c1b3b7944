#include "grpc-service/unary_calls.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace txtchat::rpc {
namespace {

struct FakeCall final : public OpenCall {
  void BreakOff() override { ++broken_off; }
  int broken_off = 0;
};

/// Calls by name of their order, and what became of them.
class UnaryCallsTest : public ::testing::Test {
 protected:
  struct Call {
    std::shared_ptr<FakeCall> fake = std::make_shared<FakeCall>();
    UnaryCalls::Arrival arrival;
    std::string why() const {
      return {arrival.status.message().data(), arrival.status.message().size()};
    }
  };

  Call Add(CallKind kind, std::size_t bytes, const PeerKey& peer = {}) {
    Call call;
    call.arrival = calls.Add(call.fake, kind, bytes, peer);
    return call;
  }
  bool Reply(const Call& call, std::int64_t now_ms) {
    return calls.BeginReply(call.arrival.ticket, now_ms);
  }
  void Remove(const Call& call) { calls.Remove(call.arrival.ticket); }
  void ExpectNothingOpen() {
    EXPECT_EQ(calls.admitted(), 0u);
    EXPECT_EQ(calls.refused(), 0u);
    EXPECT_EQ(calls.held_bytes(), 0u);
    calls.AwaitGone();
  }

  UnaryCalls calls{CallOptions{.calls_max = 8,
                               .calls_per_connection_max = 3,
                               .unread_reply_bytes_max = 800,
                               .reply_stall_timeout_ms = 1'000,
                               .reply_stall_pressed_ms = 100}};
};

TEST_F(UnaryCallsTest, CountsACallFromItsArrivalUntilItIsDone) {
  Call call = Add(CallKind::kRead, 10);
  EXPECT_TRUE(call.arrival.status.ok());
  EXPECT_EQ(calls.admitted(), 1u);
  EXPECT_EQ(calls.held_bytes(), 10u);
  EXPECT_TRUE(calls.Charge(call.arrival.ticket, 300).ok());
  EXPECT_EQ(calls.held_bytes(), 300u);
  EXPECT_TRUE(calls.Charge(call.arrival.ticket, 50).ok()) << "it came to less";
  EXPECT_EQ(calls.held_bytes(), 50u);
  EXPECT_TRUE(Reply(call, 0));
  EXPECT_EQ(calls.held_bytes(), 50u) << "nobody has taken it yet";
  const std::weak_ptr<FakeCall> kept = call.fake;
  call.fake.reset();
  EXPECT_FALSE(kept.expired());
  Remove(call);
  EXPECT_TRUE(kept.expired());
  ExpectNothingOpen();
}

TEST_F(UnaryCallsTest, HoldsEachConnectionToItsMost) {
  const PeerKey one{*IpAddress::Parse("192.0.2.1"), 1};
  const PeerKey other{*IpAddress::Parse("192.0.2.1"), 2};
  std::vector<Call> open;
  for (int i = 0; i < 3; ++i) open.push_back(Add(CallKind::kRead, 1, one));
  const Call refused = Add(CallKind::kRead, 1, one);
  EXPECT_EQ(refused.why(),
            "this connection has its most open calls (3); read the answers of others first");
  open.push_back(Add(CallKind::kRead, 1, other));
  open.push_back(Add(CallKind::kRead, 1));
  for (const Call& call : open) EXPECT_TRUE(call.arrival.status.ok());
  // As many refusals again may wait to be read.
  EXPECT_TRUE(Reply(refused, 0));
  std::vector<Call> hoarded;
  for (int i = 0; i < 2; ++i) {
    hoarded.push_back(Add(CallKind::kRead, 1, one));
    EXPECT_TRUE(Reply(hoarded.back(), 0));
  }
  const Call too_many = Add(CallKind::kRead, 1, one);
  EXPECT_FALSE(Reply(too_many, 0));
  Remove(open.front());
  const Call next = Add(CallKind::kRead, 1, one);
  EXPECT_TRUE(next.arrival.status.ok());
  open.front() = next;
  for (const Call& call : open) Remove(call);
  for (const Call& call : hoarded) Remove(call);
  Remove(refused);
  Remove(too_many);
  ExpectNothingOpen();
}

TEST_F(UnaryCallsTest, RefusesMoreThanItsMostCallsAndNamesTheLimit) {
  std::vector<Call> open;
  open.reserve(8);
  for (int i = 0; i < 8; ++i) open.push_back(Add(CallKind::kChange, 1));
  const Call refused = Add(CallKind::kChange, 1);
  EXPECT_EQ(refused.arrival.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(refused.why().find("calls_max, 8"), std::string::npos) << refused.why();
  EXPECT_EQ(calls.refused(), 1u);
  EXPECT_EQ(calls.held_bytes(), 8u);
  Remove(open.back());
  open.pop_back();
  open.push_back(Add(CallKind::kChange, 1));
  EXPECT_TRUE(open.back().arrival.status.ok());
  Remove(refused);
  for (const Call& call : open) Remove(call);
  ExpectNothingOpen();
}

TEST_F(UnaryCallsTest, TheLastEighthOfTheBytesIsForChanges) {
  const Call hoarder = Add(CallKind::kRead, 700);
  EXPECT_TRUE(hoarder.arrival.status.ok());
  const Call read = Add(CallKind::kRead, 1);
  EXPECT_EQ(read.arrival.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(read.why().find("unread_reply_bytes_max, 800 bytes"), std::string::npos) << read.why();
  const Call change = Add(CallKind::kChange, 100);
  EXPECT_TRUE(change.arrival.status.ok());
  const Call another = Add(CallKind::kChange, 1);
  EXPECT_EQ(another.arrival.status.code(), absl::StatusCode::kResourceExhausted);
  for (const Call& call : {hoarder, read, change, another}) Remove(call);
  ExpectNothingOpen();
}

TEST_F(UnaryCallsTest, RefusesAReplyThatDoesNotFitOnlyWhereNothingHasChanged) {
  const Call read = Add(CallKind::kRead, 10);
  const Call change = Add(CallKind::kChange, 10);
  EXPECT_EQ(calls.Charge(read.arrival.ticket, 691).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(calls.held_bytes(), 20u) << "as before";
  EXPECT_TRUE(calls.Charge(change.arrival.ticket, 1'000).ok());
  EXPECT_EQ(calls.held_bytes(), 1'010u);
  EXPECT_TRUE(calls.Charge(read.arrival.ticket, 10).ok()) << "no more than before always fits";
  Remove(read);
  Remove(change);
  ExpectNothingOpen();
}

TEST_F(UnaryCallsTest, BreaksOffAReplyThatIsNotTakenInTimeOnce) {
  const Call first = Add(CallKind::kChange, 1);
  const Call second = Add(CallKind::kChange, 1);
  const Call undecided = Add(CallKind::kChange, 1);
  EXPECT_TRUE(Reply(first, 0));
  EXPECT_TRUE(Reply(second, 500));
  calls.Tick(999);
  EXPECT_EQ(first.fake->broken_off, 0);
  calls.Tick(1'000);
  EXPECT_EQ(first.fake->broken_off, 1);
  EXPECT_EQ(second.fake->broken_off, 0);
  calls.Tick(1'500);
  calls.Tick(9'000);
  EXPECT_EQ(first.fake->broken_off, 1);
  EXPECT_EQ(second.fake->broken_off, 1);
  EXPECT_EQ(undecided.fake->broken_off, 0) << "its client has nothing to take";
  EXPECT_EQ(calls.admitted(), 3u) << "counted until gRPC is done with it";
  for (const Call& call : {second, undecided, first}) Remove(call);
  calls.Tick(99'000);
  ExpectNothingOpen();
}

TEST_F(UnaryCallsTest, BreaksOffSoonerWhereMoreThanHalfOfTheBytesIsUsed) {
  const Call stalled = Add(CallKind::kRead, 400);
  EXPECT_TRUE(Reply(stalled, 0));
  calls.Tick(100);
  EXPECT_EQ(stalled.fake->broken_off, 0);
  const Call another = Add(CallKind::kRead, 1);
  calls.Tick(99);
  EXPECT_EQ(stalled.fake->broken_off, 0);
  calls.Tick(100);
  EXPECT_EQ(stalled.fake->broken_off, 1);
  Remove(stalled);
  Remove(another);
}

TEST_F(UnaryCallsTest, BreaksOffSoonerWhereMoreThanHalfOfTheCallsIsUsed) {
  std::vector<Call> open;
  for (int i = 0; i < 5; ++i) {
    open.push_back(Add(CallKind::kChange, 0));
    EXPECT_TRUE(Reply(open.back(), 0));
  }
  calls.Tick(100);
  for (const Call& call : open) {
    EXPECT_EQ(call.fake->broken_off, 1);
    Remove(call);
  }
}

TEST_F(UnaryCallsTest, TellsOnlySoManyRefusalsThatNobodyReads) {
  std::vector<Call> open;
  for (int i = 0; i < 16; ++i) {
    open.push_back(Add(CallKind::kChange, 1));
    EXPECT_TRUE(Reply(open.back(), 0)) << i;
  }
  open.push_back(Add(CallKind::kChange, 1));
  EXPECT_FALSE(Reply(open.back(), 0));
  calls.Tick(100);
  EXPECT_EQ(open[15].fake->broken_off, 1) << "refusals are not kept for ever either";
  EXPECT_EQ(open[16].fake->broken_off, 0) << "its reactor did so itself";
  for (const Call& call : open) Remove(call);
  ExpectNothingOpen();
}

TEST_F(UnaryCallsTest, ADrainWaitsForAdmittedCallsOnly) {
  const Call admitted = Add(CallKind::kChange, 1);
  calls.StopAdmitting();
  const Call late = Add(CallKind::kChange, 1);
  EXPECT_EQ(late.arrival.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls.AwaitAdmitted(absl::ZeroDuration()), 1u);
  calls.BreakOffAdmitted();
  EXPECT_EQ(admitted.fake->broken_off, 1);
  EXPECT_EQ(late.fake->broken_off, 0);
  std::thread done([&] { Remove(admitted); });
  EXPECT_EQ(calls.AwaitAdmitted(absl::InfiniteDuration()), 0u);
  done.join();
  EXPECT_EQ(calls.refused(), 1u);
  Remove(late);
  ExpectNothingOpen();
}

}  // namespace
}  // namespace txtchat::rpc
