// Reading history, going on from a position, sending again.
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

class RpcHistory : public ::testing::Test {
 protected:
  void Say(int from, int to) {
    for (int i = from; i <= to; ++i) {
      ASSERT_EQ(CodeOf(alice.Send(channel, std::to_string(i))), "OK");
    }
  }
  grpc::Status List(const v1::ListMessagesRequest& request, v1::ListMessagesResponse* page) {
    return alice.stub->ListMessages(alice.Context().get(), request, page);
  }
  v1::ListMessagesRequest Request(int page_size, const std::string& order_by = "") const {
    v1::ListMessagesRequest request;
    request.set_channel_id(channel);
    request.set_page_size(page_size);
    request.set_order_by(order_by);
    return request;
  }
  /// All pages, as `2 3 | 4 5 | `.
  std::string ListAll(v1::ListMessagesRequest request) {
    std::string text;
    for (;;) {
      v1::ListMessagesResponse page;
      const grpc::Status status = List(request, &page);
      if (!status.ok()) return CodeOf(status);
      for (const v1::Message& message : page.messages()) {
        EXPECT_EQ(message.text(), std::to_string(message.sequence()));
        text += message.text() + " ";
      }
      text += "| ";
      if (page.next_page_token().empty()) return text;
      request.set_page_token(page.next_page_token());
    }
  }
  v1::SubscribeRequest At(std::uint64_t after, const std::string& epoch) const {
    v1::SubscribeRequest request;
    v1::ChannelPosition& position = *request.add_positions();
    position.set_channel_id(channel);
    position.set_after_sequence(after);
    position.set_epoch(epoch);
    return request;
  }

  RpcHarness harness;
  Guest alice{harness, "alice"};
  std::string channel = alice.Create("general");  // Her joining is event 1.
};

TEST_F(RpcHistory, ListsMessagesInBothDirectionsAPageAtATime) {
  Say(2, 8);
  EXPECT_EQ(ListAll(Request(3)), "2 3 4 | 5 6 7 | 8 | ");
  EXPECT_EQ(ListAll(Request(3, "sequence")), "2 3 4 | 5 6 7 | 8 | ");
  EXPECT_EQ(ListAll(Request(4, "sequence desc")), "8 7 6 5 | 4 3 2 | | ")
      << "event 1 is no message, which only a look can tell";
  EXPECT_EQ(ListAll(Request(0)), "2 3 4 5 6 7 8 | ");
}

TEST(RpcHistoryOfAQuietChannel, IsFoundAPageAtATimeWithoutWalkingThroughAllOfIt) {
  Limits limits;
  limits.history_scan_events_max = 5;
  RpcHarness harness(limits);
  Guest alice(harness, "alice");
  const std::string channel = alice.Create("general");
  ASSERT_EQ(CodeOf(alice.Send(channel, "first")), "OK");  // Event 2.
  Guest bob(harness, "bob");
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(bob.Join(channel).ok());
    ASSERT_TRUE(bob.Leave(channel).ok());
  }
  ASSERT_EQ(CodeOf(alice.Send(channel, "last")), "OK");  // Event 23.
  for (const char* order : {"sequence", "sequence desc"}) {
    v1::ListMessagesRequest request;
    request.set_channel_id(channel);
    request.set_order_by(order);
    std::string texts;
    int pages = 0;
    do {
      v1::ListMessagesResponse page;
      ASSERT_TRUE(alice.stub->ListMessages(alice.Context().get(), request, &page).ok());
      for (const v1::Message& message : page.messages()) texts += message.text() + " ";
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty() && ++pages < 20);
    EXPECT_EQ(texts, std::string(order) == "sequence" ? "first last " : "last first ");
    EXPECT_GE(pages, 4);
  }
}

TEST_F(RpcHistory, ListsWithinBounds) {
  Say(2, 8);
  v1::ListMessagesRequest request = Request(2);
  request.set_after_sequence(3);
  request.set_before_sequence(7);
  EXPECT_EQ(ListAll(request), "4 5 | 6 | ");
  request.set_order_by("sequence desc");
  EXPECT_EQ(ListAll(request), "6 5 | 4 | ");
  request.set_before_sequence(4);
  EXPECT_EQ(ListAll(request), "| ");
}

TEST_F(RpcHistory, TellsHeadAndEpochToGoOnFrom) {
  Say(2, 3);
  v1::ListMessagesResponse page;
  ASSERT_TRUE(List(Request(1), &page).ok());
  EXPECT_EQ(page.head_sequence(), 3u);
  EXPECT_EQ(page.epoch(), harness.engine.state().epoch());
  EXPECT_EQ(page.messages(0).sender().id(), alice.id);
  EXPECT_EQ(page.messages(0).channel_id(), channel);
}

