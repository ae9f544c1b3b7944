#include "grpc-service/proto_encoder.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "txtchat/v1/chat.pb.h"

namespace txtchat::rpc {
namespace {

/// What the generated classes write for the same event.
v1::Event Expected(const Event& event) {
  v1::Event out;
  out.set_channel_id(event.channel_id);
  out.set_sequence(event.sequence);
  std::int64_t seconds = event.time_unix_ms / 1000;
  std::int64_t rest = event.time_unix_ms % 1000;
  if (rest < 0) rest += 1000, --seconds;
  out.mutable_create_time()->set_seconds(seconds);
  out.mutable_create_time()->set_nanos(static_cast<int>(rest) * 1'000'000);
  v1::User* user = nullptr;
  switch (event.kind) {
    case EventKind::kMessagePosted:
      out.mutable_message_posted()->set_text(event.text);
      out.mutable_message_posted()->set_client_message_id(event.client_message_id);
      user = out.mutable_message_posted()->mutable_sender();
      break;
    case EventKind::kMemberJoined:
      user = out.mutable_member_joined()->mutable_user();
      break;
    case EventKind::kMemberLeft:
      user = out.mutable_member_left()->mutable_user();
      break;
  }
  user->set_id(event.user_id);
  user->set_display_name(event.user_name);
  return out;
}

Event Message(std::string text) {
  return {.channel_id = "0123456789",
          .sequence = 7,
          .time_unix_ms = 1'700'000'000'123,
          .kind = EventKind::kMessagePosted,
          .user_id = "10.0.0.1:4711",
          .user_name = "alice",
          .text = std::move(text),
          .client_message_id = "m-1"};
}

TEST(ProtoEncoder, WritesWhatTheGeneratedClassesWrite) {
  std::mt19937_64 random(20);
  const auto string_of = [&](std::size_t size_max) {
    return std::string(random() % (size_max + 1), 'x');
  };
  const ProtoEncoder encoder;
  for (int i = 0; i < 2'000; ++i) {
    const Event event{
        .channel_id = string_of(60),
        .sequence = random() >> (random() % 64),
        .time_unix_ms = static_cast<std::int64_t>(random() % 4'000'000'000'000) - 1'000'000'000'000,
        .kind = static_cast<EventKind>(random() % 3),
        .user_id = string_of(20),
        .user_name = string_of(128),
        .text = string_of(i % 10 == 0 ? 40'000 : 300),
        .client_message_id = string_of(64)};
    std::string encoded;
    encoder.Append(event, encoded);
    v1::SubscribeResponse expected;
    *expected.add_events() = Expected(event);
    ASSERT_EQ(encoded, expected.SerializeAsString()) << expected.DebugString();
  }
}

TEST(ProtoEncoder, EncodingsEndToEndAreOneResponse) {
  const ProtoEncoder encoder;
  std::string bytes = "";
  const Event first = Message("one\ntwo $ $$joined: x");
  Event second = Message("");
  second.kind = EventKind::kMemberLeft;
  second.client_message_id.clear();
  AppendHeartbeatEvent({{"c1", 5}, {"c2", 0}}, "00ff00ff00ff00ff", bytes);
  encoder.Append(first, bytes);
  AppendGapEvent("0123456789", 8, 900, bytes);
  encoder.Append(second, bytes);
  AppendHeartbeatEvent({}, "", bytes);

  v1::SubscribeResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  ASSERT_EQ(response.events_size(), 5);
  EXPECT_EQ(response.events(0).heartbeat().heads_size(), 2);
  EXPECT_EQ(response.events(0).heartbeat().heads(0).channel_id(), "c1");
  EXPECT_EQ(response.events(0).heartbeat().heads(0).head_sequence(), 5u);
  EXPECT_EQ(response.events(0).heartbeat().heads(1).head_sequence(), 0u);
  EXPECT_EQ(response.events(1).SerializeAsString(), Expected(first).SerializeAsString());
  EXPECT_EQ(response.events(2).channel_id(), "0123456789");
  EXPECT_EQ(response.events(2).gap().from_sequence(), 8u);
  EXPECT_EQ(response.events(2).gap().to_sequence(), 900u);
  EXPECT_EQ(response.events(3).SerializeAsString(), Expected(second).SerializeAsString());
  EXPECT_TRUE(response.events(4).has_heartbeat());
  // Nothing that the classes would write otherwise.
  EXPECT_EQ(response.SerializeAsString(), bytes);
}

}  // namespace
}  // namespace txtchat::rpc
