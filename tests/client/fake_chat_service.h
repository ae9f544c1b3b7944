#pragma once

#include <grpcpp/server.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::client {

// A ChatService with as much behaviour as the client's tests need, and switches to misbehave. It is
// written from the .proto alone, so it shares no mistake with the real server. Thread-safe.
class FakeChatService : public v1::ChatService::Service {
 public:
  // Posts as somebody else.
  void Post(const std::string& channel_id, const std::string& text);
  void AddChannel(const std::string& id, const std::string& name);
  // The server restarts, as it were: users and tokens are gone, channels stay.
  void ForgetUsers();
  void ForgetChannels();
  // Ends the streams that are open now.
  void EndStreams(const grpc::Status& status);
  // Sends nothing on streams any more, heartbeats neither.
  void FallSilent(bool silent);
  // The next SendMessage calls answer these, in order, and post nothing.
  void RefuseSends(std::vector<grpc::Status> statuses);
  void Send(const v1::Event& event);  // on every stream that is open
  // Answers OUT_OF_RANGE to whoever comes with a position.
  void RefusePositions();
  v1::SubscribeRequest last_subscribe() const;

  // Users that other services bring.
  void AddUser(const std::string& token, const v1::User& user);
  void RemoveToken(const std::string& token);
  // Whose call it is; an empty id if nobody's.
  v1::User UserOf(const grpc::ServerContext& context) const;
  bool HasChannel(const std::string& channel_id) const;
  std::vector<v1::Message> messages_of(const std::string& user_id) const;

  std::vector<std::string> texts() const;  // posted, in order
  int registrations() const;
  int subscriptions() const;
  bool AwaitSubscriptions(int count) const;                            // false after a deadline
  std::set<std::string> members(const std::string& channel_id) const;  // display names

 private:
  struct Channel {
    std::string name;
    std::uint64_t head = 0;
    std::set<std::string> members;  // user ids
    v1::ChannelKind kind = v1::CHANNEL_KIND_PUBLIC;
  };
  struct Stream {
    std::string user_id;
    std::deque<v1::SubscribeResponse> out;
    std::optional<grpc::Status> end;
  };

  grpc::Status Register(grpc::ServerContext*, const v1::RegisterRequest*,
                        v1::RegisterResponse*) override;
  grpc::Status CreateChannel(grpc::ServerContext*, const v1::CreateChannelRequest*,
                             v1::CreateChannelResponse*) override;
  grpc::Status GetChannel(grpc::ServerContext*, const v1::GetChannelRequest*,
                          v1::GetChannelResponse*) override;
  grpc::Status ListChannels(grpc::ServerContext*, const v1::ListChannelsRequest*,
                            v1::ListChannelsResponse*) override;
  grpc::Status ListMembers(grpc::ServerContext*, const v1::ListMembersRequest*,
                           v1::ListMembersResponse*) override;
  grpc::Status JoinChannel(grpc::ServerContext*, const v1::JoinChannelRequest*,
                           v1::JoinChannelResponse*) override;
  grpc::Status JoinByInvite(grpc::ServerContext*, const v1::JoinByInviteRequest*,
                            v1::JoinByInviteResponse*) override;
  grpc::Status OpenDirectChannel(grpc::ServerContext*, const v1::OpenDirectChannelRequest*,
                                 v1::OpenDirectChannelResponse*) override;
  grpc::Status LeaveChannel(grpc::ServerContext*, const v1::LeaveChannelRequest*,
                            v1::LeaveChannelResponse*) override;
  grpc::Status SendMessage(grpc::ServerContext*, const v1::SendMessageRequest*,
                           v1::SendMessageResponse*) override;
  grpc::Status Subscribe(grpc::ServerContext*, const v1::SubscribeRequest*,
                         grpc::ServerWriter<v1::SubscribeResponse>*) override;

  // The caller's user, or an id that is empty.
  std::string CallerLocked(const grpc::ServerContext& context) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DescribeLocked(const std::string& id, v1::Channel* out) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Event& StampLocked(const std::string& channel_id, v1::Event& event)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DeliverLocked(const v1::Event& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  int next_ ABSL_GUARDED_BY(mutex_) = 1;
  int registrations_ ABSL_GUARDED_BY(mutex_) = 0;
  int subscriptions_ ABSL_GUARDED_BY(mutex_) = 0;
  bool silent_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, v1::User> users_ ABSL_GUARDED_BY(mutex_);  // by token
  std::map<std::string, Channel> channels_ ABSL_GUARDED_BY(mutex_);
  v1::SubscribeRequest last_subscribe_ ABSL_GUARDED_BY(mutex_);
  bool refuses_positions_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::Status> refusals_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::Message> messages_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> texts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace txtchat::client
