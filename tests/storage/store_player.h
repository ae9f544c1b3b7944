// Random changes, and a model of a store that fits on a page: what it should hold after them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>

#include "core/message_store.h"

namespace txtchat::storage {

struct ModelUser {
  UserRow row;
  bool stored = false;
};
struct ModelEvent {
  EventPtr event;
  std::size_t counted_bytes = 0;  ///< What retention takes it for.
};
struct ModelChannel {
  ChannelRow row;
  bool stored = false;
  std::map<UserKey, Role> members;
  std::uint64_t head = 0;
  std::uint64_t first_kept = 1;
  std::map<std::uint64_t, ModelEvent> events;
};

/// What the store should hold. `stored` is whether it is on the disk: the rest goes when the store
/// is closed.
struct Model {
  using SendId = std::pair<UserKey, std::string>;
  using SanctionId = std::tuple<ChannelKey, SanctionKind, std::string>;

  std::map<UserKey, ModelUser> users;
  std::map<ChannelKey, ModelChannel> channels;
  std::map<SendId, std::pair<ChannelKey, std::uint64_t>> sends;
  std::map<SanctionId, SanctionRow> sanctions;
  std::map<std::string, TokenRow> tokens;
  std::map<std::string, InviteRow> invites;
  std::map<std::string, std::string> erasures;  ///< Names by user id: begun and not carried out.
  UserKey last_user = 0;
  ChannelKey last_channel = 0;

  void Store(ChannelKey key);
  void Forget(ModelChannel& channel, std::uint64_t before);
  void EraseMessage(ModelEvent& event);
  /// What PurgeSteps do in the end.
  void CarryOutErasures();
  void Restart();
  StoredState State() const;
};

/// Makes changes, and does to the model what they should do to the store.
class StorePlayer {
 public:
  explicit StorePlayer(std::uint64_t seed) : random_(seed) {}

  Model model;

  std::uint64_t Roll(std::uint64_t sides) { return random_() % sides; }
  StoreBatch Batch();
  EventQuery Query(const ModelChannel& channel);

  template <typename Map>
  typename Map::iterator Any(Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(Roll(map.size())));
  }

 private:
  void Change(StoreBatch& batch);
  void ChangeRows(StoreBatch& batch, ModelChannel& channel, ModelUser& user);
  void AddUser(StoreBatch& batch);
  void AddChannel(StoreBatch& batch);
  void Join(StoreBatch& batch, ModelChannel& channel, UserKey user);
  void Leave(StoreBatch& batch, ModelChannel& channel);
  void ChangeRole(StoreBatch& batch, ModelChannel& channel);
  void ComeToStay(StoreBatch& batch, ModelUser& user);
  void EndUser(StoreBatch& batch, UserKey user);
  void EndChannel(StoreBatch& batch, ChannelKey key);
  void Trim(StoreBatch& batch, ModelChannel& channel);
  void Erase(StoreBatch& batch, ModelChannel& channel);
  void BeginErasure(StoreBatch& batch, const UserRow& user);
  void Append(StoreBatch& batch, ModelChannel& channel, UserKey user, EventKind kind);

  std::mt19937_64 random_;
  std::uint64_t time_ms_ = 0;
};

}  // namespace txtchat::storage
