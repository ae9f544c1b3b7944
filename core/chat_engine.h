#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/chat_state.h"
#include "core/command.h"
#include "core/decision.h"
#include "core/delivery_lane.h"
#include "core/limits.h"
#include "core/message_store.h"
#include "core/wire_format.h"

namespace txtchat {

/// The chat itself: takes batches of commands and does with each batch what the design says.
///
///   decide   each command against the state, changing it under an undo journal
///   commit   the events of the whole batch, one store transaction
///   publish  append the events to their queues, wake the lanes, send the answers
///
/// If the commit fails, the state is rolled back, every command of the batch is answered
/// UNAVAILABLE, and nobody has seen anything of it.
///
/// Single-threaded and deterministic: time and randomness come with the commands. The sequencer's
/// thread drives it in a server, a test drives it directly.
class ChatEngine {
 public:
  /// `store` and `encoders` outlive the engine.
  ChatEngine(const Limits& limits, EncoderSet encoders, MessageStore* store);
  ChatEngine(const ChatEngine&) = delete;
  ChatEngine& operator=(const ChatEngine&) = delete;

  /// Decides `batch`, consuming it. `now_unix_ms` is used for what falls due by itself (guests,
  /// empty channels). Blocking for the store's commit.
  void Process(std::vector<Envelope>& batch, std::int64_t now_unix_ms);

  /// When Process wants to be called next even without commands, in Unix milliseconds.
  std::optional<std::int64_t> NextDeadlineUnixMs() const;

  /// Tells `lane`, when the next batch is published, that the inbox has room again.
  void NotifyRoom(DeliveryLane* lane) { publisher_.NotifyRoom(lane); }

  /// For tests and metrics.
  const ChatState& state() const { return state_; }

 private:
  /// Takes a batch back that could not be committed.
  void Refuse(std::vector<Envelope>& batch, std::int64_t now_unix_ms);

  const Limits limits_;
  ChatState state_;
  MessageStore* const store_;
  Decision decision_;
  Publisher publisher_;
  /// must_apply commands of failed batches, to be decided before the next one.
  std::vector<Envelope> deferred_;
  std::optional<std::int64_t> retry_at_unix_ms_;
};

}  // namespace txtchat
