// Accounts and their tokens, from the first login to the erasure.
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

struct Town {
  explicit Town(Limits limits = {}) : chat(limits) {}

  StatusCode Try(const Actor& actor, Command command) {
    return chat.Do(actor, std::move(command)).status().code();
  }
  /// Makes an account whose token is never used.
  StatusCode Make(const std::string& login, const std::string& display_name,
                  std::int64_t lifetime_ms = 1'000) {
    return Try({}, CreateAccount{"id of " + login,
                                 login,
                                 display_name,
                                 "hash",
                                 {"t-" + login, "i-" + login, "", lifetime_ms}});
  }
  std::vector<std::string> Tokens(const Actor& actor) {
    std::vector<std::string> ids;
    const auto list = std::get<TokenList>(*chat.Do(actor, ListTokens{}));
    for (const TokenRow& token : list.tokens) ids.push_back(token.id);
    return ids;
  }
  /// Opens a session by an account's password.
  StatusCode Enter(const std::string& user_login, SessionId session) {
    const auto found = std::get<LoginFound>(*chat.Do({}, FindLogin{user_login}));
    return Try(
        {}, EnterAccount{found.user, found.password_hash, {}, {.id = session, .lane = &chat.lane}});
  }
  StatusCode EndOf(SessionId session) { return chat.lane.EndOf(session).code(); }

  ChatHarness chat;
};

TEST(Account, IsWhoeverShowsItsToken) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  EXPECT_EQ(town.chat.WhoIs(ann).id, "account-ann");
  EXPECT_EQ(town.chat.WhoIs({.credential = "another"}).id, "");
  const auto joined = std::get<ChannelPage>(*town.chat.Do(ann, ListChannels{0, "", true}));
  ASSERT_EQ(joined.channels.size(), 1u);
  EXPECT_EQ(joined.channels[0].id, "account-ann") << "its personal channel";
}

TEST(Account, HasALoginNameOfItsOwn) {
  Town town;
  town.chat.Account("ann");
  EXPECT_EQ(town.Make("ann", "somebody else"), StatusCode::kAlreadyExists);
  EXPECT_EQ(town.Make("two words", "bob"), StatusCode::kInvalidArgument);
  EXPECT_EQ(town.Make("", "bob"), StatusCode::kInvalidArgument);
  EXPECT_EQ(town.Make("bob", ""), StatusCode::kInvalidArgument);
  EXPECT_EQ(town.Make("bob", "bob", 0), StatusCode::kInvalidArgument);
  EXPECT_EQ(town.Make("bob", "bob"), StatusCode::kOk);
}

TEST(Account, IsMadeByTheOperatorOnlyWhereTheyAreClosed) {
  Limits limits;
  limits.accounts_open = false;
  Town town(limits);
  EXPECT_EQ(town.Make("ann", "ann"), StatusCode::kPermissionDenied);
}

TEST(Account, IsOneOfABoundedNumber) {
  Limits limits;
  limits.accounts_max = 1;
  Town town(limits);
  town.chat.Account("ann");
  EXPECT_EQ(town.Make("bob", "bob"), StatusCode::kResourceExhausted);
  EXPECT_EQ(town.Try(town.chat.VouchedFor("jwt:x:bob", "bob"), WhoAmI{}),
            StatusCode::kResourceExhausted);
  town.chat.TokenGuest("cyd");
}

TEST(Account, DoesNotEndWithItsSessions) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  ASSERT_TRUE(town.chat.Open(ann, 1).ok());
  ASSERT_EQ(town.Enter("ann", 2), StatusCode::kOk);
  const std::string room = town.chat.Create(ann, "room");
  ASSERT_TRUE(town.chat.Close(1).ok());
  ASSERT_TRUE(town.chat.Close(2).ok());
  town.chat.Pass(10 * town.chat.limits.guest_grace_ms);
  EXPECT_EQ(town.Try(ann, Send{room, "still a member"}), StatusCode::kOk);
}

