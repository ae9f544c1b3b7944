#include "grpc-service/act_event.h"

#include "grpc-service/conversions.h"
#include "txtchat/v1/chat.pb.h"

namespace txtchat::rpc {
namespace {

template <typename Message>
Message& By(const Event& event, Message* message) {
  SetUser({event.user_id, event.user_name}, *message->mutable_by());
  return *message;
}

void SetSanctioned(const Event& event, v1::Sanctioned& out) {
  const Act& act = *event.act;
  By(event, &out).set_subject(act.target_id);
  out.set_subject_name(act.target_name);
  if (act.until_unix_ms != 0) SetTime(act.until_unix_ms, *out.mutable_until());
  out.set_reason(act.text);
}

void SetPardoned(const Event& event, v1::Pardoned& out) {
  By(event, &out).set_subject(event.act->target_id);
  out.set_subject_name(event.act->target_name);
}

void SetAct(const Event& event, v1::Event& out) {
  const Act& act = *event.act;
  const UserInfo target{act.target_id, act.target_name};
  switch (event.kind) {
    case EventKind::kMessageDeleted: {
      v1::MessageDeleted& deleted = By(event, out.mutable_message_deleted());
      deleted.set_deleted_sequence(act.target_sequence);
      SetUser(target, *deleted.mutable_sender());
      return;
    }
    case EventKind::kMemberKicked: {
      v1::MemberKicked& kicked = By(event, out.mutable_member_kicked());
      SetUser(target, *kicked.mutable_user());
      kicked.set_reason(act.text);
      return;
    }
    case EventKind::kBanned:
      SetSanctioned(event, *out.mutable_banned());
      return;
    case EventKind::kMuted:
      SetSanctioned(event, *out.mutable_muted());
      return;
    case EventKind::kUnbanned:
      SetPardoned(event, *out.mutable_unbanned());
      return;
    case EventKind::kUnmuted:
      SetPardoned(event, *out.mutable_unmuted());
      return;
    case EventKind::kRoleChanged: {
      v1::RoleChanged& changed = By(event, out.mutable_role_changed());
      SetUser(target, *changed.mutable_user());
      changed.set_role(RoleOf(act.role));
      return;
    }
    case EventKind::kTopicChanged:
      By(event, out.mutable_topic_changed()).set_topic(act.text);
      return;
    case EventKind::kChannelRenamed:
      By(event, out.mutable_channel_renamed()).set_display_name(act.text);
      return;
    case EventKind::kChannelDeleted:
      By(event, out.mutable_channel_deleted());
      return;
    case EventKind::kMessagePosted:
    case EventKind::kMemberJoined:
    case EventKind::kMemberLeft:
    case EventKind::kMessageRemoved:
      return;
  }
}

}  // namespace

void AppendActEvent(const Event& event, std::string& out) {
  // Seldom sent: the generated classes will do.
  v1::SubscribeResponse response;
  v1::Event& told = *response.add_events();
  told.set_channel_id(event.channel_id);
  told.set_sequence(event.sequence);
  SetTime(event.time_unix_ms, *told.mutable_create_time());
  if (event.kind == EventKind::kMessageRemoved) {
    SetUser({event.user_id, event.user_name}, *told.mutable_message_removed()->mutable_sender());
  } else {
    SetAct(event, told);
  }
  response.AppendToString(&out);
}

}  // namespace txtchat::rpc
