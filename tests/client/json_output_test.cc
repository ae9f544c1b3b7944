#include "client/json_output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace txtchat::client {
namespace {

using nlohmann::json;

v1::Message Example() {
  v1::Message message;
  message.set_channel_id("0123456789");
  message.set_sequence(7);
  message.mutable_create_time()->set_seconds(1'700'000'000);
  message.mutable_create_time()->set_nanos(5'999'999);
  message.mutable_sender()->set_id("u1");
  message.mutable_sender()->set_display_name("alice");
  message.set_text("a \"q\"\n\x1b[31m \xC2\x9B 世");
  return message;
}

TEST(JsonOf, AMessageIsOneLineThatReadsBack) {
  const std::string line = JsonOf(Example());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const json parsed = json::parse(line);
  EXPECT_EQ(parsed["type"], "message");
  EXPECT_EQ(parsed["channel"], "0123456789");
  EXPECT_EQ(parsed["sequence"], 7);
  EXPECT_EQ(parsed["time"], "2023-11-14T22:13:20.005Z");
  EXPECT_EQ(parsed["sender"]["display_name"], "alice");
  EXPECT_EQ(parsed["text"], Example().text());
  EXPECT_FALSE(parsed.contains("client_message_id"));
}

TEST(JsonOf, HoldsNothingThatATerminalObeys) {
  const std::string line = JsonOf(Example());
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find("\xC2\x9B"), std::string::npos);
}

TEST(JsonOf, TheClientMessageIdIsBase64) {
  v1::Message message = Example();
  message.set_client_message_id(std::string("\x00\xff", 2));
  EXPECT_EQ(json::parse(JsonOf(message))["client_message_id"], "AP8=");
}

TEST(JsonOf, AnEventOfAMessageIsThatMessage) {
  v1::Event event;
  event.set_channel_id("0123456789");
  event.set_sequence(7);
  *event.mutable_create_time() = Example().create_time();
  *event.mutable_message_posted()->mutable_sender() = Example().sender();
  event.mutable_message_posted()->set_text(Example().text());
  EXPECT_EQ(JsonOf(event), JsonOf(Example()));
}

TEST(JsonOf, TellsGapsAndMembers) {
  v1::Event event;
  event.set_channel_id("c");
  event.mutable_gap()->set_from_sequence(3);
  event.mutable_gap()->set_to_sequence(9);
  EXPECT_EQ(JsonOf(event), R"({"type":"gap","channel":"c","from_sequence":3,"to_sequence":9})");
  event.mutable_member_left()->mutable_user()->set_id("u1");
  EXPECT_EQ(json::parse(JsonOf(event))["type"], "left");
  event.mutable_heartbeat();
  EXPECT_EQ(JsonOf(event), "");
}

TEST(JsonOf, TellsActsOfModeration) {
  v1::Event event;
  event.set_channel_id("c");
  event.set_sequence(9);
  v1::Sanctioned& banned = *event.mutable_banned();
  banned.mutable_by()->set_id("u1");
  banned.set_subject("192.0.2.0/24");
  EXPECT_EQ(JsonOf(event),
            R"({"type":"banned","channel":"c","sequence":9,"time":"1970-01-01T00:00:00.000Z",)"
            R"("by":{"id":"u1","display_name":""},"subject":"192.0.2.0/24","subject_name":"",)"
            R"("reason":""})");
  event.mutable_message_deleted()->set_deleted_sequence(4);
  EXPECT_EQ(json::parse(JsonOf(event))["deleted_sequence"], 4);
  event.mutable_role_changed()->set_role(v1::ROLE_OWNER);
  EXPECT_EQ(json::parse(JsonOf(event))["role"], "owner");
}

TEST(JsonOf, EveryActHasAForm) {
  const google::protobuf::OneofDescriptor& kinds =
      *v1::Event::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds.field_count(); ++i) {
    v1::Event event;
    event.GetReflection()->MutableMessage(&event, kinds.field(i));
    const bool of_the_stream = event.has_heartbeat() || event.has_recovery();
    EXPECT_EQ(JsonOf(event).empty(), of_the_stream) << kinds.field(i)->name();
  }
}

}  // namespace
}  // namespace txtchat::client
