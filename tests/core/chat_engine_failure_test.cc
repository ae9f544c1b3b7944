// When the store refuses a batch, nobody sees anything of it and nothing of it stays.
#include <algorithm>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

const absl::Status kDiskFull = absl::ResourceExhaustedError("disk full");

TEST(FailedCommit, AnswersUnavailableAndShowsNothing) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  chat.store.FailCommits(kDiskFull);
  EXPECT_EQ(chat.Post(alice, id, "lost").code(), StatusCode::kUnavailable);
  EXPECT_EQ(chat.lane.Read(1, id), "");
  chat.store.FailCommits(absl::OkStatus());
  const absl::StatusOr<Result> posted = chat.Do(alice, Send{id, "kept", "", false});
  ASSERT_TRUE(posted.ok());
  EXPECT_EQ(std::get<Posted>(*posted).event->sequence, 2u) << "the sequence has no hole";
  EXPECT_EQ(chat.lane.Read(1, id), "alice: kept\n");
}

TEST(FailedCommit, RefusesTheWholeBatchEvenReads) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const std::string id = chat.Create(alice, "general");
  chat.store.FailCommits(kDiskFull);
  absl::StatusOr<Result> read;
  absl::StatusOr<Result> sent;
  chat.Queue(alice, Send{id, "x", "", false}, &sent);
  chat.Queue(alice, GetChannel{id}, &read);
  chat.RunBatch();
  EXPECT_EQ(sent.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(read.status().code(), StatusCode::kUnavailable) << "it would have shown the message";
  EXPECT_TRUE(chat.Do(alice, GetChannel{id}).ok()) << "a batch that only reads needs no store";
}

TEST(FailedCommit, TriesAClosedConnectionAgainUntilItHolds) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  const Actor bob = chat.LineGuest(2, "bob");
  const std::string id = chat.Create(alice, "general");
  ASSERT_TRUE(chat.JoinChannel(bob, id).ok());
  chat.store.FailCommits(kDiskFull);
  EXPECT_EQ(chat.Close(1).code(), StatusCode::kUnavailable);
  EXPECT_EQ(chat.engine().state().user_count(), 2u);
  ASSERT_TRUE(chat.engine().NextDeadlineUnixMs().has_value());
  EXPECT_GT(*chat.engine().NextDeadlineUnixMs(), chat.clock.NowUnixMs());
  chat.store.FailCommits(absl::OkStatus());
  chat.Pass(*chat.engine().NextDeadlineUnixMs() - chat.clock.NowUnixMs());
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  EXPECT_EQ(chat.lane.Read(2, id), "+bob\n-alice\n");
}

TEST(FailedCommit, ExpiresAGuestLater) {
  ChatHarness chat;
  const Actor alice = chat.TokenGuest("alice");
  chat.store.FailCommits(kDiskFull);
  chat.Pass(chat.limits.guest_grace_ms);
  EXPECT_EQ(chat.engine().state().user_count(), 1u);
  chat.store.FailCommits(absl::OkStatus());
  chat.Pass(1000);
  EXPECT_EQ(chat.engine().state().user_count(), 0u);
}

TEST(FailedCommit, LeavesUnusedChannelsWhereTheyWereForOthers) {
  Limits limits;
  limits.channels_max = 2;
  ChatHarness chat(limits);
  const Actor alice = chat.LineGuest(1, "alice");
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(chat.Do(alice, Leave{chat.Create(alice, "unused")}).ok());
  }
  chat.store.FailCommits(kDiskFull);
  chat.Queue(alice, CreateChannel{"one"});
  chat.Queue(alice, CreateChannel{"two"});
  chat.RunBatch();
  chat.store.FailCommits(absl::OkStatus());
  EXPECT_TRUE(chat.Do(alice, CreateChannel{"one"}).ok());
  EXPECT_TRUE(chat.Do(alice, CreateChannel{"two"}).ok());
}

