#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "core/journal.h"
#include "core/message_store.h"

namespace txtchat::storage {

/// Holds in memory what is not worth a disk: users without a credential, who end with their
/// connection, and their personal channels (docs/adr/0007-lifetimes.md). It stands before a durable
/// store and takes the changes that concern only what it holds. What becomes worth storing it hands
/// back, as the changes that make the store hold it instead:
///   a user      when it becomes a member of a stored channel, sends there with a client message
///   id,
///               or is given a token, a sanction, or an account
///   a channel   with its members and its events: when a message is posted there, a stored user
///               joins it or a member comes to stay, somebody acts as a moderator there, it is
///               given a topic, a sanction or an invite, something in it is to be erased, or it
///               would hold kEventsMax events
/// Ending before that leaves nothing behind.
///
/// Changes come from the sequencer's thread, each batch followed by Commit or RollBack. What has
/// been handed back stays readable here until Commit: call that when the store holds it, and
/// readers find it here or there at any moment, if they look here first. Nothing of a batch can be
/// read before its Commit. Bounded by the server's limits on users and channels, with fewer than
/// kEventsMax events for each channel.
class GuestNursery {
 public:
  static constexpr std::size_t kEventsMax = 16;

  GuestNursery() = default;
  GuestNursery(const GuestNursery&) = delete;
  GuestNursery& operator=(const GuestNursery&) = delete;

  // --- Sequencer thread only.
  /// True: the change was made here, and the store has nothing to do. False: it is the store's,
  /// after what was added to `handed_back`, in that order.
  bool Take(const StoreChange& change, StoreBatch* handed_back);
  /// The batch is kept: readers see it.
  void Commit();
  /// The batch is not kept: everything is as it was before.
  void RollBack();
  bool empty() const { return users_.empty() && channels_.empty(); }

  // --- Any thread.
  /// As MessageStore::FirstKept; without a value if the channel is not here.
  std::optional<std::uint64_t> FirstKept(ChannelKey channel) const;
  /// As MessageStore::Read; without a value if the channel is not here.
  std::optional<EventPage> Read(const EventQuery& query) const;

 private:
  struct Channel {
    ChannelRow row;
    absl::btree_map<UserKey, Role> members;
    std::uint64_t first_kept = 1;
    std::vector<EventPtr> events;
  };
  struct VisibleChannel {
    std::uint64_t first_kept = 1;
    std::vector<EventPtr> events;
  };

  bool TakeOne(const AppendEvent& change, StoreBatch* handed_back);
  bool TakeOne(const PutUser& change, StoreBatch* handed_back);
  bool TakeOne(const RenameUser& change, StoreBatch* handed_back);
  bool TakeOne(const DeleteUser& change, StoreBatch* handed_back);
  bool TakeOne(const PutChannel& change, StoreBatch* handed_back);
  bool TakeOne(const DeleteChannel& change, StoreBatch* handed_back);
  bool TakeOne(const PutMembership& change, StoreBatch* handed_back);
  bool TakeOne(const DeleteMembership& change, StoreBatch* handed_back);
  bool TakeOne(const TrimChannel& change, StoreBatch* handed_back);
  bool TakeOne(const DescribeChannel& change, StoreBatch* handed_back);
  bool TakeOne(const PutSanction& change, StoreBatch* handed_back);
  bool TakeOne(const PutToken& change, StoreBatch* handed_back);
  bool TakeOne(const PutInvite& change, StoreBatch* handed_back);
  bool TakeOne(const EraseMessage& change, StoreBatch* handed_back);
  bool TakeOne(const EraseUser& change, StoreBatch* handed_back);
  // What is in the nursery has none of these.
  bool TakeOne(const DeleteSanction&, StoreBatch*) { return false; }
  bool TakeOne(const DeleteToken&, StoreBatch*) { return false; }
  bool TakeOne(const DeleteInvite&, StoreBatch*) { return false; }
  bool TakeOne(const PurgeStep&, StoreBatch*) { return false; }

  /// Both do nothing if it is not here.
  void HandBackUser(UserKey user, StoreBatch* handed_back);
  void HandBackChannel(ChannelKey channel, StoreBatch* handed_back);
  /// Every channel for which `wanted` is true.
  template <typename Wanted>
  void HandBackChannels(const Wanted& wanted, StoreBatch* handed_back);
  /// Records how a member was.
  void RestoreMember(ChannelKey channel, std::pair<UserKey, Role> member);
  void InsertUser(UserRow&& row);
  UserRow ExtractUser(UserKey user);
  void InsertChannel(Channel&& channel);
  Channel ExtractChannel(ChannelKey channel);

  // The sequencer's: as the batch has left it so far.
  Journal journal_;
  absl::flat_hash_map<UserKey, UserRow> users_;
  absl::flat_hash_set<std::string> user_ids_;  ///< Of users_.
  absl::flat_hash_map<ChannelKey, Channel> channels_;
  UserKey newest_user_ = 0;          ///< The greatest key that was ever here.
  std::vector<ChannelKey> touched_;  ///< Whose events or being here the batch has changed.

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<ChannelKey, VisibleChannel> visible_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::storage
