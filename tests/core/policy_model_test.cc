// The rules against a model of them: random commands of a few users in a few channels, over a store
// that refuses some batches and is loaded again now and then.
#include "tests/core/policy_model.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/chat_harness.h"

namespace txtchat {
namespace {

using testing::ChatHarness;
using testing::PolicyModel;
using Act = PolicyModel::Act;
using Op = PolicyModel::Op;

constexpr const char* kNames[PolicyModel::kUsers] = {"ann", "bob", "cyd", "dan", "eve"};

std::string IdOf(int user) { return std::string("user-") + kNames[user]; }

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    for (const char* name : kNames) actors_.push_back(chat_.TokenGuest(name));
    OpenSessions();
  }

  void Step() {
    chat_.Pass(1 + Roll(300));
    const int dice = Roll(40);
    if (dice == 0) {
      Restart();
    } else if (dice == 1) {
      Replace(Roll(PolicyModel::kUsers));
    } else {
      RunBatch(/*refused=*/dice < 12);
    }
    CompareMembers();
  }

 private:
  int Roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }

  void OpenSessions() {
    for (int user = 0; user < PolicyModel::kUsers; ++user) {
      sessions_.resize(PolicyModel::kUsers);
      if (sessions_[user] != 0 && chat_.lane.EndOf(sessions_[user]).ok()) continue;
      sessions_[user] = ++last_session_;
      ASSERT_TRUE(chat_.Open(actors_[user], sessions_[user]).ok());
    }
  }

  Op RandomOp() {
    Op op{.act = static_cast<Act>(Roll(PolicyModel::kActs)),
          .actor = Roll(PolicyModel::kUsers),
          .slot = Roll(PolicyModel::kSlots),
          .target = Roll(PolicyModel::kUsers),
          .role = static_cast<Role>(Roll(3)),
          .duration_ms = Roll(2) * 2'000};
    // Channels last for a while.
    if ((op.act == Act::kRemove || op.act == Act::kLeave) && Roll(4) != 0) op.act = Act::kSend;
    if (op.act == Act::kInvite) op.invite = "invite " + std::to_string(++last_invite_);
    const PolicyModel::Channel& channel = model_.channels[op.slot];
    // And those who may do something there try it more often.
    for (const auto& [user, role] : channel.members) {
      if (role > Role::kMember && Roll(2) == 0) op.actor = user;
    }
    if (op.act == Act::kUseInvite) {
      op.invite = channel.invites.empty() ? "none" : channel.invites.rbegin()->first;
    }
    if (op.act == Act::kDelete && !channel.messages.empty()) {
      auto it = channel.messages.begin();
      std::advance(it, Roll(static_cast<int>(channel.messages.size())));
      op.message = it->first;
    }
    return op;
  }

  Command CommandOf(const Op& op) const {
    const std::string& id = ids_[op.slot];
    const std::string target = IdOf(op.target);
    switch (op.act) {
      case Act::kCreate:
        return CreateChannel{"room", op.slot == 0 ? ChannelKind::kPrivate : ChannelKind::kPublic};
      case Act::kRemove:
        return RemoveChannel{id};
      case Act::kJoin:
        return Join{id};
      case Act::kResume:
        return Resume{{id, 0, ""}};
      case Act::kLeave:
        return Leave{id};
      case Act::kSend:
        return Send{id, "text"};
      case Act::kTopic:
        return SetTopic{id, target};
      case Act::kAdd:
        return AddMember{id, target};
      case Act::kKick:
        return Kick{id, target};
      case Act::kBan:
        return Sanction{id, SanctionKind::kBan, target, op.duration_ms};
      case Act::kMute:
        return Sanction{id, SanctionKind::kMute, target, op.duration_ms};
      case Act::kUnban:
        return Pardon{id, SanctionKind::kBan, target};
      case Act::kUnmute:
        return Pardon{id, SanctionKind::kMute, target};
      case Act::kRole:
        return SetRole{id, target, op.role};
      case Act::kInvite:
        return CreateInvite{id, op.invite, "id of " + op.invite, 2, 1'000'000'000};
      case Act::kUseInvite:
        return JoinByInvite{op.invite};
      case Act::kDelete:
        return RemoveMessage{id, op.message};
      case Act::kList:
        return ListMembers{id};
    }
    return WhoAmI{};
  }

  void RunBatch(bool refused) {
    // What is created has an id only after its batch: so it is all of it.
    std::vector<Op> ops;
    const int slot = Roll(PolicyModel::kSlots);
    if (!model_.channels[slot].exists || (!HasOwner(slot) && Roll(3) == 0)) {
      ops.push_back({.act = Act::kCreate, .actor = Roll(PolicyModel::kUsers), .slot = slot});
    } else {
      for (int count = 1 + Roll(5); count > 0; --count) {
        const Op op = RandomOp();
        if (op.act != Act::kCreate) ops.push_back(op);
      }
    }
    const std::string before = refused ? Observe() : "";
    if (refused) chat_.store.FailCommits(absl::UnavailableError("no disk"));
    std::vector<absl::StatusOr<Result>> answers(ops.size(), absl::UnknownError("no answer"));
    for (std::size_t i = 0; i < ops.size(); ++i) {
      chat_.Queue(actors_[ops[i].actor], CommandOf(ops[i]), &answers[i]);
    }
    chat_.RunBatch();
    chat_.store.FailCommits(absl::OkStatus());
    const auto is_unavailable = [](const auto& answer) {
      return absl::IsUnavailable(answer.status());
    };
    // A batch that changes nothing is not refused.
    if (refused && std::all_of(answers.begin(), answers.end(), is_unavailable)) {
      EXPECT_EQ(Observe(), before);
      return;
    }
    for (std::size_t i = 0; i < ops.size(); ++i) {
      const Op& op = ops[i];
      EXPECT_EQ(absl::StatusCodeToString(answers[i].status().code()),
                absl::StatusCodeToString(model_.Decide(op, chat_.clock.NowUnixMs())))
          << kNames[op.actor] << " act " << static_cast<int>(op.act) << " in " << op.slot << " on "
          << kNames[op.target] << ": " << answers[i].status();
      if (answers[i].ok()) Learn(op, *answers[i]);
    }
  }

  bool HasOwner(int slot) const {
    const auto& members = model_.channels[slot].members;
    return std::any_of(members.begin(), members.end(),
                       [](const auto& member) { return member.second == Role::kOwner; });
  }

  void Learn(const Op& op, const Result& answer) {
    if (op.act == Act::kCreate) ids_[op.slot] = std::get<ChannelInfo>(answer).id;
    // It may have ended in the same batch.
    if (op.act == Act::kSend && model_.channels[op.slot].exists) {
      model_.channels[op.slot].messages[std::get<Posted>(answer).event->sequence] = op.actor;
    }
  }

  void Restart() {
    const std::string before = Observe();
    chat_.Restart();
    sessions_.clear();
    EXPECT_EQ(Observe(), before);
    OpenSessions();
  }

  void Replace(int user) {
    const std::string before = Observe();
    chat_.Queue(actors_[user], EraseUserData{});
    chat_.Queue({}, Register{IdOf(user), kNames[user], actors_[user].credential, {}});
    chat_.store.FailCommits(absl::UnavailableError("no disk"));
    chat_.RunBatch();
    chat_.store.FailCommits(absl::OkStatus());
    EXPECT_EQ(Observe(), before);
    EXPECT_TRUE(chat_.Do(actors_[user], EraseUserData{}).ok());
    actors_[user] = chat_.TokenGuest(kNames[user]);
    model_.Replace(user);
    OpenSessions();
  }

  /// Everything that anybody can learn by asking, and how much the sessions were told so far.
  std::string Observe() {
    for (const SessionId session : sessions_) said_ += chat_.lane.Read(session).size();
    std::string seen = std::to_string(said_) + "\n";
    for (std::size_t user = 0; user < actors_.size(); ++user) {
      seen += std::string(kNames[user]) + "\n";
      for (const std::string& id : ids_) ObserveChannel(actors_[user], id, seen);
      const auto list = chat_.Do(actors_[user], ListChannels{0, "", true});
      for (const ChannelInfo& c : std::get<ChannelPage>(*list).channels) seen += c.id + " ";
    }
    return seen;
  }

  void ObserveChannel(const Actor& actor, const std::string& id, std::string& seen) {
    const auto info = chat_.Do(actor, GetChannel{id});
    seen += info.status().ToString();
    if (!info.ok()) return;
    const auto& c = std::get<ChannelInfo>(*info);
    seen += c.id + " " + c.topic + " " + std::to_string(c.head_sequence) + " " +
            std::to_string(c.member_count) + "\n";
    if (const auto members = chat_.Do(actor, ListMembers{id}); members.ok()) {
      for (const MemberInfo& m : std::get<MemberPage>(*members).members) {
        seen += m.user.id + " " + std::to_string(static_cast<int>(m.role)) + " " +
                std::to_string(m.muted_until_unix_ms + (m.muted ? 1 : 0)) + "\n";
      }
    }
    if (const auto list = chat_.Do(actor, ListSanctions{id}); list.ok()) {
      for (const SanctionRow& s : std::get<SanctionList>(*list).sanctions) {
        seen += s.subject + " " + std::to_string(static_cast<int>(s.kind)) + " " +
                std::to_string(s.until_unix_ms) + "\n";
      }
    }
    if (const auto list = chat_.Do(actor, ListInvites{id}); list.ok()) {
      for (const InviteRow& i : std::get<InviteList>(*list).invites) {
        seen += i.id + " " + std::to_string(i.uses_left) + "\n";
      }
    }
  }

  void CompareMembers() {
    for (int slot = 0; slot < PolicyModel::kSlots; ++slot) {
      const PolicyModel::Channel& channel = model_.channels[slot];
      if (channel.members.empty()) continue;
      const auto listed =
          chat_.Do(actors_[channel.members.begin()->first], ListMembers{ids_[slot]});
      ASSERT_TRUE(listed.ok()) << listed.status();
      std::map<std::string, Role> members;
      for (const MemberInfo& m : std::get<MemberPage>(*listed).members) {
        members[m.user.id] = m.role;
        EXPECT_EQ(m.muted, IsMuted(channel, m.user.id)) << m.user.id;
      }
      std::map<std::string, Role> expected;
      for (const auto& [user, role] : channel.members) expected[IdOf(user)] = role;
      EXPECT_EQ(members, expected);
    }
  }

  bool IsMuted(const PolicyModel::Channel& channel, const std::string& user_id) const {
    for (int user = 0; user < PolicyModel::kUsers; ++user) {
      if (IdOf(user) != user_id) continue;
      return PolicyModel::Holds(channel.muted, user, chat_.clock.NowUnixMs());
    }
    return false;
  }

  std::mt19937 random_;
  ChatHarness chat_;
  PolicyModel model_;
  std::vector<Actor> actors_;
  std::vector<SessionId> sessions_;
  std::string ids_[PolicyModel::kSlots];
  SessionId last_session_ = 0;
  int last_invite_ = 0;
  std::size_t said_ = 0;
};

TEST(PolicyModel, AgreesWithTheCoreWhateverIsRefused) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int step = 0; step < 400 && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      world.Step();
    }
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace txtchat
