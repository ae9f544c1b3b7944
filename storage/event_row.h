#pragma once

#include <memory>
#include <string>

#include "core/event.h"
#include "storage/sqlite_handle.h"

namespace txtchat::storage {

/// The columns that EventOf reads, for a SELECT from events. The text comes last, so that whoever
/// does not want it never loads it.
inline constexpr char kEventColumns[] =
    "sequence, time_ms, kind, user_id, user_name, client_message_id, text";
inline constexpr int kEventTextColumn = 6;

/// The event of the row that the statement, which began with kEventColumns, stands on.
inline EventPtr EventOf(const Statement& row, const std::string& channel_id) {
  auto event = std::make_shared<Event>();
  event->channel_id = channel_id;
  event->sequence = row.Number(0);
  event->time_unix_ms = row.Time(1);
  event->kind = static_cast<EventKind>(row.Number(2));
  event->user_id = row.Bytes(3);
  event->user_name = row.Bytes(4);
  event->client_message_id = row.Bytes(5);
  event->text = row.Bytes(kEventTextColumn);
  return event;
}

}  // namespace txtchat::storage
