// How ChatModel tells of moderation: who did what to whom.

#include <algorithm>
#include <ctime>

#include "client/chat_model.h"
#include "client/json_output.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

std::string Because(const std::string& reason) {
  return reason.empty() ? "" : ": " + SanitizeLine(reason);
}

// A date as well as a time of day: a ban can last long.
std::string LocalDateAndTime(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm local{};
  char text[32];
  if (localtime_r(&time, &local) == nullptr) return "a time far away";
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local);
  return text;
}

}  // namespace

std::string ChatModel::Subject(const std::string& id, const std::string& name) {
  if (name.empty()) return SanitizeLine(id);  // an address range
  v1::User user;
  user.set_id(id);
  user.set_display_name(name);
  Meet(user);
  return Name(user);
}

std::string ChatModel::SanctionText(const char* did, const v1::Sanctioned& act) {
  std::string text = " " + std::string(did) + " " + Subject(act.subject(), act.subject_name());
  if (act.has_until()) text += " until " + LocalDateAndTime(act.until().seconds());
  return text + Because(act.reason());
}

void ChatModel::Remember(const v1::Event& message) {
  if (posted_.size() == kPostedMax) posted_.pop_front();
  posted_.push_back({{message.channel_id(), message.sequence()}, message.create_time().seconds()});
}

// Lines that were shown cannot be taken back from a terminal: what is said instead is when it was
// posted, as it stands before it there.
std::string ChatModel::ShowDeletion(const std::string& channel_id, const v1::MessageDeleted& act) {
  Meet(act.sender());
  const bool own = act.by().id() == act.sender().id();
  std::string which =
      own ? " removed a message of their own" : " removed a message of " + Name(act.sender());
  const auto posted = std::find_if(posted_.begin(), posted_.end(), [&](const auto& entry) {
    return entry.first.first == channel_id && entry.first.second == act.deleted_sequence();
  });
  if (posted == posted_.end()) return which;
  return which + ", posted at " + time_of_day_(posted->second);
}

std::string ChatModel::ShowAct(const v1::Event& event) {
  const auto told = [this](const v1::User& by, const std::string& what) {
    Meet(by);
    return "* " + Name(by) + what;
  };
  switch (event.kind_case()) {
    case v1::Event::kMessageRemoved:
      return told(event.message_removed().sender(), ": (removed)").substr(2);
    case v1::Event::kMessageDeleted: {
      const v1::MessageDeleted& act = event.message_deleted();
      return told(act.by(), ShowDeletion(event.channel_id(), act));
    }
    case v1::Event::kMemberKicked: {
      const v1::MemberKicked& act = event.member_kicked();
      Meet(act.user());
      return told(act.by(), " kicked " + Name(act.user()) + Because(act.reason()));
    }
    case v1::Event::kBanned:
      return told(event.banned().by(), SanctionText("banned", event.banned()));
    case v1::Event::kMuted:
      return told(event.muted().by(), SanctionText("muted", event.muted()));
    case v1::Event::kUnbanned: {
      const v1::Pardoned& act = event.unbanned();
      return told(act.by(), " took back the ban of " + Subject(act.subject(), act.subject_name()));
    }
    case v1::Event::kUnmuted: {
      const v1::Pardoned& act = event.unmuted();
      return told(act.by(), " let " + Subject(act.subject(), act.subject_name()) + " speak again");
    }
    case v1::Event::kRoleChanged: {
      const v1::RoleChanged& act = event.role_changed();
      Meet(act.user());
      return told(act.by(), " gave " + Name(act.user()) + " the role " + RoleName(act.role()));
    }
    case v1::Event::kTopicChanged: {
      const std::string& topic = event.topic_changed().topic();
      return told(event.topic_changed().by(), topic.empty()
                                                  ? " took the topic away"
                                                  : " set the topic: " + SanitizeLine(topic));
    }
    case v1::Event::kChannelRenamed:
      return told(event.channel_renamed().by(),
                  " renamed the channel: " + SanitizeLine(event.channel_renamed().display_name()));
    case v1::Event::kChannelDeleted:
      return told(event.channel_deleted().by(), " deleted the channel");
    default:
      return "";
  }
}

}  // namespace txtchat::client