TEST(Account, OutlivesARestartWithItsTokensAndMemberships) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  const std::string room = town.chat.Create(ann, "room");
  town.chat.Restart();
  EXPECT_EQ(town.Try(ann, Send{room, "back"}), StatusCode::kOk);
  EXPECT_EQ(town.Tokens(ann), std::vector<std::string>{"id of token of ann"});
  EXPECT_EQ(town.Make("ann", "somebody else"), StatusCode::kAlreadyExists);
  EXPECT_EQ(town.Enter("ann", 1), StatusCode::kOk);
  town.chat.Pass(ChatHarness::kDayMs);
  EXPECT_EQ(town.chat.WhoIs(ann).id, "") << "the token expires when it always would";
}

TEST(Account, IsTakenBackWithABatchThatIsRefused) {
  Town town;
  town.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(town.Make("ann", "ann"), StatusCode::kUnavailable);
  EXPECT_EQ(town.chat.engine().state().account_count(), 0u);
  town.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(town.Make("ann", "ann"), StatusCode::kOk);
}

TEST(Account, IsToldByItsOwnIdAtTheMost) {
  Town town;
  Actor ann = town.chat.Account("ann");
  town.chat.Account("bob");
  const auto claim = [&](const std::string& id, bool is_address) {
    ann.claimed_user_id = id;
    ann.claim_is_address = is_address;
    return town.Try(ann, WhoAmI{});
  };
  EXPECT_EQ(claim("account-ann", false), StatusCode::kOk);
  EXPECT_EQ(claim("account-bob", false), StatusCode::kPermissionDenied);
  EXPECT_EQ(claim("10.0.0.1:1000", true), StatusCode::kOk);
  EXPECT_EQ(claim("whoever", false), StatusCode::kInvalidArgument);
}

TEST(Guest, IsNotAdmittedWhereTheyAreNot) {
  Limits limits;
  limits.guests_admitted = false;
  Town town(limits);
  EXPECT_EQ(town.Try({}, Register{"user-bob", "bob", "token", {}}), StatusCode::kPermissionDenied);
  ASSERT_EQ(town.Make("ann", "ann"), StatusCode::kOk);
  ASSERT_EQ(town.Enter("ann", 1), StatusCode::kOk);
  EXPECT_EQ(town.Try({}, Register{"", "anna", "", {.id = 1, .lane = &town.chat.lane}}),
            StatusCode::kOk)
      << "who is in may take another name";
  EXPECT_EQ(town.chat.WhoIs({.session = 1}).display_name, "anna");
}

// --- Tokens.

