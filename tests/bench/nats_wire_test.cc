#include "bench/nats_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/told.h"

namespace txtchat::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class NatsWireTest : public ::testing::Test {
 protected:
  const NatsWire wire_{4};
};

TEST_F(NatsWireTest, SubscribesAndAsksForAnAnswerBehindEverything) {
  const std::string commands = wire_.EntryCommands({"a.0", "a.1"});
  EXPECT_THAT(commands, StartsWith("CONNECT {\"verbose\":false,\"pedantic\":false,"));
  EXPECT_EQ(commands.substr(commands.find('\n') + 1), "SUB a.0 1\r\nSUB a.1 2\r\nPING\r\n");
}

TEST_F(NatsWireTest, AnnouncesTheSizeOfWhatItSends) {
  EXPECT_EQ(wire_.SendHead("a.0"), "PUB a.0 4\r\n");
  EXPECT_EQ(wire_.SendTail(), "\r\n");
}

TEST_F(NatsWireTest, TakesWhatAServerSays) {
  EXPECT_THAT(ToldHoweverSplit(wire_,
                               "INFO {\"server_id\":\"X\",\"max_payload\":1048576} \r\n+OK\r\n"
                               "PONG\r\nMSG a.0 1 4\r\ntext\r\nPING\r\n"
                               "MSG a.1 2 reply.to 4\r\nmore\r\nMSG a.1 2 0\r\n\r\n"),
              ElementsAre("entered", "text [a.0] text", "answer PONG\r\n", "text [a.1] more",
                          "text [a.1] "));
}

TEST_F(NatsWireTest, ReadsATextByItsSizeWhateverItHolds) {
  EXPECT_THAT(ToldHoweverSplit(wire_, "MSG a.0 1 8\r\nPONG\r\n\r\n\r\n"),
              ElementsAre("text [a.0] PONG\r\n\r\n"));
}

TEST_F(NatsWireTest, EndsWithAnErrorOfTheServer) {
  const Told told = Told(wire_).Take("PING\r\n-ERR 'Slow Consumer'\r\nPONG\r\n");
  EXPECT_THAT(told.events, ElementsAre("answer PONG\r\n"));
  EXPECT_EQ(told.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(told.status.message()), HasSubstr("-ERR 'Slow Consumer'"));
}

TEST_F(NatsWireTest, EndsWithWhatIsNotNats) {
  for (const std::string_view bytes : {
           "------Welcome to Txt Chat------\n",  // No CR.
           "\n",
           "\r\n",
           "+PONG\r\n",
           "MSG \r\n",
           "MSG a.0\r\n",
           "MSG a.0 4\r\ntext\r\n",  // No SID.
           "MSG a.0 1 x\r\n",
           "MSG a.0 1 -1\r\n",
           "MSG a.0 1 \r\n",
           "MSG a.0 1 999999999\r\n",
           "MSG a.0 1 99999999999999999999999\r\n",
           "MSG a.0 1 4\r\ntexts\r\n",
           "MSG a.0 1 4\r\ntext\n\n",
           "HTTP/1.1 400 Bad Request\r\n",
       }) {
    const Told told = Told(wire_).Take(bytes);
    EXPECT_EQ(told.status.code(), absl::StatusCode::kUnavailable) << bytes;
    EXPECT_THAT(std::string(told.status.message()), HasSubstr("no NATS server")) << bytes;
    EXPECT_THAT(told.events, IsEmpty()) << bytes;
  }
}

TEST_F(NatsWireTest, ChoosesOtherChannelsInEveryRun) {
  const auto patience = std::chrono::milliseconds(1);
  const std::vector<std::string> ids = *wire_.Channels({}, 3, patience);
  const std::vector<std::string> others = *wire_.Channels({}, 3, patience);
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[0], others[0]);
}

}  // namespace
}  // namespace txtchat::bench
