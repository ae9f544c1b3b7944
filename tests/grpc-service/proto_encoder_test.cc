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
    default:
      ADD_FAILURE() << "an act is written by the generated classes themselves";
      return out;
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

v1::Event EncodedAct(EventKind kind, const Act& act) {
  Event event = Message("");
  event.client_message_id.clear();
  event.kind = kind;
  if (IsAct(kind)) event.act = std::make_shared<const Act>(act);
  std::string encoded;
  ProtoEncoder().Append(event, encoded);
  v1::SubscribeResponse response;
  EXPECT_TRUE(response.ParseFromString(encoded));
  EXPECT_EQ(response.events_size(), 1);
  v1::Event out = response.events_size() == 1 ? response.events(0) : v1::Event();
  EXPECT_EQ(out.channel_id(), "0123456789");
  EXPECT_EQ(out.sequence(), 7u);
  EXPECT_EQ(out.create_time().nanos(), 123'000'000);
  return out;
}

TEST(ProtoEncoder, TellsOfActs) {
  const Act act{.target_id = "id of bob",
                .target_name = "bob",
                .text = "spam",
                .target_sequence = 5,
                .until_unix_ms = 1'700'000'001'500,
                .role = Role::kModerator};
  EXPECT_EQ(EncodedAct(EventKind::kMessageRemoved, act).message_removed().sender().id(),
            "10.0.0.1:4711");
  const v1::Event deleted = EncodedAct(EventKind::kMessageDeleted, act);
  EXPECT_EQ(deleted.message_deleted().by().display_name(), "alice");
  EXPECT_EQ(deleted.message_deleted().deleted_sequence(), 5u);
  EXPECT_EQ(deleted.message_deleted().sender().id(), "id of bob");
  const v1::Event kicked = EncodedAct(EventKind::kMemberKicked, act);
  EXPECT_EQ(kicked.member_kicked().user().display_name(), "bob");
  EXPECT_EQ(kicked.member_kicked().reason(), "spam");
  const v1::Event banned = EncodedAct(EventKind::kBanned, act);
  EXPECT_EQ(banned.banned().subject(), "id of bob");
  EXPECT_EQ(banned.banned().subject_name(), "bob");
  EXPECT_EQ(banned.banned().until().seconds(), 1'700'000'001);
  EXPECT_EQ(EncodedAct(EventKind::kMuted, act).muted().reason(), "spam");
  EXPECT_FALSE(EncodedAct(EventKind::kMuted, {.target_id = "x"}).muted().has_until());
  EXPECT_EQ(EncodedAct(EventKind::kUnbanned, act).unbanned().subject(), "id of bob");
  EXPECT_EQ(EncodedAct(EventKind::kUnmuted, act).unmuted().by().id(), "10.0.0.1:4711");
  const v1::Event role = EncodedAct(EventKind::kRoleChanged, act);
  EXPECT_EQ(role.role_changed().role(), v1::ROLE_MODERATOR);
  EXPECT_EQ(role.role_changed().user().id(), "id of bob");
  EXPECT_EQ(EncodedAct(EventKind::kTopicChanged, act).topic_changed().topic(), "spam");
  EXPECT_EQ(EncodedAct(EventKind::kChannelRenamed, act).channel_renamed().display_name(), "spam");
  EXPECT_TRUE(EncodedAct(EventKind::kChannelDeleted, {}).has_channel_deleted());
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
