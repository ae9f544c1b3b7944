#include "tests/client/fake_chat_service.h"

#include <cstdio>
#include <utility>

namespace txtchat::client {
namespace {

const grpc::Status kUnknownToken(grpc::StatusCode::UNAUTHENTICATED, "not a token of this server");
const grpc::Status kNoChannel(grpc::StatusCode::NOT_FOUND, "no channel has this id");
const grpc::Status kNoMember(grpc::StatusCode::PERMISSION_DENIED, "the caller is not a member");

}  // namespace

std::string FakeChatService::CallerLocked(const grpc::ServerContext& context) const {
  const auto entry = context.client_metadata().find("authorization");
  if (entry == context.client_metadata().end()) return "";
  const std::string value(entry->second.data(), entry->second.size());
  if (value.rfind("Bearer ", 0) != 0) return "";
  const auto user = users_.find(value.substr(7));
  return user == users_.end() ? "" : user->second.id();
}

void FakeChatService::DescribeLocked(const std::string& id, v1::Channel* out) const {
  const Channel& channel = channels_.at(id);
  out->set_id(id);
  out->set_display_name(channel.name);
  out->set_head_sequence(channel.head);
  out->set_kind(channel.kind);
  out->set_member_count(static_cast<std::uint32_t>(channel.members.size()));
}

v1::Event& FakeChatService::StampLocked(const std::string& channel_id, v1::Event& event) {
  event.set_channel_id(channel_id);
  event.set_sequence(++channels_[channel_id].head);
  event.mutable_create_time()->set_seconds(1'700'000'000);
  return event;
}

void FakeChatService::DeliverLocked(const v1::Event& event) {
  const auto channel = channels_.find(event.channel_id());
  for (Stream* stream : streams_) {
    if (channel != channels_.end() && !channel->second.members.contains(stream->user_id)) continue;
    *stream->out.emplace_back().add_events() = event;
  }
}

grpc::Status FakeChatService::Register(grpc::ServerContext*, const v1::RegisterRequest* request,
                                       v1::RegisterResponse* response) {
  absl::MutexLock lock(&mutex_);
  ++registrations_;
  char id[17];
  std::snprintf(id, sizeof(id), "%016x", static_cast<unsigned>(next_++));
  v1::User& user = users_["token-" + std::string(id)];
  user.set_id(id);
  user.set_display_name(request->display_name());
  channels_[id] = {request->display_name(), 0, {id}};
  *response->mutable_user() = user;
  response->set_token("token-" + std::string(id));
  return grpc::Status::OK;
}

grpc::Status FakeChatService::CreateChannel(grpc::ServerContext* context,
                                            const v1::CreateChannelRequest* request,
                                            v1::CreateChannelResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  char id[11];
  std::snprintf(id, sizeof(id), "%010x", static_cast<unsigned>(next_++));
  channels_[id] = {request->display_name(), 0, {caller}};
  if (request->kind() != v1::CHANNEL_KIND_UNSPECIFIED) channels_[id].kind = request->kind();
  DescribeLocked(id, response->mutable_channel());
  return grpc::Status::OK;
}

grpc::Status FakeChatService::GetChannel(grpc::ServerContext* context,
                                         const v1::GetChannelRequest* request,
                                         v1::GetChannelResponse* response) {
  absl::MutexLock lock(&mutex_);
  if (CallerLocked(*context).empty()) return kUnknownToken;
  if (!channels_.contains(request->channel_id())) return kNoChannel;
  DescribeLocked(request->channel_id(), response->mutable_channel());
  return grpc::Status::OK;
}

grpc::Status FakeChatService::ListChannels(grpc::ServerContext* context,
                                           const v1::ListChannelsRequest* request,
                                           v1::ListChannelsResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  // One a page: whoever forgets the next page is caught.
  auto channel = request->page_token().empty() ? channels_.begin()
                                               : channels_.upper_bound(request->page_token());
  while (channel != channels_.end() && channel->first.size() != 10) ++channel;
  if (channel == channels_.end()) return grpc::Status::OK;
  DescribeLocked(channel->first, response->add_channels());
  response->set_next_page_token(channel->first);
  return grpc::Status::OK;
}

grpc::Status FakeChatService::ListMembers(grpc::ServerContext* context,
                                          const v1::ListMembersRequest* request,
                                          v1::ListMembersResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  const auto channel = channels_.find(request->channel_id());
  if (channel == channels_.end()) return kNoChannel;
  if (!channel->second.members.contains(caller)) return kNoMember;
  for (const auto& [token, user] : users_) {
    if (channel->second.members.contains(user.id())) *response->add_members() = user;
  }
  return grpc::Status::OK;
}

grpc::Status FakeChatService::JoinChannel(grpc::ServerContext* context,
                                          const v1::JoinChannelRequest* request,
                                          v1::JoinChannelResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  const auto channel = channels_.find(request->channel_id());
  if (channel == channels_.end()) return kNoChannel;
  if (channel->second.members.insert(caller).second) {
    v1::Event event;
    for (const auto& [token, user] : users_) {
      if (user.id() == caller) *event.mutable_member_joined()->mutable_user() = user;
    }
    DeliverLocked(StampLocked(request->channel_id(), event));
  }
  DescribeLocked(request->channel_id(), response->mutable_channel());
  return grpc::Status::OK;
}

// An invite's code is `to-` and the channel's id.
grpc::Status FakeChatService::JoinByInvite(grpc::ServerContext* context,
                                           const v1::JoinByInviteRequest* request,
                                           v1::JoinByInviteResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  const bool code = request->code().rfind("to-", 0) == 0;
  const auto channel = channels_.find(code ? request->code().substr(3) : "");
  if (channel == channels_.end()) return {grpc::StatusCode::NOT_FOUND, "no such invite"};
  channel->second.members.insert(caller);
  DescribeLocked(channel->first, response->mutable_channel());
  return grpc::Status::OK;
}

// Everybody whose id begins with `u` is there.
grpc::Status FakeChatService::OpenDirectChannel(grpc::ServerContext* context,
                                                const v1::OpenDirectChannelRequest* request,
                                                v1::OpenDirectChannelResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  if (request->user_id().rfind('u', 0) != 0) {
    return {grpc::StatusCode::NOT_FOUND, "no user has this id"};
  }
  const std::string id = "with-" + request->user_id();
  channels_[id] = {"", 0, {caller, request->user_id()}, v1::CHANNEL_KIND_DIRECT};
  DescribeLocked(id, response->mutable_channel());
  return grpc::Status::OK;
}

grpc::Status FakeChatService::LeaveChannel(grpc::ServerContext* context,
                                           const v1::LeaveChannelRequest* request,
                                           v1::LeaveChannelResponse*) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  const auto channel = channels_.find(request->channel_id());
  if (channel == channels_.end()) return kNoChannel;
  if (!channel->second.members.contains(caller)) {
    return {grpc::StatusCode::FAILED_PRECONDITION, "the caller is not a member"};
  }
  v1::Event event;
  for (const auto& [token, user] : users_) {
    if (user.id() == caller) *event.mutable_member_left()->mutable_user() = user;
  }
  DeliverLocked(StampLocked(request->channel_id(), event));
  channel->second.members.erase(caller);
  return grpc::Status::OK;
}

grpc::Status FakeChatService::SendMessage(grpc::ServerContext* context,
                                          const v1::SendMessageRequest* request,
                                          v1::SendMessageResponse* response) {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(*context);
  if (caller.empty()) return kUnknownToken;
  if (!refusals_.empty()) {
    const grpc::Status status = refusals_.front();
    refusals_.pop_front();
    return status;
  }
  const auto channel = channels_.find(request->channel_id());
  if (channel == channels_.end()) return kNoChannel;
  if (!channel->second.members.contains(caller)) return kNoMember;
  texts_.push_back(request->text());
  v1::Event event;
  v1::MessagePosted& posted = *event.mutable_message_posted();
  for (const auto& [token, user] : users_) {
    if (user.id() == caller) *posted.mutable_sender() = user;
  }
  posted.set_text(request->text());
  posted.set_client_message_id(request->client_message_id());
  DeliverLocked(StampLocked(request->channel_id(), event));
  v1::Message& message = *response->mutable_message();
  message.set_channel_id(request->channel_id());
  message.set_sequence(event.sequence());
  *message.mutable_create_time() = event.create_time();
  *message.mutable_sender() = posted.sender();
  message.set_text(request->text());
  messages_.push_back(message);
  return grpc::Status::OK;
}

grpc::Status FakeChatService::Subscribe(grpc::ServerContext* context,
                                        const v1::SubscribeRequest* request,
                                        grpc::ServerWriter<v1::SubscribeResponse>* writer) {
  Stream stream;
  {
    absl::MutexLock lock(&mutex_);
    stream.user_id = CallerLocked(*context);
    if (stream.user_id.empty()) return kUnknownToken;
    last_subscribe_ = *request;
    if (refuses_positions_ && request->positions_size() > 0) {
      return {grpc::StatusCode::OUT_OF_RANGE, "beyond the head"};
    }
    auto& heartbeat = *stream.out.emplace_back().add_events()->mutable_heartbeat();
    for (const auto& [id, channel] : channels_) {
      if (!channel.members.contains(stream.user_id)) continue;
      auto& head = *heartbeat.add_heads();
      head.set_channel_id(id);
      head.set_head_sequence(channel.head);
    }
    streams_.insert(&stream);
    ++subscriptions_;
  }
  const auto due = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stream.end.has_value() || (!silent_ && !stream.out.empty());
  };
  absl::MutexLock lock(&mutex_);
  while (!context->IsCancelled()) {
    if (!mutex_.AwaitWithTimeout(absl::Condition(&due), absl::Milliseconds(10))) continue;
    if (stream.end) break;
    const v1::SubscribeResponse response = std::move(stream.out.front());
    stream.out.pop_front();
    mutex_.Unlock();
    const bool written = writer->Write(response);
    mutex_.Lock();
    if (!written) break;
  }
  streams_.erase(&stream);
  return stream.end.value_or(grpc::Status::CANCELLED);
}

