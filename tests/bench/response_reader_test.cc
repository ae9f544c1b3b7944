#include "bench/response_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "txtchat/v1/chat.pb.h"

namespace txtchat::bench {
namespace {

v1::Event MessageEvent(const std::string& channel, std::uint64_t sequence,
                       const std::string& text) {
  v1::Event event;
  event.set_channel_id(channel);
  event.set_sequence(sequence);
  event.mutable_create_time()->set_seconds(1'700'000'000);
  event.mutable_create_time()->set_nanos(5);
  event.mutable_message_posted()->mutable_sender()->set_id("127.0.0.1:5");
  event.mutable_message_posted()->mutable_sender()->set_display_name("somebody");
  event.mutable_message_posted()->set_text(text);
  event.mutable_message_posted()->set_client_message_id("\1\2\3");
  return event;
}

std::vector<ReceivedEvent> ReadAll(const std::string& bytes, bool& good) {
  ResponseReader reader(bytes);
  std::vector<ReceivedEvent> events;
  for (ReceivedEvent event; reader.Next(event);) events.push_back(event);
  good = reader.good();
  return events;
}

// What keeps the hand-written field numbers in step with the API.
TEST(ResponseReader, ReadsWhatGeneratedClassesWrite) {
  v1::SubscribeResponse response;
  response.add_events()->mutable_heartbeat()->add_heads()->set_channel_id("a");
  *response.add_events() = MessageEvent("0123456789", 1, "hello");
  *response.add_events() = MessageEvent("abc", std::uint64_t{1} << 60, std::string(20'000, 'x'));
  v1::Event* joined = response.add_events();
  joined->set_channel_id("abc");
  joined->mutable_member_joined()->mutable_user()->set_id("u");
  response.add_events()->mutable_gap()->set_to_sequence(7);
  const std::string bytes = response.SerializeAsString();

  bool good = false;
  const std::vector<ReceivedEvent> events = ReadAll(bytes, good);
  EXPECT_TRUE(good);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].kind, ReceivedEvent::Kind::kHeartbeat);
  EXPECT_EQ(events[1].kind, ReceivedEvent::Kind::kMessage);
  EXPECT_EQ(events[1].channel_id, "0123456789");
  EXPECT_EQ(events[1].sequence, 1u);
  EXPECT_EQ(events[1].text, "hello");
  EXPECT_EQ(events[2].sequence, std::uint64_t{1} << 60);
  EXPECT_EQ(events[2].text.size(), 20'000u);
  EXPECT_EQ(events[3].kind, ReceivedEvent::Kind::kOther);
  EXPECT_EQ(events[4].kind, ReceivedEvent::Kind::kGap);
}

TEST(ResponseReader, SkipsFieldsThatItDoesNotKnow) {
  // Fields 100 (varint), 101 (8 bytes), 102 (bytes) and 103 (4 bytes), then an empty event.
  const std::string bytes(
      "\xa0\x06\x05\xa9\x06"
      "12345678"
      "\xb2\x06\x02hi\xbd\x06"
      "1234"
      "\x0a\x00",
      26);
  bool good = false;
  EXPECT_EQ(ReadAll(bytes, good).size(), 1u);
  EXPECT_TRUE(good);
}

TEST(ResponseReader, AnEmptyResponseHasNoEvents) {
  bool good = false;
  EXPECT_TRUE(ReadAll("", good).empty());
  EXPECT_TRUE(good);
}

TEST(ResponseReader, NoticesThatBytesAreCutOff) {
  v1::SubscribeResponse response;
  *response.add_events() = MessageEvent("0123456789", 300, "hello");
  const std::string bytes = response.SerializeAsString();
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    bool good = true;
    EXPECT_TRUE(ReadAll(bytes.substr(0, size), good).empty()) << size;
    EXPECT_FALSE(good) << size;
  }
}

TEST(ResponseReader, SurvivesRandomBytes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    bool good = false;
    for (const ReceivedEvent& event : ReadAll(bytes, good)) {
      EXPECT_LE(event.text.size() + event.channel_id.size(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace txtchat::bench
