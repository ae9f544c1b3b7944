#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat::testing {

/// A channel that ann owns, with bob as a member; both have a session (1 and 2).
struct Room {
  explicit Room(Limits limits = {}) : chat(limits) {
    ann = chat.TokenGuest("ann");
    bob = chat.TokenGuest("bob");
    EXPECT_TRUE(chat.Open(ann, 1).ok());
    EXPECT_TRUE(chat.Open(bob, 2).ok());
    id = chat.Create(ann, "room");
    EXPECT_TRUE(chat.JoinChannel(bob, id).ok());
    chat.lane.Read(1);
    chat.lane.Read(2);
  }
  absl::StatusCode Try(const Actor& actor, Command command) {
    return chat.Do(actor, std::move(command)).status().code();
  }
  std::uint64_t Say(const Actor& actor, const std::string& text, const std::string& key = "") {
    return std::get<Posted>(*chat.Do(actor, Send{id, text, key})).event->sequence;
  }
  Role RoleOf(const std::string& user_id) { return RoleOf(ann, user_id); }
  Role RoleOf(const Actor& asking, const std::string& user_id) {
    const auto page = std::get<MemberPage>(*chat.Do(asking, ListMembers{id}));
    for (const MemberInfo& m : page.members) {
      if (m.user.id == user_id) return m.role;
    }
    ADD_FAILURE() << user_id << " is no member";
    return Role::kMember;
  }

  ChatHarness chat;
  Actor ann;
  Actor bob;
  std::string id;
};

}  // namespace txtchat::testing
