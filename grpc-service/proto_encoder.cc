#include "grpc-service/proto_encoder.h"

#include <cstddef>

#include "grpc-service/act_event.h"
#include "grpc-service/proto_wire.h"
#include "txtchat/v1/chat.pb.h"

namespace txtchat::rpc {
namespace {

std::size_t VarintSize(std::uint64_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

std::size_t LengthDelimitedSize(std::size_t length) {
  return kTagSize + VarintSize(length) + length;
}
/// Fields with the default value are left out, as proto3 does.
std::size_t NumberSize(std::uint64_t value) {
  return value == 0 ? 0 : kTagSize + VarintSize(value);
}
std::size_t StringSize(std::string_view value) {
  return value.empty() ? 0 : LengthDelimitedSize(value.size());
}

void PutNumber(int field, std::uint64_t value, std::string& out) {
  if (value == 0) return;
  PutTag(field, kVarint, out);
  PutVarint(value, out);
}
void PutString(int field, std::string_view value, std::string& out) {
  if (value.empty()) return;
  PutHead(field, value.size(), out);
  out.append(value);
}

/// google.protobuf.Timestamp of a Unix time in milliseconds.
struct TimestampParts {
  std::uint64_t seconds = 0;
  std::uint64_t nanos = 0;
  std::size_t size = 0;

  explicit TimestampParts(std::int64_t unix_ms) {
    std::int64_t whole = unix_ms / 1000;
    std::int64_t rest = unix_ms % 1000;
    if (rest < 0) {  // Before 1970: nanos count forward all the same.
      rest += 1000;
      --whole;
    }
    seconds = static_cast<std::uint64_t>(whole);
    nanos = static_cast<std::uint64_t>(rest) * 1'000'000;
    size = NumberSize(seconds) + NumberSize(nanos);
  }
};

std::size_t UserSize(const Event& event) {
  return StringSize(event.user_id) + StringSize(event.user_name);
}

void PutUser(int field, const Event& event, std::string& out) {
  PutHead(field, UserSize(event), out);
  PutString(v1::User::kIdFieldNumber, event.user_id, out);
  PutString(v1::User::kDisplayNameFieldNumber, event.user_name, out);
}

std::size_t KindSize(const Event& event) {
  const std::size_t user = LengthDelimitedSize(UserSize(event));
  if (event.kind != EventKind::kMessagePosted) return user;
  return user + StringSize(event.text) + StringSize(event.client_message_id);
}

void PutKind(const Event& event, std::size_t size, std::string& out) {
  switch (event.kind) {
    case EventKind::kMessagePosted:
      PutHead(v1::Event::kMessagePostedFieldNumber, size, out);
      PutUser(v1::MessagePosted::kSenderFieldNumber, event, out);
      PutString(v1::MessagePosted::kTextFieldNumber, event.text, out);
      PutString(v1::MessagePosted::kClientMessageIdFieldNumber, event.client_message_id, out);
      return;
    case EventKind::kMemberJoined:
      PutHead(v1::Event::kMemberJoinedFieldNumber, size, out);
      PutUser(v1::MemberJoined::kUserFieldNumber, event, out);
      return;
    case EventKind::kMemberLeft:
      PutHead(v1::Event::kMemberLeftFieldNumber, size, out);
      PutUser(v1::MemberLeft::kUserFieldNumber, event, out);
      return;
    default:
      return;  // AppendActEvent's.
  }
}

v1::Recovery::State StateOf(Recovery::State state) {
  switch (state) {
    case Recovery::State::kRecovered:
      return v1::Recovery::STATE_RECOVERED;
    case Recovery::State::kGap:
      return v1::Recovery::STATE_GAP;
    case Recovery::State::kEpochChanged:
      return v1::Recovery::STATE_EPOCH_CHANGED;
    case Recovery::State::kNotMember:
      return v1::Recovery::STATE_NOT_MEMBER;
  }
  return v1::Recovery::STATE_UNSPECIFIED;
}

}  // namespace

void ProtoEncoder::Append(const Event& event, std::string& out) const {
  if (event.kind >= EventKind::kMessageRemoved) {
    AppendActEvent(event, out);
    return;
  }
  const TimestampParts time(event.time_unix_ms);
  const std::size_t kind = KindSize(event);
  const std::size_t size = StringSize(event.channel_id) + NumberSize(event.sequence) +
                           LengthDelimitedSize(time.size) + LengthDelimitedSize(kind);
  out.reserve(out.size() + LengthDelimitedSize(size));
  PutHead(v1::SubscribeResponse::kEventsFieldNumber, size, out);
  PutString(v1::Event::kChannelIdFieldNumber, event.channel_id, out);
  PutNumber(v1::Event::kSequenceFieldNumber, event.sequence, out);
  PutHead(v1::Event::kCreateTimeFieldNumber, time.size, out);
  PutNumber(google::protobuf::Timestamp::kSecondsFieldNumber, time.seconds, out);
  PutNumber(google::protobuf::Timestamp::kNanosFieldNumber, time.nanos, out);
  PutKind(event, kind, out);
}

void AppendGapEvent(std::string_view channel_id, std::uint64_t from, std::uint64_t to,
                    std::string& out) {
  const std::size_t gap = NumberSize(from) + NumberSize(to);
  PutHead(v1::SubscribeResponse::kEventsFieldNumber,
          StringSize(channel_id) + LengthDelimitedSize(gap), out);
  PutString(v1::Event::kChannelIdFieldNumber, channel_id, out);
  PutHead(v1::Event::kGapFieldNumber, gap, out);
  PutNumber(v1::Gap::kFromSequenceFieldNumber, from, out);
  PutNumber(v1::Gap::kToSequenceFieldNumber, to, out);
}

void AppendHeartbeatEvent(const std::vector<ChannelHeadView>& heads, std::string_view epoch,
                          std::string& out) {
  const auto head_size = [](const ChannelHeadView& head) {
    return StringSize(head.channel_id) + NumberSize(head.head_sequence);
  };
  std::size_t heartbeat = StringSize(epoch);
  for (const ChannelHeadView& head : heads) heartbeat += LengthDelimitedSize(head_size(head));

  PutHead(v1::SubscribeResponse::kEventsFieldNumber, LengthDelimitedSize(heartbeat), out);
  PutHead(v1::Event::kHeartbeatFieldNumber, heartbeat, out);
  for (const ChannelHeadView& head : heads) {
    PutHead(v1::Heartbeat::kHeadsFieldNumber, head_size(head), out);
    PutString(v1::ChannelHead::kChannelIdFieldNumber, head.channel_id, out);
    PutNumber(v1::ChannelHead::kHeadSequenceFieldNumber, head.head_sequence, out);
  }
  PutString(v1::Heartbeat::kEpochFieldNumber, epoch, out);
}

void AppendRecoveryEvent(const Recovery& recovery, std::string& out) {
  // Seldom sent: the generated classes will do.
  v1::SubscribeResponse response;
  v1::Event& event = *response.add_events();
  event.set_channel_id(recovery.channel_id);
  v1::Recovery& told = *event.mutable_recovery();
  told.set_state(StateOf(recovery.state));
  told.set_from_sequence(recovery.gap_from);
  told.set_to_sequence(recovery.gap_to);
  response.AppendToString(&out);
}

}  // namespace txtchat::rpc