TEST(FailedCommit, RemembersNoEndOfWhatNeverBegan) {
  ChatHarness chat;
  const Actor alice = chat.LineGuest(1, "alice");
  chat.store.FailCommits(kDiskFull);
  for (SessionId refused = 10; refused < 20; ++refused) {
    chat.Queue({.session = refused},
               Register{ChatHarness::AddressOf(refused), "bob", "", {.id = refused}});
    chat.Queue({.session = refused}, CloseSession{}, nullptr, /*must_apply=*/true);
    chat.RunBatch();
  }
  EXPECT_FALSE(chat.engine().NextDeadlineUnixMs().has_value()) << "nothing is left to do";
  EXPECT_TRUE(chat.Do(alice, WhoAmI{}).ok());
}

/// The state as anybody can see it.
std::string Describe(ChatHarness& chat, const std::vector<Actor>& actors) {
  std::string text;
  for (const Actor& actor : actors) {
    const absl::StatusOr<Result> me = chat.Do(actor, WhoAmI{});
    text += me.ok() ? std::get<Registered>(*me).user.display_name : me.status().ToString();
    const absl::StatusOr<Result> mine = chat.Do(actor, ListChannels{1000, "", true});
    if (mine.ok()) {
      for (const ChannelInfo& info : std::get<ChannelPage>(*mine).channels) {
        text += " " + info.id + "/" + std::to_string(info.head_sequence) + "/" +
                std::to_string(info.member_count);
      }
    }
    text += "\n";
  }
  const ChatState& state = chat.engine().state();
  return text + std::to_string(state.user_count()) + " users, " +
         std::to_string(state.channel_count()) + " channels, " +
         std::to_string(state.session_count()) + " sessions";
}

// Random batches; every second one fails. A failed batch must change nothing that can be seen, and
// what subscribers receive must be the same as if it had never been sent.
TEST(FailedCommit, ModelLeavesTheStateAsItWas) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    ChatHarness chat;
    std::vector<Actor> actors;
    for (SessionId session = 1; session <= 4; ++session) {
      actors.push_back(chat.LineGuest(session, "line" + std::to_string(session)));
    }
    actors.push_back(chat.TokenGuest("t"));
    ASSERT_TRUE(chat.Open(actors[4], 5).ok());
    std::vector<std::string> ids = {"10.0.0.1:1000", "user-t", chat.Create(actors[0], "c")};
    std::map<std::string, std::string> received;  // What session 5 got.

    const auto queue_something = [&](bool will_fail) {
      const Actor& actor = actors[random() % actors.size()];
      const std::string& id = ids[random() % ids.size()];
      switch (random() % 7) {
        case 0:
          return chat.Queue(actor, Join{id});
        case 1:
          return chat.Queue(actor, Leave{id});
        case 2:
          return chat.Queue(actor, CreateChannel{"new"});
        case 3:
          return chat.Queue({.session = 9},
                            Register{"10.0.0.1:1000", "taker", "", {.id = 9, .lane = &chat.lane}});
        case 4:
          return will_fail ? chat.Queue(actor, CloseSession{}) : chat.Queue(actor, WhoAmI{});
        default:
          return chat.Queue(actor, Send{id, will_fail ? "LOST" : "kept", "", false});
      }
    };
    for (int round = 0; round < 30; ++round) {
      const bool fails = round % 2 == 0;
      const std::string before = Describe(chat, actors);
      chat.store.FailCommits(fails ? kDiskFull : absl::OkStatus());
      for (std::uint32_t n = 1 + random() % 6; n > 0; --n) queue_something(fails);
      // Something that must be stored, so that a failing store is always asked.
      chat.Queue({.session = 100},
                 Register{"10.9.9.9:1", "x", "", {.id = 100, .lane = &chat.lane}});
      chat.RunBatch();
      chat.store.FailCommits(absl::OkStatus());
      if (fails) {
        ASSERT_EQ(Describe(chat, actors), before);
      }
      chat.Queue({.session = 100}, CloseSession{}, nullptr, true);
      chat.RunBatch();
      for (const auto& [id, text] : chat.lane.Read(5)) received[id] += text;
    }
    for (const auto& [id, text] : received) {
      EXPECT_EQ(text.find("LOST"), std::string::npos) << id;
      EXPECT_EQ(text.find("gap"), std::string::npos) << id;
    }
  }
}

}  // namespace
}  // namespace txtchat
