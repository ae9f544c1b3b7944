#include "identity/password_hasher.h"

#include <sodium.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "identity/secrets.h"

namespace txtchat::identity {
namespace {

PasswordHasherOptions Cheap() { return {.passes = 1, .memory_bytes = 8 << 10}; }

/// What a `done` was given, waited for.
template <typename T>
class Answer {
 public:
  absl::AnyInvocable<void(absl::StatusOr<T>)> Done() {
    return [state = state_](absl::StatusOr<T> answer) {
      EXPECT_FALSE(state->told.HasBeenNotified()) << "answered twice";
      state->answer = std::move(answer);
      state->thread = std::this_thread::get_id();
      state->told.Notify();
    };
  }
  absl::StatusOr<T> Wait() {
    state_->told.WaitForNotification();
    return *state_->answer;
  }
  bool told() const { return state_->told.HasBeenNotified(); }
  std::thread::id thread() const { return state_->thread; }

 private:
  struct State {
    absl::Notification told;
    std::optional<absl::StatusOr<T>> answer;
    std::thread::id thread;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class PasswordHasherTest : public ::testing::Test {
 protected:
  PasswordHasherTest() { EXPECT_TRUE(InitSodium().ok()); }

  std::string HashOf(const std::string& password) {
    Answer<std::string> answer;
    EXPECT_TRUE(hasher_.Hash(password, answer.Done()).ok());
    return answer.Wait().value_or("");
  }
  static absl::StatusOr<PasswordVerdict> VerdictOf(ArgonPasswordHasher& hasher,
                                                   const std::string& hash,
                                                   const std::string& password) {
    Answer<PasswordVerdict> answer;
    EXPECT_TRUE(hasher.Verify(hash, password, answer.Done()).ok());
    return answer.Wait();
  }
  absl::StatusOr<bool> Verify(const std::string& hash, const std::string& password) {
    const absl::StatusOr<PasswordVerdict> verdict = VerdictOf(hasher_, hash, password);
    if (!verdict.ok()) return verdict.status();
    EXPECT_EQ(verdict->renewed_hash, "") << "the costs are the same";
    return verdict->right;
  }
  /// Keeps the hasher's thread in a `done` until `go_on`.
  void Block(ArgonPasswordHasher& hasher) {
    EXPECT_TRUE(hasher
                    .Hash("x",
                          [this](const absl::StatusOr<std::string>&) {
                            blocked_.Notify();
                            go_on_.WaitForNotification();
                          })
                    .ok());
    blocked_.WaitForNotification();
  }

  absl::Notification blocked_;
  absl::Notification go_on_;
  ArgonPasswordHasher hasher_{Cheap()};
};

TEST_F(PasswordHasherTest, KnowsThePasswordAgain) {
  const std::string hash = HashOf("correct horse");
  EXPECT_EQ(hash.rfind("$argon2id$v=19$m=8,t=1,p=1$", 0), 0u) << hash;
  EXPECT_EQ(Verify(hash, "correct horse"), absl::StatusOr<bool>(true));
  EXPECT_EQ(Verify(hash, "correct horsf"), absl::StatusOr<bool>(false));
  EXPECT_EQ(Verify(hash, ""), absl::StatusOr<bool>(false));
  EXPECT_NE(HashOf("correct horse"), hash) << "a salt each";
}

TEST_F(PasswordHasherTest, APasswordMayHoldAnything) {
  const std::string password("a\0\xFF\n", 4);
  const std::string hash = HashOf(password);
  EXPECT_EQ(Verify(hash, password), absl::StatusOr<bool>(true));
  EXPECT_EQ(Verify(hash, "a"), absl::StatusOr<bool>(false)) << "a NUL does not end it";
}

TEST_F(PasswordHasherTest, TheEmptyHashIsNoPasswords) {
  EXPECT_EQ(Verify("", ""), absl::StatusOr<bool>(false));
  EXPECT_EQ(Verify("", "x"), absl::StatusOr<bool>(false));
}

TEST_F(PasswordHasherTest, SaysThatAHashIsNone) {
  const std::string hash = HashOf("x");
  for (const std::string& bad :
       {std::string("x"), std::string("$argon2id$"), std::string("$argon2id$v=19$m=8,t=1,p=1$$"),
        "$argon2i" + hash.substr(9), hash.substr(0, hash.size() - 1), hash + "A", hash + "$",
        "m" + hash, hash.substr(0, hash.size() - 9) + "!", hash + std::string(1, '\0'),
        std::string(200, '$')}) {
    EXPECT_EQ(Verify(bad, "x").status().code(), absl::StatusCode::kInternal) << bad;
  }
}

// What libsodium made of "shibboleth", not of these classes.
TEST_F(PasswordHasherTest, ReadsWhatLibsodiumWrites) {
  char hash[crypto_pwhash_STRBYTES];
  ASSERT_EQ(crypto_pwhash_str_alg(hash, "shibboleth", 10, 3, 16 << 10, crypto_pwhash_ALG_DEFAULT),
            0);
  EXPECT_TRUE(VerdictOf(hasher_, hash, "shibboleth")->right);
  EXPECT_FALSE(VerdictOf(hasher_, hash, "sibboleth")->right);
  const std::string mine = HashOf("shibboleth");
  EXPECT_EQ(crypto_pwhash_str_verify(mine.c_str(), "shibboleth", 10), 0);
}

TEST_F(PasswordHasherTest, WithoutMemoryNoPasswordIsWrong) {
  int overcommit = 0;
  std::ifstream("/proc/sys/vm/overcommit_memory") >> overcommit;
  if (overcommit == 1) GTEST_SKIP() << "here is memory for everything";
  std::string hash = HashOf("x");
  hash.replace(hash.find("m=8,"), 4, "m=4294967295,");  // 4 TiB.
  EXPECT_EQ(Verify(hash, "x").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(PasswordHasherTest, BoundsAPasswordsSize) {
  const std::string long_one(1'024, 'p');
  EXPECT_EQ(Verify(HashOf(long_one), long_one), absl::StatusOr<bool>(true));
  Answer<std::string> hashed;
  EXPECT_EQ(hasher_.Hash(long_one + "p", hashed.Done()).code(), absl::StatusCode::kInvalidArgument);
  Answer<PasswordVerdict> verified;
  EXPECT_EQ(hasher_.Verify("", long_one + "p", verified.Done()).code(),
            absl::StatusCode::kInvalidArgument);
  hasher_.Stop();
  EXPECT_FALSE(hashed.told());
  EXPECT_FALSE(verified.told());
}

TEST_F(PasswordHasherTest, RenewsAHashOfOtherCostsWhenThePasswordIsRight) {
  const std::string hash = HashOf("x");
  PasswordHasherOptions dearer = Cheap();
  dearer.passes = 2;
  PasswordHasherOptions larger = Cheap();
  larger.memory_bytes *= 2;
  for (const PasswordHasherOptions& options : {dearer, larger}) {
    ArgonPasswordHasher other(options);
    EXPECT_EQ(VerdictOf(other, hash, "y")->renewed_hash, "") << "it is not right";
    const PasswordVerdict verdict = *VerdictOf(other, hash, "x");
    EXPECT_TRUE(verdict.right);
    EXPECT_NE(verdict.renewed_hash, hash);
    const PasswordVerdict again = *VerdictOf(other, verdict.renewed_hash, "x");
    EXPECT_TRUE(again.right);
    EXPECT_EQ(again.renewed_hash, "") << "it has the new costs";
  }
}

TEST_F(PasswordHasherTest, RefusesMoreThanMayWait) {
  PasswordHasherOptions options = Cheap();
  options.waiting_max = 2;
  Answer<std::string> first;
  Answer<PasswordVerdict> second;
  Answer<std::string> third;
  ArgonPasswordHasher hasher(options);
  Block(hasher);
  EXPECT_TRUE(hasher.Hash("x", first.Done()).ok());
  EXPECT_TRUE(hasher.Verify("", "x", second.Done()).ok());
  EXPECT_EQ(hasher.Hash("x", third.Done()).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(hasher.Verify("", "x", second.Done()).code(), absl::StatusCode::kResourceExhausted);
  go_on_.Notify();
  EXPECT_TRUE(first.Wait().ok());
  EXPECT_TRUE(second.Wait().ok());
  EXPECT_TRUE(hasher.Hash("x", third.Done()).ok()) << "there is room again";
  EXPECT_TRUE(third.Wait().ok());
}

TEST_F(PasswordHasherTest, StopAnswersThoseThatWait) {
  Answer<std::string> hashed;
  Answer<PasswordVerdict> verified;
  ArgonPasswordHasher hasher(Cheap());
  Block(hasher);
  EXPECT_TRUE(hasher.Hash("x", hashed.Done()).ok());
  EXPECT_TRUE(hasher.Verify("", "x", verified.Done()).ok());
  std::thread stopper([&] { hasher.Stop(); });
  // It has begun to stop when it takes no more.
  Answer<std::string> late;
  while (hasher.Hash(std::string(), [](const absl::StatusOr<std::string>&) {}).code() !=
         absl::StatusCode::kUnavailable) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(hashed.told());
  go_on_.Notify();
  stopper.join();
  ASSERT_TRUE(hashed.told() && verified.told());
  EXPECT_EQ(hashed.Wait().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(verified.Wait().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(hashed.thread(), std::this_thread::get_id());
  EXPECT_EQ(hasher.Hash("x", late.Done()).code(), absl::StatusCode::kUnavailable);
  hasher.Stop();
  EXPECT_FALSE(late.told());
}

TEST_F(PasswordHasherTest, DoesWhatItWasGivenBeforeItWasDestroyedOrAnswers) {
  Answer<std::string> answer;
  {
    ArgonPasswordHasher hasher(Cheap());
    EXPECT_TRUE(hasher.Hash("x", answer.Done()).ok());
  }
  EXPECT_TRUE(answer.told());
}

TEST_F(PasswordHasherTest, SeveralThreadsAnswerEachOnce) {
  PasswordHasherOptions options = Cheap();
  options.threads = 3;
  ArgonPasswordHasher hasher(options);
  const std::string hash = HashOf("x");
  std::vector<Answer<PasswordVerdict>> answers(60);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_TRUE(hasher.Verify(hash, i % 2 == 0 ? "x" : "y", answers[i].Done()).ok());
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].Wait()->right, i % 2 == 0);
  }
}

TEST(WipedPassword, WipesWhatItIsGiven) {
  for (const std::size_t size : {0, 5, 100}) {  // A short string is not on the heap.
    std::string password(size, 'p');
    const WipedPassword kept(std::move(password));
    EXPECT_EQ(kept.view(), std::string(size, 'p'));
    EXPECT_EQ(password, std::string(size, '\0'));  // NOLINT(bugprone-use-after-move)
  }
}

}  // namespace
}  // namespace txtchat::identity
