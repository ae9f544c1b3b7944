#include "grpc-service/standard_messages.h"

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "txtchat/v1/chat.pb.h"

namespace txtchat::rpc {
namespace {

std::string Field(int number, const std::string& text) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(text.size()) + text;
}

bool Has(const std::optional<std::string>& response, const std::string& bytes) {
  return response.has_value() && response->find(bytes) != std::string::npos;
}

/// Of a generated message, so that its file is linked in.
std::string ChatFile() { return v1::Message::descriptor()->file()->name(); }

TEST(HealthRequest, NamesAService) {
  EXPECT_EQ(ParseHealthRequest(""), "");
  EXPECT_EQ(ParseHealthRequest(Field(1, "txtchat.store")), "txtchat.store");
  EXPECT_EQ(ParseHealthRequest(Field(9, "of the future") + Field(1, "a")), "a");
}

TEST(HealthRequest, IsNoneIfItIsCutOrTooLong) {
  EXPECT_EQ(ParseHealthRequest("\x0a\x05"
                               "abc"),
            std::nullopt);
  EXPECT_EQ(ParseHealthRequest("\xff\xff"), std::nullopt);
  const std::string longest(kServiceNameBytesMax, 'x');
  const std::string head = std::string("\x0a\xc8\x01");  // A text of 200 bytes.
  EXPECT_EQ(ParseHealthRequest(head + longest), longest);
  EXPECT_EQ(ParseHealthRequest(std::string("\x0a\xc9\x01") + longest + "x"), std::nullopt);
}

TEST(HealthResponse, IsItsNumber) {
  EXPECT_EQ(HealthResponse(Serving::kServing), "\x08\x01");
  EXPECT_EQ(HealthResponse(Serving::kServiceUnknown), "\x08\x03");
}

TEST(Reflection, ListsServices) {
  const auto response = ReflectionResponse(Field(7, "*"), {"a.Service", "b.Service"});
  // list_services_response holds a ServiceResponse for each, which holds its name.
  const std::string list =
      Field(6, Field(1, Field(1, "a.Service")) + Field(1, Field(1, "b.Service")));
  EXPECT_EQ(response, Field(2, Field(7, "*")) + list);
}

TEST(Reflection, DescribesAFileWithAllThatItStandsOn) {
  for (const std::string& request :
       {Field(3, ChatFile()), Field(4, "txtchat.v1.ChatService"), Field(4, "txtchat.v1.Message")}) {
    const auto response = ReflectionResponse(request, {});
    for (const char* part : {"SubscribeResponse", "google/protobuf/timestamp.proto"}) {
      EXPECT_TRUE(Has(response, part)) << request << " " << part;
    }
  }
}

TEST(Reflection, SaysWhatIsNotThere) {
  for (const std::string& request :
       {Field(3, "no.proto"), Field(4, "no.Symbol"), Field(6, "no.Type"),
        Field(5, Field(1, "txtchat.v1.Message") + "\x10\x07"), Field(5, "\xff")}) {
    EXPECT_TRUE(Has(ReflectionResponse(request, {}), "nothing of that name")) << request;
  }
}

TEST(Reflection, KnowsThatOurTypesHaveNoExtensions) {
  const auto response = ReflectionResponse(Field(6, "txtchat.v1.Message"), {});
  EXPECT_TRUE(Has(response, Field(5, Field(1, "txtchat.v1.Message") + Field(2, ""))));
}

TEST(Reflection, RefusesWhatIsNoQuestion) {
  for (const char* request : {"", "\x08\x01", "\x3a\x05*", "\xff"}) {
    EXPECT_EQ(ReflectionResponse(request, {}), std::nullopt);
  }
}

TEST(StandardMessages, BearAnyBytes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % (i % 2 == 0 ? 256 : 64));
    const auto name = ParseHealthRequest(bytes);
    EXPECT_LE(name.value_or("").size(), bytes.size());
    const auto response = ReflectionResponse(bytes, {});
    EXPECT_EQ(response.has_value(), Has(response, bytes));
  }
}

}  // namespace
}  // namespace txtchat::rpc
