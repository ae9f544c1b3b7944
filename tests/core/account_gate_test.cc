// The way in with a password: whatever becomes of a call, it is answered once.
#include "core/account_gate.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

/// Hashes when told. Has room for as much as is said.
class ManualHasher final : public PasswordHasher {
 public:
  absl::Status Hash(std::string password,
                    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) override {
    if (jobs_.size() >= room) return absl::ResourceExhaustedError("too many passwords");
    jobs_.emplace_back([this, password, done = std::move(done)]() mutable {
      if (broken) {
        done(absl::InternalError("no memory"));
      } else {
        done("hash of " + password);
      }
    });
    return absl::OkStatus();
  }
  absl::Status Verify(std::string hash, std::string password,
                      absl::AnyInvocable<void(absl::StatusOr<PasswordVerdict>)> done) override {
    if (jobs_.size() >= room) return absl::ResourceExhaustedError("too many passwords");
    jobs_.emplace_back([this, hash, password, done = std::move(done)]() mutable {
      verified.push_back(hash);
      if (broken) {
        done(absl::InternalError("no memory"));
      } else {
        const bool right = hash == "hash of " + password || hash == "new hash of " + password;
        done(PasswordVerdict{right, right && renews ? "new hash of " + password : ""});
      }
    });
    return absl::OkStatus();
  }
  /// Does one thing; answers whether there was one.
  bool Step() {
    if (jobs_.empty()) return false;
    absl::AnyInvocable<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
    return true;
  }

  std::size_t room = 100;
  bool broken = false;
  bool renews = false;                ///< Every hash that it looks at.
  std::vector<std::string> verified;  ///< The hashes that were looked at.

 private:
  std::deque<absl::AnyInvocable<void()>> jobs_;
};

/// Decides when told.
class ManualSequencer final : public Sequencer {
 public:
  explicit ManualSequencer(ChatHarness* chat) : chat_(chat) {}
  SubmitResult Submit(Envelope& envelope) override {
    const SubmitResult result = accepts-- > 0 ? SubmitResult::kAccepted : refusal;
    if (result == SubmitResult::kAccepted) inbox_.push_back(std::move(envelope));
    return result;
  }
  SubmitResult Enqueue(Envelope& envelope) override { return Submit(envelope); }
  void Flush() override {}
  bool Step() {
    if (inbox_.empty()) return false;
    std::vector<Envelope> batch = std::exchange(inbox_, {});
    chat_->engine().Process(batch, chat_->clock.NowUnixMs());
    return true;
  }

  int accepts = 1'000;  ///< So many commands more.
  SubmitResult refusal = SubmitResult::kFull;

 private:
  ChatHarness* const chat_;
  std::vector<Envelope> inbox_;
};

class CountingSecrets final : public SecretSource {
 public:
  std::string NewSecret() override { return "secret"; }
  std::string HashOf(std::string_view secret) const override { return std::string(secret); }
  std::string NewId() override { return "new-id-" + std::to_string(++count_); }
  std::uint64_t RandomBits() override { return ++count_ << 24; }

 private:
  std::uint64_t count_ = 0;
};

/// What a call came to.
struct Outcome {
  int answers = 0;
  absl::StatusOr<Result> result = absl::UnknownError("not answered");

  StatusCode code() const { return result.status().code(); }
};

constexpr char kPassword[] = "correct horse";

