// Names that look alike.
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using absl::StatusCode;
using testing::ChatHarness;

struct Names {
  explicit Names(Limits limits = {}) : chat(limits) {}
  StatusCode Guest(const std::string& name) {
    const std::string id = "guest-" + std::to_string(++guests);
    return chat.Do({}, Register{id, name, "t-" + id, {}}).status().code();
  }
  StatusCode Account(const std::string& login, const std::string& name) {
    return chat
        .Do({}, CreateAccount{"id-" + login, login, name, "hash", {"t-" + login, login, "", 1'000}})
        .status()
        .code();
  }
  StatusCode Rename(SessionId session, const std::string& name) {
    const Command again = Register{"", name, "", {.id = session, .lane = &chat.lane}};
    return chat.Do({.session = session}, again).status().code();
  }

  ChatHarness chat;
  int guests = 0;
};

TEST(LookAlike, OfAnAccountIsRefusedToEverybody) {
  Names names;
  ASSERT_EQ(names.Account("bill", "Bill"), StatusCode::kOk);
  EXPECT_EQ(names.Guest("Bill"), StatusCode::kAlreadyExists);
  EXPECT_EQ(names.Guest("bi1l"), StatusCode::kAlreadyExists);
  EXPECT_EQ(names.Account("other", "BILL"), StatusCode::kAlreadyExists);
  EXPECT_EQ(names.Guest("Billy"), StatusCode::kOk);
  names.chat.Restart();
  EXPECT_EQ(names.Guest("bi1l"), StatusCode::kAlreadyExists);
}

TEST(LookAlike, OfAVouchedUserIsRefusedToOthersAndNotToTheVoucher) {
  Names names;
  ASSERT_EQ(names.Account("bill", "Bill"), StatusCode::kOk);
  const Actor known = names.chat.VouchedFor("jwt:x:1", "bill");
  EXPECT_EQ(names.chat.WhoIs(known).display_name, "bill");
  ASSERT_EQ(names.chat.WhoIs(names.chat.VouchedFor("jwt:x:2", "Cole")).display_name, "Cole");
  EXPECT_EQ(names.Guest("c01e"), StatusCode::kAlreadyExists);
}

TEST(LookAlike, OfAGuestIsFreeToGuestsIfItIsTheSame) {
  Names names;
  ASSERT_EQ(names.Guest("Bill"), StatusCode::kOk);
  EXPECT_EQ(names.Guest("Bill"), StatusCode::kOk);
  EXPECT_EQ(names.Guest("bi11"), StatusCode::kAlreadyExists);
  EXPECT_EQ(names.Account("bill", "Bill"), StatusCode::kAlreadyExists);
}

TEST(LookAlike, IsFreeAgainWhenTheOtherHasGone) {
  Names names;
  names.chat.LineGuest(1, "Bill");
  names.chat.LineGuest(2, "Bill");
  ASSERT_TRUE(names.chat.Close(1).ok());
  EXPECT_EQ(names.Guest("bi11"), StatusCode::kAlreadyExists) << "there is still one";
  ASSERT_TRUE(names.chat.Close(2).ok());
  EXPECT_EQ(names.Guest("bi11"), StatusCode::kOk);
}

TEST(LookAlike, OfOneselfIsAllowed) {
  Names names;
  names.chat.LineGuest(1, "bill");
  EXPECT_EQ(names.Rename(1, "BILL"), StatusCode::kOk);
  names.chat.LineGuest(2, "BILL");
  EXPECT_EQ(names.Rename(1, "bill"), StatusCode::kAlreadyExists) << "now there is another";
  EXPECT_EQ(names.Rename(1, "BILL"), StatusCode::kOk);
  EXPECT_EQ(names.Rename(1, "cole"), StatusCode::kOk);
  EXPECT_EQ(names.Rename(2, "bill"), StatusCode::kOk);
}

TEST(LookAlike, OfWhoHadTheAddressBeforeIsAllowed) {
  Names names;
  names.chat.LineGuest(1, "bill");
  const Command anew =
      Register{ChatHarness::AddressOf(1), "Bi11", "", {.id = 9, .lane = &names.chat.lane}};
  EXPECT_TRUE(names.chat.Do({}, anew).ok()) << "the former guest ends with it";
}

TEST(LookAlike, IsTakenBackWithABatchThatIsRefused) {
  Names names;
  names.chat.LineGuest(1, "bill");
  names.chat.store.FailCommits(absl::UnavailableError("no disk"));
  names.chat.Queue({.session = 1}, Register{"", "cole", "", {.id = 1, .lane = &names.chat.lane}});
  names.chat.Queue({}, Register{"guest", "Bi11", "t", {}});
  names.chat.Queue({}, CreateAccount{"id", "dora", "dora", "hash", {"t2", "i", "", 1'000}});
  names.chat.RunBatch();
  names.chat.store.FailCommits(absl::OkStatus());
  EXPECT_EQ(names.Guest("Bi11"), StatusCode::kAlreadyExists);
  EXPECT_EQ(names.Guest("d0ra"), StatusCode::kOk);
  EXPECT_EQ(names.Guest("c01e"), StatusCode::kOk);
  EXPECT_EQ(names.Rename(1, "Bi11"), StatusCode::kOk);
}

TEST(LookAlike, IsAllowedWhereNobodyMinds) {
  Limits limits;
  limits.refuse_look_alikes = false;
  Names names(limits);
  ASSERT_EQ(names.Account("bill", "Bill"), StatusCode::kOk);
  EXPECT_EQ(names.Guest("bi1l"), StatusCode::kOk);
}

}  // namespace
}  // namespace txtchat
