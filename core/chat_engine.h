#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
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
  /// `names` as ChatState.
  ChatEngine(const Limits& limits, EncoderSet encoders, MessageStore* store,
             const NameFolder* names = nullptr);
  ChatEngine(const ChatEngine&) = delete;
  ChatEngine& operator=(const ChatEngine&) = delete;

  /// Takes over what the store had kept, and ends users whose connection is gone. Once, before
  /// Process. Blocking for the store. Returns the store's error.
  absl::Status Recover(std::int64_t now_unix_ms);

  /// Called on the thread of Process with the store's error when commits begin to fail, and with OK
  /// when they hold again. Set it before Process.
  using CommitObserver = absl::AnyInvocable<void(const absl::Status&)>;
  void set_commit_observer(CommitObserver observer) { commit_observer_ = std::move(observer); }
  /// As Publisher::set_erase_observer.
  void set_erase_observer(std::function<void(ChannelKey)> observer) {
    publisher_.set_erase_observer(std::move(observer));
  }

  /// Decides `batch`, consuming it. `now_unix_ms` is used for what falls due by itself (guests,
  /// empty channels). Blocking for the store's commit.
  void Process(std::vector<Envelope>& batch, std::int64_t now_unix_ms);

  /// When Process wants to be called next even without commands, in Unix milliseconds.
  std::optional<std::int64_t> NextDeadlineUnixMs() const;

  /// Tells `lane`, when the next batch is published, that the inbox has room again.
  void NotifyRoom(DeliveryLane* lane) { publisher_.NotifyRoom(lane); }

  /// For tests and metrics.
  const ChatState& state() const { return state_; }
  /// Encoded bytes that all broadcast queues keep.
  std::size_t queues_bytes() const { return publisher_.queues_bytes(); }

 private:
  absl::Status Commit();
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
  CommitObserver commit_observer_;
  bool commits_fail_ = false;
};

}  // namespace txtchat