struct Doors {
  explicit Doors(Limits limits = {}) : chat(limits) {
    gate = std::make_unique<AccountGate>(AccountGate::Dependencies{
        &sequencer, &hasher, &secrets, &chat.names, &chat.clock, limits,
        [this](const IpAddress&, const std::string& login) {
          tried.push_back(login);
          return may_try;
        },
        [this](const IpAddress&, const std::string& login) { right.push_back(login); }});
  }
  AccountGate::Caller To(Outcome& outcome, Actor actor = {}) {
    return {std::move(actor), &chat.lane, [&outcome](absl::StatusOr<Result> result) {
              ++outcome.answers;
              outcome.result = std::move(result);
            }};
  }
  void Finish() {
    while (sequencer.Step() || hasher.Step()) {
    }
  }
  void Create(Outcome& outcome, const std::string& login, const std::string& password) {
    gate->Create({"", login, login, "", {"t-" + login, "i-" + login, "", 60'000}}, password,
                 To(outcome));
  }
  void Login(Outcome& outcome, const std::string& login, const std::string& password) {
    gate->Login(login, password, {0, "", {"t2-" + login, "i2-" + login, "", 60'000}, {}},
                To(outcome));
  }
  /// The account of ann, and who shows its token.
  Actor Ann() {
    Outcome made;
    Create(made, "ann", kPassword);
    Finish();
    EXPECT_TRUE(made.result.ok()) << made.result.status();
    return {.credential = "t-ann"};
  }

  ChatHarness chat;
  ManualSequencer sequencer{&chat};
  ManualHasher hasher;
  CountingSecrets secrets;
  std::vector<std::string> right;  ///< Login names that the gate has told of.
  absl::Status may_try;
  std::vector<std::string> tried;
  std::unique_ptr<AccountGate> gate;
};

TEST(AccountGate, MakesAnAccountAndLetsItIn) {
  Doors doors;
  const Actor ann = doors.Ann();
  EXPECT_EQ(doors.chat.WhoIs(ann).display_name, "ann");
  Outcome in;
  doors.gate->Login("ANN", kPassword, {0, "", {"t2", "i2", "", 60'000}, {}}, doors.To(in));
  EXPECT_EQ(in.answers, 0) << "nothing is looked at on the caller's thread";
  doors.Finish();
  ASSERT_TRUE(in.result.ok()) << in.result.status();
  EXPECT_EQ(in.answers, 1);
  EXPECT_EQ(std::get<AccountOpened>(*in.result).token.hash, "t2");
  EXPECT_EQ(doors.tried, (std::vector<std::string>{"ann", "ann"})) << "in their one form";
}

TEST(AccountGate, TellsNobodyWhichLoginNamesThereAre) {
  Doors doors;
  doors.Ann();
  Outcome wrong;
  Outcome unknown;
  doors.Login(wrong, "ann", "wrong horse");
  doors.Finish();
  doors.Login(unknown, "bob", "wrong horse");
  doors.Finish();
  EXPECT_EQ(wrong.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(wrong.result.status(), unknown.result.status());
  EXPECT_EQ(wrong.answers + unknown.answers, 2);
  ASSERT_EQ(doors.hasher.verified.size(), 2u) << "both take as long";
  EXPECT_EQ(doors.hasher.verified[1], "");
}

TEST(AccountGate, LetsNobodyInWithAPasswordThatWasChangedMeanwhile) {
  Doors doors;
  const Actor ann = doors.Ann();
  Outcome in;
  doors.Login(in, "ann", kPassword);
  ASSERT_TRUE(doors.sequencer.Step());
  ASSERT_TRUE(doors.hasher.Step());
  ASSERT_TRUE(doors.chat.Do(ann, ChangePassword{"hash of correct horse", "another"}).ok());
  doors.Finish();
  EXPECT_EQ(in.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(in.answers, 1);
}

TEST(AccountGate, ALoginKeepsTheRenewedHash) {
  Doors doors;
  doors.Ann();
  doors.hasher.renews = true;
  for (const char* token : {"t2", "t3"}) {
    Outcome in;
    doors.gate->Login("ann", kPassword, {0, "", {token, token, "", 60'000}, {}, ""}, doors.To(in));
    doors.Finish();
    ASSERT_TRUE(in.result.ok()) << in.result.status();
  }
  EXPECT_EQ(doors.hasher.verified,
            (std::vector<std::string>{"hash of correct horse", "new hash of correct horse"}));
}

TEST(AccountGate, ChangesAPassword) {
  Doors doors;
  const Actor ann = doors.Ann();
  Outcome wrong;
  doors.gate->Change("wrong horse", "battery staple", doors.To(wrong, ann));
  doors.Finish();
  EXPECT_EQ(wrong.code(), StatusCode::kUnauthenticated);
  Outcome changed;
  doors.gate->Change(kPassword, "battery staple", doors.To(changed, ann));
  doors.Finish();
  EXPECT_EQ(changed.code(), StatusCode::kOk);
  EXPECT_EQ(changed.answers, 1);
  Outcome in;
  doors.Login(in, "ann", "battery staple");
  doors.Finish();
  EXPECT_EQ(in.code(), StatusCode::kOk);
}

TEST(AccountGate, ErasesWithThePasswordOnly) {
  Doors doors;
  const Actor ann = doors.Ann();
  Outcome without;
  doors.gate->Erase("", doors.To(without, ann));
  doors.Finish();
  EXPECT_EQ(without.code(), StatusCode::kUnauthenticated);
  Outcome wrong;
  doors.gate->Erase("wrong horse", doors.To(wrong, ann));
  doors.Finish();
  EXPECT_EQ(wrong.code(), StatusCode::kUnauthenticated);
  Outcome erased;
  doors.gate->Erase(kPassword, doors.To(erased, ann));
  doors.Finish();
  EXPECT_EQ(erased.code(), StatusCode::kOk);
  EXPECT_EQ(doors.chat.WhoIs(ann).id, "");

  const Actor bob = doors.chat.TokenGuest("bob");
  Outcome guest;
  doors.gate->Erase("", doors.To(guest, bob));
  doors.Finish();
  EXPECT_EQ(guest.code(), StatusCode::kOk) << "a guest has no password";
}

TEST(AccountGate, TakesOnlyPasswordsAndLoginNamesOfSomeSize) {
  Doors doors;
  const Actor ann = doors.Ann();
  const std::string huge(doors.chat.limits.password_bytes_max + 1, 'x');
  const std::string long_login(4 * doors.chat.limits.login_bytes_max + 1, 'x');
  const auto code = [&](const std::function<void(Outcome&)>& call) {
    Outcome outcome;
    call(outcome);
    EXPECT_EQ(outcome.answers, 1) << "at once";
    return outcome.code();
  };
  const std::size_t tried = doors.tried.size();
  EXPECT_EQ(code([&](Outcome& o) { doors.Create(o, "bob", "short"); }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([&](Outcome& o) { doors.Create(o, "bob", huge); }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([&](Outcome& o) { doors.Create(o, long_login, kPassword); }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([&](Outcome& o) { doors.Login(o, "ann", huge); }), StatusCode::kUnauthenticated);
  EXPECT_EQ(code([&](Outcome& o) { doors.Login(o, long_login, kPassword); }),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(code([&](Outcome& o) { doors.gate->Change(huge, kPassword, doors.To(o, ann)); }),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(code([&](Outcome& o) { doors.gate->Change(kPassword, "short", doors.To(o, ann)); }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([&](Outcome& o) { doors.gate->Erase(huge, doors.To(o, ann)); }),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(doors.tried.size(), tried);
}

TEST(AccountGate, HashesNothingWhereAccountsAreClosed) {
  Limits limits;
  limits.accounts_open = false;
  Doors doors(limits);
  Outcome made;
  doors.Create(made, "ann", kPassword);
  EXPECT_EQ(made.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(made.answers, 1);
  EXPECT_FALSE(doors.hasher.Step());
}

// --- Whatever fails, and wherever.

/// All four calls, each with what is right.
std::vector<std::function<void(Doors&, Outcome&)>> Calls() {
  const Actor ann{.credential = "t-ann"};
  return {
      [](Doors& doors, Outcome& o) { doors.Create(o, "bob", kPassword); },
      [](Doors& doors, Outcome& o) { doors.Login(o, "ann", kPassword); },
      [=](Doors& doors, Outcome& o) {
        doors.gate->Change(kPassword, "battery staple", doors.To(o, ann));
      },
      [=](Doors& doors, Outcome& o) { doors.gate->Erase(kPassword, doors.To(o, ann)); },
  };
}

TEST(AccountGate, TellsOfLoginsThatAreRightAndOfNothingElse) {
  Doors doors;
  const Actor ann = doors.Ann();
  EXPECT_TRUE(doors.right.empty()) << "making an account counts";
  Outcome wrong, unknown, right, erased;
  doors.Login(wrong, "ann", "battery staple");
  doors.Login(unknown, "bob", kPassword);
  doors.Finish();
  EXPECT_TRUE(doors.right.empty());
  doors.Login(right, "Ann", kPassword);
  EXPECT_TRUE(doors.right.empty()) << "not before it was looked at";
  doors.Finish();
  ASSERT_TRUE(right.result.ok());
  EXPECT_EQ(doors.right, std::vector<std::string>{"ann"}) << "the words that it counted by";
  doors.gate->Erase(kPassword, doors.To(erased, ann));
  doors.Finish();
  ASSERT_TRUE(erased.result.ok());
  EXPECT_EQ(doors.right.size(), 1u) << "an erasure costs others something";
}

TEST(AccountGate, AnswersOnceIfNoOtherMayTry) {
  for (const auto& call : Calls()) {
    Doors doors;
    doors.Ann();
    doors.may_try = absl::ResourceExhaustedError("too many tries");
    Outcome outcome;
    call(doors, outcome);
    EXPECT_FALSE(doors.sequencer.Step());
    EXPECT_FALSE(doors.hasher.Step());
    EXPECT_EQ(outcome.answers, 1);
    EXPECT_EQ(outcome.result.status(), doors.may_try);
  }
}

TEST(AccountGate, AnswersOnceIfTheSequencerRefusesAnyOfTheSteps) {
  for (const auto& call : Calls()) {
    for (const SubmitResult refusal : {SubmitResult::kFull, SubmitResult::kDraining}) {
      for (int accepts = 0; accepts < 3; ++accepts) {
        Doors doors;
        doors.Ann();
        doors.sequencer.accepts = accepts;
        doors.sequencer.refusal = refusal;
        Outcome outcome;
        call(doors, outcome);
        doors.Finish();
        EXPECT_EQ(outcome.answers, 1);
        const bool full = refusal == SubmitResult::kFull;
        const bool was_refused = doors.sequencer.accepts < 0;
        EXPECT_EQ(outcome.code(), !was_refused ? StatusCode::kOk
                                  : full       ? StatusCode::kResourceExhausted
                                               : StatusCode::kUnavailable);
      }
    }
  }
}

TEST(AccountGate, AnswersOnceIfTheHasherRefusesOrFails) {
  for (const auto& call : Calls()) {
    Doors full;
    full.Ann();
    full.hasher.room = 0;
    Outcome refused;
    call(full, refused);
    full.Finish();
    EXPECT_EQ(refused.answers, 1);
    EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);

    Doors broken;
    broken.Ann();
    broken.hasher.broken = true;
    Outcome failed;
    call(broken, failed);
    broken.Finish();
    EXPECT_EQ(failed.answers, 1);
    EXPECT_EQ(failed.code(), StatusCode::kInternal);
  }
}

TEST(AccountGate, AnswersOnceIfTheStoreRefuses) {
  for (const auto& call : Calls()) {
    Doors doors;
    doors.Ann();
    Outcome outcome;
    call(doors, outcome);
    doors.chat.store.FailCommits(absl::UnavailableError("no disk"));
    doors.Finish();
    EXPECT_EQ(outcome.answers, 1);
    EXPECT_EQ(outcome.code(), StatusCode::kUnavailable);
  }
}

}  // namespace
}  // namespace txtchat
