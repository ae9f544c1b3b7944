#include "bench/redis_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bench/told.h"

namespace txtchat::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// As redis-server 7.0.15 answers HELLO 3.
constexpr std::string_view kHello =
    "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n"
    "$2\r\nid\r\n:3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
    "$7\r\nmodules\r\n*0\r\n";

class RedisWireTest : public ::testing::Test {
 protected:
  const RedisWire wire_{4};
};

TEST_F(RedisWireTest, SubscribesAndAsksForAnAnswerBehindEverything) {
  EXPECT_EQ(wire_.EntryCommands({"a.0", "a.10"}),
            "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"
            "*3\r\n$9\r\nSUBSCRIBE\r\n$3\r\na.0\r\n$4\r\na.10\r\n*1\r\n$4\r\nPING\r\n");
}

TEST_F(RedisWireTest, AnnouncesTheSizeOfWhatItSends) {
  EXPECT_EQ(wire_.SendHead("a.0"), "*3\r\n$7\r\nPUBLISH\r\n$3\r\na.0\r\n$4\r\n");
  EXPECT_EQ(wire_.SendTail(), "\r\n");
}

TEST_F(RedisWireTest, TakesWhatAServerSays) {
  const std::string bytes = std::string(kHello) +
                            ">3\r\n$9\r\nsubscribe\r\n$3\r\na.0\r\n:1\r\n+PONG\r\n"
                            ">3\r\n$7\r\nmessage\r\n$3\r\na.0\r\n$4\r\ntext\r\n:1\r\n"
                            ">3\r\n$7\r\nmessage\r\n$3\r\na.1\r\n$0\r\n\r\n";
  EXPECT_THAT(ToldHoweverSplit(wire_, bytes),
              ElementsAre("entered", "text [a.0] text", "text [a.1] "));
}

TEST_F(RedisWireTest, ReadsATextByItsSizeWhateverItHolds) {
  EXPECT_THAT(
      ToldHoweverSplit(wire_, ">3\r\n$7\r\nmessage\r\n$3\r\na.0\r\n$9\r\n+PONG\r\n\r\n\r\n"),
      ElementsAre("text [a.0] +PONG\r\n\r\n"));
  EXPECT_THAT(ToldHoweverSplit(wire_, "$5\r\n+PONG\r\n_\r\n#t\r\n,1.5\r\n"), IsEmpty());
}

TEST_F(RedisWireTest, TellsRefusals) {
  EXPECT_THAT(ToldHoweverSplit(wire_, "-NOPERM no\r\n:1\r\n-ERR unknown command\r\n"),
              ElementsAre("refused -NOPERM no", "refused -ERR unknown command"));
}

TEST_F(RedisWireTest, EndsWithWhatIsNotRedis) {
  for (const std::string_view bytes : {
           "------Welcome to Txt Chat------\n",  // No CR.
           "\n",
           "\r\n",
           "INFO {}\r\n",
           "$x\r\n",
           "$-5\r\n",
           "$\r\n",
           "$999999999\r\n",
           "$99999999999999999999999\r\n",
           "$4\r\ntexts\r\n",
           ">3\r\n$7\r\nmessage\r\n:1\r\n",
           ">3\r\n$7\r\nmessage\r\n$3\r\na.0\r\n+text\r\n",
           ">3\r\n$7\r\nmessage\r\n$3\r\na.0\r\n$4\r\ntext\n\n",
           ">3\r\n$7\r\nmessage\r\n$3\r\na.0\r\n$4\n",
           "HTTP/1.1 400 Bad Request\r\n",
       }) {
    const Told told = Told(wire_).Take(bytes);
    EXPECT_EQ(told.status.code(), absl::StatusCode::kUnavailable) << bytes;
    EXPECT_THAT(std::string(told.status.message()), HasSubstr("no RESP3 server")) << bytes;
    EXPECT_THAT(told.events, IsEmpty()) << bytes;
  }
}

}  // namespace
}  // namespace txtchat::bench