TEST_F(RpcHistory, SaysWhatIsWrong) {
  v1::ListMessagesResponse page;
  EXPECT_EQ(CodeOf(List(Request(-1), &page)), "INVALID_ARGUMENT");
  EXPECT_EQ(CodeOf(List(Request(1, "text"), &page)), "INVALID_ARGUMENT");
  v1::ListMessagesRequest request = Request(1);
  request.set_page_token("nonsense");
  EXPECT_EQ(CodeOf(List(request, &page)), "INVALID_ARGUMENT");
  request = Request(1);
  request.set_channel_id("nowhere");
  EXPECT_EQ(CodeOf(List(request, &page)), "NOT_FOUND");
  request.set_channel_id(Guest(harness, "bob").Create("his own"));
  EXPECT_EQ(CodeOf(List(request, &page)), "PERMISSION_DENIED");
  Say(2, 4);
  ASSERT_TRUE(List(Request(1), &page).ok());
  request = Request(1, "sequence desc");
  request.set_page_token(page.next_page_token());
  EXPECT_EQ(CodeOf(List(request, &page)), "INVALID_ARGUMENT") << "a token of the other order";
  harness.store.FailReads(absl::InternalError("disk"));
  EXPECT_EQ(CodeOf(List(Request(1), &page)), "UNAVAILABLE");
}

TEST_F(RpcHistory, AStreamGoesOnFromAPosition) {
  Say(2, 5);
  const std::string epoch = harness.engine.state().epoch();
  TestStream stream(alice, At(3, epoch));
  EXPECT_EQ(stream.NextLine(), "STATE_RECOVERED " + channel + " 0-0");
  const std::optional<v1::Event> greeting = stream.Next();
  ASSERT_TRUE(greeting.has_value() && greeting->has_heartbeat());
  EXPECT_EQ(greeting->heartbeat().epoch(), epoch);
  for (const v1::ChannelHead& head : greeting->heartbeat().heads()) {
    if (head.channel_id() == channel) {
      EXPECT_EQ(head.head_sequence(), 3u) << "where it begins";
    }
  }
  EXPECT_EQ(stream.NextLine(), "4 alice: 4");
  EXPECT_EQ(stream.NextLine(), "5 alice: 5");
  Say(6, 6);
  EXPECT_EQ(stream.NextLine(), "6 alice: 6");
}

TEST_F(RpcHistory, AStreamNamesTheGapAndTheOtherHistory) {
  Say(2, 6);
  const ChannelKey key = 2;  // The second channel of the server, after her personal one.
  ASSERT_TRUE(harness.memory.Commit({TrimChannel{key, 5}}).ok());
  TestStream stream(alice, At(1, ""));
  EXPECT_EQ(stream.NextLine(), "STATE_GAP " + channel + " 2-4");
  EXPECT_EQ(stream.NextLine(), "5 alice: 5");
  TestStream other(alice, At(1, "0123456789abcdef"));
  EXPECT_EQ(other.NextLine(), "STATE_EPOCH_CHANGED " + channel + " 0-0");
  EXPECT_TRUE(other.Next()->has_heartbeat());
  Say(7, 7);
  EXPECT_EQ(other.NextLine(), "7 alice: 7");
}

TEST_F(RpcHistory, APositionThatCannotBeIsRefused) {
  EXPECT_EQ(CodeOf(TestStream(alice, At(2, "")).End()), "OUT_OF_RANGE");
  v1::SubscribeRequest twice = At(1, "");
  *twice.add_positions() = twice.positions(0);
  EXPECT_EQ(CodeOf(TestStream(alice, twice).End()), "INVALID_ARGUMENT");
  v1::SubscribeRequest elsewhere = At(1, "");
  elsewhere.add_channel_ids(alice.id);
  EXPECT_EQ(CodeOf(TestStream(alice, elsewhere).End()), "INVALID_ARGUMENT");
}

TEST_F(RpcHistory, ASendCanBeRepeated) {
  v1::SendMessageRequest request;
  request.set_channel_id(channel);
  request.set_text("hello");
  request.set_client_message_id(std::string("\0\xff id", 5));
  v1::SendMessageResponse first;
  v1::SendMessageResponse again;
  ASSERT_TRUE(alice.stub->SendMessage(alice.Context().get(), request, &first).ok());
  ASSERT_TRUE(alice.stub->SendMessage(alice.Context().get(), request, &again).ok());
  EXPECT_EQ(first.SerializeAsString(), again.SerializeAsString());
  request.set_text("something else");
  EXPECT_EQ(CodeOf(alice.stub->SendMessage(alice.Context().get(), request, &again)),
            "ALREADY_EXISTS");
  EXPECT_EQ(alice.Send(channel, "next", again.mutable_message()).error_code(),
            grpc::StatusCode::OK);
  EXPECT_EQ(again.message().sequence(), first.message().sequence() + 1);
}

}  // namespace
}  // namespace txtchat::rpc
