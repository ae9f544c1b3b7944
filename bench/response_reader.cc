#include "bench/response_reader.h"

namespace txtchat::bench {
namespace {

// Field numbers of txtchat/v1/chat.proto. A test holds them against the generated classes.
constexpr std::uint32_t kResponseEvents = 1;
constexpr std::uint32_t kEventChannelId = 1;
constexpr std::uint32_t kEventSequence = 2;
constexpr std::uint32_t kEventMessagePosted = 4;
constexpr std::uint32_t kEventGap = 7;
constexpr std::uint32_t kEventHeartbeat = 8;
constexpr std::uint32_t kMessagePostedText = 2;

/// One field of a message in the wire format.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t varint = 0;  ///< Of a varint.
  std::string_view bytes;    ///< Of a length-delimited one.
};

bool TakeVarint(std::string_view& rest, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) return false;
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool TakeBytes(std::string_view& rest, std::uint64_t size, std::string_view& bytes) {
  if (size > rest.size()) return false;
  bytes = rest.substr(0, static_cast<std::size_t>(size));
  rest.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

bool TakeField(std::string_view& rest, Field& field) {
  std::uint64_t tag = 0;
  if (!TakeVarint(rest, tag)) return false;
  field.number = static_cast<std::uint32_t>(tag >> 3);
  field.bytes = {};
  switch (tag & 7) {
    case 0:
      return TakeVarint(rest, field.varint);
    case 1:
      return TakeBytes(rest, 8, field.bytes);
    case 2: {
      std::uint64_t size = 0;
      return TakeVarint(rest, size) && TakeBytes(rest, size, field.bytes);
    }
    case 5:
      return TakeBytes(rest, 4, field.bytes);
    default:
      return false;
  }
}

bool ReadMessagePosted(std::string_view rest, ReceivedEvent& event) {
  event.kind = ReceivedEvent::Kind::kMessage;
  for (Field field; !rest.empty();) {
    if (!TakeField(rest, field)) return false;
    if (field.number == kMessagePostedText) event.text = field.bytes;
  }
  return true;
}

bool ReadEvent(std::string_view rest, ReceivedEvent& event) {
  event = ReceivedEvent();
  for (Field field; !rest.empty();) {
    if (!TakeField(rest, field)) return false;
    switch (field.number) {
      case kEventChannelId:
        event.channel_id = field.bytes;
        break;
      case kEventSequence:
        event.sequence = field.varint;
        break;
      case kEventMessagePosted:
        if (!ReadMessagePosted(field.bytes, event)) return false;
        break;
      case kEventGap:
        event.kind = ReceivedEvent::Kind::kGap;
        break;
      case kEventHeartbeat:
        event.kind = ReceivedEvent::Kind::kHeartbeat;
        break;
      default:
        break;
    }
  }
  return true;
}

}  // namespace

bool ResponseReader::Next(ReceivedEvent& event) {
  while (good_ && !rest_.empty()) {
    Field field;
    if (!TakeField(rest_, field)) {
      good_ = false;
    } else if (field.number == kResponseEvents) {
      good_ = ReadEvent(field.bytes, event);
      return good_;
    }
  }
  return false;
}

}  // namespace txtchat::bench
