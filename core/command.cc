#include "core/command.h"

#include <algorithm>

namespace txtchat {
namespace {

/// A short question may have a long answer, which is in memory until its transport has taken it: it
/// counts as what it brings forth.
constexpr std::size_t BytesOfList(std::size_t page_size) {
  constexpr std::size_t kEntryBytes = 256;
  constexpr std::size_t kEntriesMax = 1'000;
  return kEntryBytes * (page_size == 0 ? kEntriesMax : std::min(page_size, kEntriesMax));
}

struct PayloadBytes {
  bool with_answer = true;

  std::size_t AnswerBytes(std::size_t page_size) const {
    return with_answer ? BytesOfList(page_size) : 0;
  }
  std::size_t operator()(const Register& c) const {
    return c.user_id.size() + c.display_name.size() + c.credential.size();
  }
  std::size_t operator()(const OpenSession& c) const {
    std::size_t bytes = 0;
    for (const std::string& id : c.channel_ids) bytes += sizeof id + id.size();
    for (const Position& position : c.positions) bytes += (*this)(position);
    return bytes;
  }
  std::size_t operator()(const Position& p) const {
    return sizeof p + p.channel_id.size() + p.epoch.size();
  }
  std::size_t operator()(const Resume& c) const { return (*this)(c.position); }
  std::size_t operator()(const OpenHistory& c) const { return c.channel_id.size(); }
  std::size_t operator()(const CreateAccount& c) const {
    return c.user_id.size() + c.login.size() + c.display_name.size() + c.password_hash.size() +
           (*this)(c.token);
  }
  std::size_t operator()(const NewToken& t) const {
    return t.hash.size() + t.id.size() + t.label.size();
  }
  std::size_t operator()(const SetDisplayName& c) const { return c.display_name.size(); }
  std::size_t operator()(const FindLogin& c) const { return c.login.size(); }
  std::size_t operator()(const EnterAccount& c) const {
    return c.password_hash.size() + c.renewed_hash.size() + (*this)(c.token);
  }
  std::size_t operator()(const ChangePassword& c) const {
    return c.former_hash.size() + c.password_hash.size();
  }
  std::size_t operator()(const ListTokens&) const { return AnswerBytes(50); }
  std::size_t operator()(const RevokeToken& c) const { return c.token_id.size(); }
  std::size_t operator()(const EraseUserData& c) const { return c.password_hash.size(); }
  std::size_t operator()(const OpenDirect& c) const { return c.user_id.size(); }
  std::size_t operator()(const JoinByInvite& c) const { return c.invite_hash.size(); }
  std::size_t operator()(const AddMember& c) const {
    return c.channel_id.size() + c.user_id.size();
  }
  std::size_t operator()(const SetTopic& c) const { return c.channel_id.size() + c.topic.size(); }
  std::size_t operator()(const RenameChannel& c) const {
    return c.channel_id.size() + c.display_name.size();
  }
  std::size_t operator()(const RemoveChannel& c) const { return c.channel_id.size(); }
  std::size_t operator()(const RemoveMessage& c) const { return c.channel_id.size(); }
  std::size_t operator()(const Kick& c) const {
    return c.channel_id.size() + c.user_id.size() + c.reason.size();
  }
  std::size_t operator()(const Sanction& c) const {
    return c.channel_id.size() + c.subject.size() + c.reason.size();
  }
  std::size_t operator()(const Pardon& c) const { return c.channel_id.size() + c.subject.size(); }
  std::size_t operator()(const SetRole& c) const { return c.channel_id.size() + c.user_id.size(); }
  std::size_t operator()(const ListSanctions& c) const {
    return c.channel_id.size() + AnswerBytes(0);
  }
  std::size_t operator()(const CreateInvite& c) const {
    return c.channel_id.size() + c.hash.size() + c.invite_id.size();
  }
  std::size_t operator()(const ListInvites& c) const {
    return c.channel_id.size() + AnswerBytes(0);
  }
  std::size_t operator()(const RevokeInvite& c) const {
    return c.channel_id.size() + c.invite_id.size();
  }
  std::size_t operator()(const CreateChannel& c) const { return c.display_name.size(); }
  std::size_t operator()(const GetChannel& c) const { return c.channel_id.size(); }
  std::size_t operator()(const ListChannels& c) const {
    return c.page_token.size() + AnswerBytes(c.page_size);
  }
  std::size_t operator()(const ListMembers& c) const {
    return c.channel_id.size() + c.page_token.size() + AnswerBytes(c.page_size);
  }
  std::size_t operator()(const Join& c) const { return c.channel_id.size(); }
  std::size_t operator()(const Leave& c) const { return c.channel_id.size(); }
  std::size_t operator()(const Send& c) const {
    return c.channel_id.size() + c.text.size() + c.client_message_id.size();
  }
  template <typename Small>
  std::size_t operator()(const Small&) const {
    return 0;
  }
};

}  // namespace

std::size_t Envelope::MemoryBytes() const {
  return sizeof(Envelope) + actor.credential.size() + actor.claimed_user_id.size() +
         std::visit(PayloadBytes{}, command);
}

std::size_t Envelope::SentBytes() const {
  return actor.claimed_user_id.size() + std::visit(PayloadBytes{.with_answer = false}, command);
}

}  // namespace txtchat
