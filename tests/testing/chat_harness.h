#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/chat_engine.h"
#include "core/delivery_lane.h"
#include "core/history_reader.h"
#include "core/subscription.h"
#include "gtest/gtest.h"
#include "storage/memory_store.h"
#include "tests/testing/failing_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/keeping_store.h"
#include "tests/testing/plain_encoder.h"
#include "tests/testing/plain_names.h"

namespace txtchat::testing {

/// A transport without a network: runs completions at once and reads for its sessions when asked.
class HarnessLane final : public DeliveryLane {
 public:
  explicit HarnessLane(HistoryReader* history) : history_(history) {}

  void Deliver(LaneBatch batch) override;

  /// Everything that the session is owed now, by channel id: what the encoder wrote, with
  /// `gap FROM-TO` lines where something is no longer kept.
  std::map<std::string, std::string> Read(SessionId session);
  /// The same of one channel; empty if there is nothing.
  std::string Read(SessionId session, const std::string& channel_id);
  /// Channels that the session is subscribed to.
  std::vector<std::string> SubscribedChannels(SessionId session) const;
  /// Why the core ended the session; OK if it did not.
  absl::Status EndOf(SessionId session) const;
  /// What a restart of the server does to connections.
  void ForgetSessions() { sessions_.clear(); }
  int wakes() const { return wakes_; }
  bool told_of_room() const { return told_of_room_; }

 private:
  std::string Drain(Subscription& subscription);

  HistoryReader* const history_;
  std::map<SessionId, std::map<ChannelKey, Subscription>> sessions_;
  std::map<SessionId, absl::Status> ended_;
  int wakes_ = 0;
  bool told_of_room_ = false;
};

std::string Describe(const Recovery& recovery);

/// The whole core on one thread, with a small language to drive it.
class ChatHarness {
 public:
  explicit ChatHarness(Limits limits = {});

  /// One batch of one command; answers what the core answered.
  absl::StatusOr<Result> Do(const Actor& actor, Command command);
  /// Adds a command to the next batch; `answer` is written when RunBatch decides it.
  void Queue(const Actor& actor, Command command, absl::StatusOr<Result>* answer = nullptr,
             bool must_apply = false);
  void RunBatch();
  /// Lets time pass and runs what falls due.
  void Pass(std::int64_t ms);

  /// A line guest with a session of its own; the user id is `10.0.0.SESSION:1000`.
  Actor LineGuest(SessionId session, const std::string& name);
  /// A gRPC guest without a session; the user id is `user-NAME`.
  Actor TokenGuest(const std::string& name);
  /// Makes an account that logs in as `NAME` and acts with the token `token of NAME`, which lasts
  /// `lifetime_ms`; the user id is `account-NAME`, and its password is hashed as `NAME's hash`.
  Actor Account(const std::string& name, std::int64_t lifetime_ms = kDayMs);
  /// Another token of an account, as a login makes one; its id is `id of TOKEN`.
  Actor LogIn(const std::string& name, const std::string& token, std::int64_t lifetime_ms = kDayMs);
  /// Somebody vouched for from now on, for so long.
  Actor VouchedFor(const std::string& subject, const std::string& name,
                   std::int64_t lifetime_ms = kDayMs, std::vector<std::string> channel_ids = {});
  /// Who the core says that the actor is; empty if it is nobody.
  UserInfo WhoIs(const Actor& actor);
  /// Opens a session for a token guest. Empty: all channels.
  absl::Status Open(const Actor& guest, SessionId session,
                    std::vector<std::string> channel_ids = {});
  /// The same from positions; answers how they were met, as `recovered`, `gap 1-5`, `epoch
  /// changed`, `not a member`, or the error's code.
  std::string OpenAt(const Actor& guest, SessionId session, std::vector<Position> positions);
  /// UNAVAILABLE while the store refuses: it is tried again with a later batch.
  absl::Status Close(SessionId session);
  /// Creates a channel and answers its id.
  std::string Create(const Actor& actor, const std::string& name);
  absl::Status Post(const Actor& actor, const std::string& channel_id, const std::string& text);
  absl::Status JoinChannel(const Actor& actor, const std::string& channel_id);

  static std::string AddressOf(SessionId session) {
    return "10.0.0." + std::to_string(session) + ":1000";
  }

  static constexpr std::int64_t kDayMs = 86'400'000;

  Limits limits;
  /// A new server process over what the store has kept. Actors with a credential go on.
  void Restart();
  ChatEngine& engine() { return *engine_; }

  FakeClock clock;
  PlainNames names;
  storage::MemoryStore memory;
  KeepingStore keeping;
  FailingStore store;
  HistoryReader history;
  HarnessLane lane;

 private:
  std::unique_ptr<ChatEngine> engine_;
  std::vector<Envelope> batch_;
  std::uint64_t entropy_ = 0;
};

}  // namespace txtchat::testing