void FakeChatService::RefusePositions() {
  absl::MutexLock lock(&mutex_);
  refuses_positions_ = true;
}

v1::SubscribeRequest FakeChatService::last_subscribe() const {
  absl::MutexLock lock(&mutex_);
  return last_subscribe_;
}

void FakeChatService::Post(const std::string& channel_id, const std::string& text) {
  absl::MutexLock lock(&mutex_);
  v1::Event event;
  event.mutable_message_posted()->set_text(text);
  event.mutable_message_posted()->mutable_sender()->set_id("ffffffffffffffff");
  event.mutable_message_posted()->mutable_sender()->set_display_name("somebody");
  DeliverLocked(StampLocked(channel_id, event));
}

void FakeChatService::Send(const v1::Event& event) {
  absl::MutexLock lock(&mutex_);
  DeliverLocked(event);
}

void FakeChatService::AddChannel(const std::string& id, const std::string& name) {
  absl::MutexLock lock(&mutex_);
  channels_[id].name = name;
}

void FakeChatService::ForgetUsers() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [token, user] : users_) {
    channels_.erase(user.id());
    for (auto& [id, channel] : channels_) channel.members.erase(user.id());
  }
  users_.clear();
  for (Stream* stream : streams_) stream->end = kUnknownToken;
}

