#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "core/event.h"
#include "storage/act_codec.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// The columns that EventOf reads, for a SELECT from events. The text comes last, so that whoever
/// does not want it never loads it.
inline constexpr char kEventColumns[] =
    "sequence, time_ms, kind, user_id, user_name, client_message_id, text";
inline constexpr int kEventTextColumn = 6;

/// How many bytes the text of its event has: that of an act is none, and small.
inline std::size_t TextBytesOf(const Statement& row) {
  return IsAct(static_cast<EventKind>(row.Number(2))) ? 0 : row.Bytes(kEventTextColumn).size();
}

/// Whether the row that the statement stands on, as below, is a message that this user has posted.
inline bool IsAuthoredMessage(const Statement& row, const std::string& user_id) {
  return static_cast<EventKind>(row.Number(2)) == EventKind::kMessagePosted &&
         row.Bytes(3) == user_id;
}

/// The event of the row that the statement, which began with kEventColumns, stands on. DATA_LOSS if
/// its act cannot be read.
inline absl::StatusOr<EventPtr> EventOf(const Statement& row, const std::string& channel_id) {
  auto event = std::make_shared<Event>();
  event->channel_id = channel_id;
  event->sequence = row.Number(0);
  event->time_unix_ms = row.Time(1);
  event->kind = static_cast<EventKind>(row.Number(2));
  event->user_id = row.Bytes(3);
  event->user_name = row.Bytes(4);
  event->client_message_id = row.Bytes(5);
  if (!IsAct(event->kind)) {
    event->text = row.Bytes(kEventTextColumn);
    return event;
  }
  absl::StatusOr<Act> act = DecodeAct(row.Bytes(kEventTextColumn));
  if (!act.ok()) return act.status();
  event->act = std::make_shared<const Act>(*std::move(act));
  return event;
}

}  // namespace txtchat::storage