TEST(Token, EndsWithItsSessionsExactlyWhenItExpires) {
  Town town;
  const Actor ann = town.chat.Account("ann", 10'000);
  ASSERT_TRUE(town.chat.Open(ann, 1).ok());
  ASSERT_EQ(town.Enter("ann", 2), StatusCode::kOk);
  town.chat.Pass(9'999);
  EXPECT_EQ(town.EndOf(1), StatusCode::kOk);
  EXPECT_EQ(town.chat.WhoIs(ann).id, "account-ann");
  EXPECT_EQ(town.chat.engine().NextDeadlineUnixMs(), town.chat.clock.NowUnixMs() + 1);
  town.chat.Pass(1);
  EXPECT_EQ(town.EndOf(1), StatusCode::kUnauthenticated);
  EXPECT_EQ(town.EndOf(2), StatusCode::kOk) << "a password opened it";
  EXPECT_EQ(town.chat.WhoIs(ann).id, "");
  EXPECT_TRUE(town.chat.lane.SubscribedChannels(1).empty());
  EXPECT_TRUE(town.Tokens({.session = 2}).empty());
}

TEST(Token, ThatExpiresWhileTheStoreRefusesEndsLater) {
  Town town;
  const Actor ann = town.chat.Account("ann", 10'000);
  ASSERT_TRUE(town.chat.Open(ann, 1).ok());
  town.chat.store.FailCommits(absl::UnavailableError("no disk"));
  town.chat.Pass(10'000);
  EXPECT_EQ(town.EndOf(1), StatusCode::kOk);
  EXPECT_EQ(town.Try(ann, WhoAmI{}), StatusCode::kUnavailable);
  town.chat.store.FailCommits(absl::OkStatus());
  town.chat.Pass(100);
  EXPECT_EQ(town.EndOf(1), StatusCode::kUnauthenticated);
}

TEST(Token, IsListedInTheOrderOfExpiryAndRevokedWithItsSessions) {
  Town town;
  const Actor ann = town.chat.Account("ann", 50'000);
  const Actor phone = town.chat.LogIn("ann", "phone", 20'000);
  const Actor desk = town.chat.LogIn("ann", "desk", 70'000);
  EXPECT_EQ(town.Tokens(ann),
            (std::vector<std::string>{"id of phone", "id of token of ann", "id of desk"}));
  ASSERT_TRUE(town.chat.Open(phone, 1).ok());
  ASSERT_TRUE(town.chat.Open(desk, 2).ok());
  const Actor bob = town.chat.Account("bob");
  EXPECT_EQ(town.Try(bob, RevokeToken{"id of phone"}), StatusCode::kNotFound) << "another's";
  ASSERT_EQ(town.Try(desk, RevokeToken{"id of phone"}), StatusCode::kOk);
  EXPECT_EQ(town.EndOf(1), StatusCode::kUnauthenticated);
  EXPECT_EQ(town.EndOf(2), StatusCode::kOk);
  EXPECT_EQ(town.chat.WhoIs(phone).id, "");
  EXPECT_EQ(town.Try(desk, RevokeToken{"id of phone"}), StatusCode::kNotFound);
}

TEST(Token, GivesWayToANewerOneWhereThereAreTooMany) {
  Limits limits;
  limits.tokens_per_user_max = 2;
  Town town(limits);
  const Actor ann = town.chat.Account("ann", 50'000);
  const Actor phone = town.chat.LogIn("ann", "phone", 20'000);
  ASSERT_TRUE(town.chat.Open(phone, 1).ok());
  town.chat.LogIn("ann", "desk", 70'000);
  EXPECT_EQ(town.Tokens(ann), (std::vector<std::string>{"id of token of ann", "id of desk"}));
  EXPECT_EQ(town.EndOf(1), StatusCode::kUnauthenticated) << "it would have expired first";
  town.chat.Restart();
  EXPECT_EQ(town.Tokens(ann).size(), 2u);
}

TEST(Token, OfAGuestIsNone) {
  Town town;
  const Actor bob = town.chat.TokenGuest("bob");
  EXPECT_TRUE(town.Tokens(bob).empty());
  EXPECT_EQ(town.Try(bob, RevokeToken{"any"}), StatusCode::kNotFound);
}

// --- Passwords.

TEST(Password, ChangedRevokesEverythingButTheTokenThatChangedIt) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  const Actor phone = town.chat.LogIn("ann", "phone");
  ASSERT_TRUE(town.chat.Open(ann, 1).ok());
  ASSERT_TRUE(town.chat.Open(phone, 2).ok());
  ASSERT_EQ(town.Enter("ann", 3), StatusCode::kOk);
  EXPECT_EQ(town.Try(ann, ChangePassword{"not it", "new"}), StatusCode::kUnauthenticated);
  ASSERT_EQ(town.Try(ann, ChangePassword{"ann's hash", "new"}), StatusCode::kOk);
  EXPECT_EQ(town.Tokens(ann), std::vector<std::string>{"id of token of ann"});
  EXPECT_EQ(town.EndOf(1), StatusCode::kOk);
  EXPECT_EQ(town.EndOf(2), StatusCode::kUnauthenticated);
  EXPECT_EQ(town.EndOf(3), StatusCode::kUnauthenticated);
  town.chat.Restart();
  EXPECT_EQ(std::get<LoginFound>(*town.chat.Do({}, FindLogin{"ann"})).password_hash, "new");
}

TEST(Password, ChangedOnALineKeepsTheTokenThatOpenedIt) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  const Actor phone = town.chat.LogIn("ann", "phone");
  ASSERT_TRUE(town.chat.Open(ann, 1).ok());
  ASSERT_TRUE(town.chat.Open(phone, 2).ok());
  ASSERT_EQ(town.Try({.session = 1}, ChangePassword{"ann's hash", "new"}), StatusCode::kOk);
  EXPECT_EQ(town.EndOf(1), StatusCode::kOk);
  EXPECT_EQ(town.EndOf(2), StatusCode::kUnauthenticated);
  EXPECT_EQ(town.chat.WhoIs(ann).id, "account-ann");
}

TEST(Password, ThatWasChangedMeanwhileLetsNobodyIn) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  const auto found = std::get<LoginFound>(*town.chat.Do(ann, FindOwnLogin{}));
  absl::StatusOr<Result> entered;
  town.chat.Queue(ann, ChangePassword{"ann's hash", "new"});
  town.chat.Queue({}, EnterAccount{found.user, found.password_hash, {"t", "i", "", 1'000}, {}},
                  &entered);
  town.chat.RunBatch();
  EXPECT_EQ(entered.status().code(), StatusCode::kUnauthenticated);
}

TEST(Password, RenewedIsTheSamePassword) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  const Actor phone = town.chat.LogIn("ann", "phone");
  const auto found = std::get<LoginFound>(*town.chat.Do(ann, FindOwnLogin{}));
  const auto enter = [&](const std::string& token, std::string renewed) {
    return town.Try({}, EnterAccount{.user = found.user,
                                     .password_hash = found.password_hash,
                                     .token = {token, "i-" + token, "", 1'000},
                                     .renewed_hash = std::move(renewed)});
  };
  const auto kept = [&] {
    return std::get<LoginFound>(*town.chat.Do({}, FindLogin{"ann"})).password_hash;
  };
  ASSERT_EQ(enter("one", "renewed"), StatusCode::kOk);
  EXPECT_EQ(kept(), "renewed");
  EXPECT_EQ(enter("two", "renewed otherwise"), StatusCode::kOk)
      << "who looked before it was renewed";
  EXPECT_EQ(kept(), "renewed");
  EXPECT_EQ(town.Tokens(phone).size(), 4u) << "no other token is ended";
  ASSERT_EQ(town.Try(ann, ChangePassword{found.password_hash, "new"}), StatusCode::kOk);
  EXPECT_EQ(enter("three", "renewed"), StatusCode::kUnauthenticated) << "another password";
  town.chat.Restart();
  EXPECT_EQ(kept(), "new");
}

TEST(Password, RenewedInARefusedBatchIsKeptAsItWas) {
  Town town;
  town.chat.Account("ann");
  const auto found = std::get<LoginFound>(*town.chat.Do({}, FindLogin{"ann"}));
  const auto enter = [&](std::string hash, std::string token) {
    return town.Try({}, EnterAccount{.user = found.user,
                                     .password_hash = std::move(hash),
                                     .token = {token, "i-" + token, "", 1'000},
                                     .renewed_hash = "renewed"});
  };
  town.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(enter(found.password_hash, "one"), StatusCode::kUnavailable);
  town.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(enter("renewed", "two"), StatusCode::kUnauthenticated);
  ASSERT_EQ(enter(found.password_hash, "three"), StatusCode::kOk);
  town.chat.Restart();
  EXPECT_EQ(std::get<LoginFound>(*town.chat.Do({}, FindLogin{"ann"})).password_hash, "renewed");
}

TEST(Password, ChangedInARefusedBatchIsTheFormerOne) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  const Actor phone = town.chat.LogIn("ann", "phone");
  ASSERT_TRUE(town.chat.Open(phone, 2).ok());
  town.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(town.Try(ann, ChangePassword{"ann's hash", "new"}), StatusCode::kUnavailable);
  town.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(town.EndOf(2), StatusCode::kOk);
  EXPECT_EQ(town.Tokens(phone).size(), 2u);
  EXPECT_EQ(town.Enter("ann", 3), StatusCode::kOk);
}

TEST(Password, IsOfAccountsOnly) {
  Town town;
  const Actor bob = town.chat.TokenGuest("bob");
  EXPECT_EQ(town.Try(bob, FindOwnLogin{}), StatusCode::kFailedPrecondition);
  EXPECT_EQ(town.Try(bob, ChangePassword{"", "new"}), StatusCode::kUnauthenticated);
  const Actor eve = town.chat.VouchedFor("jwt:x:eve", "eve");
  EXPECT_EQ(town.Try(eve, ChangePassword{"", "new"}), StatusCode::kUnauthenticated);
  EXPECT_EQ(std::get<LoginFound>(*town.chat.Do({}, FindLogin{""})).user, 0u);
}

// --- The end of all.

TEST(Erasure, LeavesNothingButTombstones) {
  Town town;
  std::vector<ChannelKey> erased;
  town.chat.engine().set_erase_observer([&](ChannelKey key) { erased.push_back(key); });
  const Actor ann = town.chat.Account("ann");
  const Actor bob = town.chat.TokenGuest("bob");
  ASSERT_TRUE(town.chat.Open(bob, 2).ok());
  const std::string room = town.chat.Create(bob, "room");
  ASSERT_TRUE(town.chat.JoinChannel(ann, room).ok());
  ASSERT_TRUE(town.chat.JoinChannel(bob, "account-ann").ok());
  ASSERT_TRUE(town.chat.Open(ann, 1).ok());
  ASSERT_TRUE(town.chat.Post(ann, room, "secret").ok());
  EXPECT_EQ(town.Try(ann, EraseUserData{"not it"}), StatusCode::kUnauthenticated);
  ASSERT_EQ(town.Try(ann, EraseUserData{"ann's hash"}), StatusCode::kOk);

  EXPECT_EQ(town.EndOf(1), StatusCode::kUnauthenticated);
  EXPECT_EQ(town.chat.WhoIs(ann).id, "");
  EXPECT_EQ(erased, std::vector<ChannelKey>{0});
  EXPECT_EQ(town.chat.engine().queues_bytes(), 0u);
  EXPECT_EQ(town.chat.keeping.erased_users(), std::vector<std::string>{"account-ann"});
  EXPECT_EQ(town.chat.lane.Read(2, room), "+bob\n+(erased)\n(erased): (removed)\n-(erased)\n");
  const auto personal = town.chat.Do(bob, GetChannel{"account-ann"});
  EXPECT_EQ(std::get<ChannelInfo>(*personal).display_name, "(erased)");
  EXPECT_EQ(town.Make("ann", "ann"), StatusCode::kOk) << "its names are free";
  town.chat.Restart();
  EXPECT_EQ(town.chat.WhoIs(ann).id, "");
}

TEST(Erasure, IsTakenBackWithABatchThatIsRefused) {
  Town town;
  const Actor ann = town.chat.Account("ann");
  const std::string room = town.chat.Create(ann, "room");
  town.chat.store.FailCommits(absl::UnavailableError("no disk"));
  EXPECT_EQ(town.Try(ann, EraseUserData{"ann's hash"}), StatusCode::kUnavailable);
  town.chat.store.FailCommits(absl::OkStatus());
  EXPECT_TRUE(town.chat.keeping.erased_users().empty());
  EXPECT_EQ(town.Try(ann, SetTopic{room, "still the owner"}), StatusCode::kOk);
  EXPECT_EQ(town.Tokens(ann).size(), 1u);
  EXPECT_EQ(town.Make("ann", "another"), StatusCode::kAlreadyExists);
  EXPECT_EQ(town.Make("another", "ann"), StatusCode::kAlreadyExists);
}

TEST(Erasure, NeedsAnIdThatWasNeverAnothers) {
  Town town;
  const Actor dan = town.chat.LineGuest(7, "dan");
  EXPECT_EQ(town.Try(dan, EraseUserData{}), StatusCode::kFailedPrecondition);
  const Actor bob = town.chat.TokenGuest("bob");
  EXPECT_EQ(town.Try(bob, EraseUserData{}), StatusCode::kOk);
  EXPECT_EQ(town.chat.keeping.erased_users(), std::vector<std::string>{"user-bob"});
}

TEST(Erasure, ThatTakesItsTimeIsToldOfAgainAtItsEnd) {
  Town town;
  int told = 0;
  town.chat.engine().set_erase_observer([&](ChannelKey) { ++told; });
  town.chat.store.BeginErasing();
  const Actor bob = town.chat.TokenGuest("bob");
  EXPECT_EQ(told, 0);
  EXPECT_EQ(town.Try({}, Purge{}), StatusCode::kOk);
  EXPECT_EQ(told, 1) << "whoever has read meanwhile may have read what was still there";
  EXPECT_EQ(town.Try({}, Purge{}), StatusCode::kOk);
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace txtchat