void FakeChatService::ForgetChannels() {
  absl::MutexLock lock(&mutex_);
  channels_.clear();
}

void FakeChatService::EndStreams(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  for (Stream* stream : streams_) stream->end = status;
}

void FakeChatService::FallSilent(bool silent) {
  absl::MutexLock lock(&mutex_);
  silent_ = silent;
}

void FakeChatService::RefuseSends(std::vector<grpc::Status> statuses) {
  absl::MutexLock lock(&mutex_);
  refusals_.assign(statuses.begin(), statuses.end());
}

std::vector<std::string> FakeChatService::texts() const {
  absl::MutexLock lock(&mutex_);
  return texts_;
}

int FakeChatService::registrations() const {
  absl::MutexLock lock(&mutex_);
  return registrations_;
}

int FakeChatService::subscriptions() const {
  absl::MutexLock lock(&mutex_);
  return subscriptions_;
}

bool FakeChatService::AwaitSubscriptions(int count) const {
  absl::MutexLock lock(&mutex_);
  const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return subscriptions_ >= count;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Seconds(20));
}

std::set<std::string> FakeChatService::members(const std::string& channel_id) const {
  absl::MutexLock lock(&mutex_);
  std::set<std::string> names;
  for (const auto& [token, user] : users_) {
    if (channels_.at(channel_id).members.contains(user.id())) names.insert(user.display_name());
  }
  return names;
}

void FakeChatService::AddUser(const std::string& token, const v1::User& user) {
  absl::MutexLock lock(&mutex_);
  users_[token] = user;
}

void FakeChatService::RemoveToken(const std::string& token) {
  absl::MutexLock lock(&mutex_);
  users_.erase(token);
}

v1::User FakeChatService::UserOf(const grpc::ServerContext& context) const {
  absl::MutexLock lock(&mutex_);
  const std::string caller = CallerLocked(context);
  for (const auto& [token, user] : users_) {
    if (user.id() == caller) return user;
  }
  return {};
}

bool FakeChatService::HasChannel(const std::string& channel_id) const {
  absl::MutexLock lock(&mutex_);
  return channels_.contains(channel_id);
}

std::vector<v1::Message> FakeChatService::messages_of(const std::string& user_id) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Message> found;
  for (const v1::Message& message : messages_) {
    if (message.sender().id() == user_id) found.push_back(message);
  }
  return found;
}

}  // namespace txtchat::client
