#include "grpc-service/chat_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "grpc-service/call_peer.h"
#include "grpc-service/conversions.h"
#include "grpc-service/credentials.h"
#include "grpc-service/status_mapping.h"
#include "grpc-service/subscribe_reactor.h"
#include "grpc-service/unary_call.h"

namespace txtchat::rpc {
namespace {

/// Not known if it is of no network.
PeerKey PeerOf(const grpc::CallbackServerContext& context) {
  return ParsePeer(context.peer()).value_or(PeerKey());
}

absl::StatusOr<Actor> Nobody(const grpc::CallbackServerContext&) { return Actor{}; }

/// What the answer of a list may come to. Set aside before the list is made, because lists that
/// wait for their pump take memory as well; other answers are about as large as their request.
std::size_t ListBytesMax(const Command& command, const Limits& limits) {
  std::size_t page_size = 0;
  if (const auto* channels = std::get_if<ListChannels>(&command)) {
    page_size = channels->page_size;
  } else if (const auto* members = std::get_if<ListMembers>(&command)) {
    page_size = members->page_size;
  } else {
    return 0;
  }
  const std::size_t entry_bytes_max = limits.name_bytes_max + kListEntryBytes;
  return std::min(std::min(page_size, limits.page_size_max) * entry_bytes_max,
                  limits.page_bytes_max + entry_bytes_max);
}

}  // namespace

ChatService::ChatService(const RpcDependencies& dependencies, const RpcOptions& options,
                         const std::vector<std::unique_ptr<PumpThread>>* pumps,
                         std::function<void(const PeerKey&)> close)
    : dependencies_(dependencies),
      options_(options),
      stream_options_(options.stream),
      pumps_(*pumps),
      close_(std::move(close)),
      streams_(options.streams_max),
      calls_(options.calls) {
  stream_options_.epoch = dependencies_.epoch;
}

PumpThread& ChatService::NextPump() {
  return *pumps_[next_pump_.fetch_add(1, std::memory_order_relaxed) % pumps_.size()];
}

absl::Status ChatService::Submit(Actor actor, Command command, PumpThread& pump, Completion done) {
  Envelope envelope;
  envelope.command = std::move(command);
  envelope.actor = std::move(actor);
  envelope.lane = &pump;
  envelope.done = std::move(done);
  envelope.time_unix_ms = dependencies_.clock->NowUnixMs();
  envelope.entropy = RandomBits();
  switch (dependencies_.sequencer->Submit(envelope)) {
    case SubmitResult::kAccepted:
      return absl::OkStatus();
    case SubmitResult::kFull:
      return absl::ResourceExhaustedError(
          "the server is busy: too many commands wait already; retry with backoff");
    case SubmitResult::kDraining:
      break;
  }
  return DrainingStatus();
}

std::pair<std::shared_ptr<UnaryCall>, absl::Status> ChatService::Begin(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& request,
    grpc::ByteBuffer* response, CallKind kind) {
  const PeerKey peer = PeerOf(*context);
  auto call = UnaryCall::Begin(&calls_, context, request, response, kind, peer,
                               [this, peer] { Strike(peer); });
  absl::Status admission = call->admission();
  if (!admission.ok()) {
    Strike(peer);
  } else {
    admission = MayCall(context, peer, request.Length());
  }
  return {std::move(call), std::move(admission)};
}

void ChatService::Strike(const PeerKey& peer) {
  if (dependencies_.peers == nullptr || !peer.address.known()) return;
  if (!dependencies_.peers->MayGoOn(peer, PumpThread::NowMs())) close_(peer);
}

absl::Status ChatService::MayCall(grpc::CallbackServerContext* context, const PeerKey& peer,
                                  std::size_t request_bytes) {
  if (dependencies_.peers == nullptr || !peer.address.known()) return absl::OkStatus();
  const Verdict verdict = dependencies_.peers->TryTakeCall(
      peer.address, peer.port, static_cast<std::int64_t>(request_bytes), PumpThread::NowMs());
  if (verdict.ok()) return absl::OkStatus();
  ++calls_too_fast_;
  Strike(peer);
  context->AddTrailingMetadata(kRetryAfterKey, std::to_string(verdict.retry_after_ms));
  return WithRetryAfter(TooFast(verdict.whose), verdict.retry_after_ms);
}

// --- Unary calls.

template <typename Request, typename Response, typename ToCommand, typename ToResponse>
grpc::ServerUnaryReactor* ChatService::Call(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response, CallKind kind,
                                            ActorSource actor_of, ToCommand to_command,
                                            ToResponse to_response) {
  const auto [call, admission] = Begin(context, *request, response, kind);
  if (!admission.ok()) return call->Refuse(admission);
  absl::StatusOr<Actor> actor = actor_of(*context);
  if (!actor.ok()) return call->Refuse(actor.status());
  absl::StatusOr<Request> parsed = Parse<Request>(*request);
  if (!parsed.ok()) return call->Refuse(parsed.status());
  absl::StatusOr<Command> command = to_command(*parsed);
  if (!command.ok()) return call->Refuse(command.status());
  const absl::Status reserved = call->Reserve(ListBytesMax(*command, dependencies_.limits));
  if (!reserved.ok()) return call->Refuse(reserved);

  auto done = [call = call, to_response](absl::StatusOr<Result> result) mutable {
    if (!result.ok()) {
      call->Refuse(result.status());
      return;
    }
    Response answer;
    to_response(*result, answer);
    call->Answer(answer);
  };
  const absl::Status submitted =
      Submit(*std::move(actor), *std::move(command), NextPump(), std::move(done));
  return submitted.ok() ? call.get() : call->Refuse(submitted);
}

grpc::ServerUnaryReactor* ChatService::Register(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  std::string token = MakeToken();
  std::string credential = HashToken(token);
  return Call<v1::RegisterRequest, v1::RegisterResponse>(
      context, request, response, CallKind::kChange, &Nobody,
      [&](v1::RegisterRequest& r) -> absl::StatusOr<Command> {
        return txtchat::Register{.user_id = MakeGuestId(),
                                 .display_name = std::move(*r.mutable_display_name()),
                                 .credential = std::move(credential)};
      },
      [token](Result& result, v1::RegisterResponse& answer) {
        SetUser(std::get<Registered>(result).user, *answer.mutable_user());
        answer.set_token(token);
      });
}

grpc::ServerUnaryReactor* ChatService::CreateChannel(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return Call<v1::CreateChannelRequest, v1::CreateChannelResponse>(
      context, request, response, CallKind::kChange, &ActorOf,
      [](v1::CreateChannelRequest& r) -> absl::StatusOr<Command> {
        return txtchat::CreateChannel{std::move(*r.mutable_display_name())};
      },
      [](Result& result, v1::CreateChannelResponse& answer) {
        SetChannel(std::get<ChannelInfo>(result), *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::GetChannel(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return Call<v1::GetChannelRequest, v1::GetChannelResponse>(
      context, request, response, CallKind::kRead, &ActorOf,
      [](v1::GetChannelRequest& r) -> absl::StatusOr<Command> {
        return txtchat::GetChannel{std::move(*r.mutable_channel_id())};
      },
      [](Result& result, v1::GetChannelResponse& answer) {
        SetChannel(std::get<ChannelInfo>(result), *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::ListChannels(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return Call<v1::ListChannelsRequest, v1::ListChannelsResponse>(
      context, request, response, CallKind::kRead, &ActorOf,
      [this](v1::ListChannelsRequest& r) -> absl::StatusOr<Command> {
        const absl::StatusOr<std::size_t> size = PageSize(r.page_size(), dependencies_.limits);
        if (!size.ok()) return size.status();
        return txtchat::ListChannels{*size, std::move(*r.mutable_page_token()), r.joined_only()};
      },
      [](Result& result, v1::ListChannelsResponse& answer) {
        auto& page = std::get<ChannelPage>(result);
        for (const ChannelInfo& channel : page.channels) {
          SetChannel(channel, *answer.add_channels());
        }
        answer.set_next_page_token(std::move(page.next_page_token));
      });
}

grpc::ServerUnaryReactor* ChatService::ListMembers(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return Call<v1::ListMembersRequest, v1::ListMembersResponse>(
      context, request, response, CallKind::kRead, &ActorOf,
      [this](v1::ListMembersRequest& r) -> absl::StatusOr<Command> {
        const absl::StatusOr<std::size_t> size = PageSize(r.page_size(), dependencies_.limits);
        if (!size.ok()) return size.status();
        return txtchat::ListMembers{std::move(*r.mutable_channel_id()), *size,
                                    std::move(*r.mutable_page_token())};
      },
      [](Result& result, v1::ListMembersResponse& answer) {
        auto& page = std::get<MemberPage>(result);
        for (const UserInfo& member : page.members) SetUser(member, *answer.add_members());
        answer.set_next_page_token(std::move(page.next_page_token));
      });
}

grpc::ServerUnaryReactor* ChatService::JoinChannel(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return Call<v1::JoinChannelRequest, v1::JoinChannelResponse>(
      context, request, response, CallKind::kChange, &ActorOf,
      [](v1::JoinChannelRequest& r) -> absl::StatusOr<Command> {
        return Join{std::move(*r.mutable_channel_id())};
      },
      [](Result& result, v1::JoinChannelResponse& answer) {
        SetChannel(std::get<Joined>(result).channel, *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::LeaveChannel(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return Call<v1::LeaveChannelRequest, v1::LeaveChannelResponse>(
      context, request, response, CallKind::kChange, &ActorOf,
      [](v1::LeaveChannelRequest& r) -> absl::StatusOr<Command> {
        return Leave{std::move(*r.mutable_channel_id())};
      },
      [](Result&, v1::LeaveChannelResponse&) {});
}

grpc::ServerUnaryReactor* ChatService::SendMessage(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return Call<v1::SendMessageRequest, v1::SendMessageResponse>(
      context, request, response, CallKind::kChange, &ActorOf,
      [](v1::SendMessageRequest& r) -> absl::StatusOr<Command> {
        return Send{.channel_id = std::move(*r.mutable_channel_id()),
                    .text = std::move(*r.mutable_text()),
                    .client_message_id = std::move(*r.mutable_client_message_id())};
      },
      [](Result& result, v1::SendMessageResponse& answer) {
        SetMessage(*std::get<Posted>(result).event, *answer.mutable_message());
      });
}

// --- Subscribe.

grpc::ServerWriteReactor<grpc::ByteBuffer>* ChatService::Subscribe(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  if (!accepting_) return new RefusingReactor(DrainingStatus());
  if (absl::Status s = MayCall(context, PeerOf(*context), request->Length()); !s.ok())
    return new RefusingReactor(s);
  absl::StatusOr<Actor> actor = ActorOf(*context);
  if (!actor.ok()) return new RefusingReactor(actor.status());
  const absl::StatusOr<v1::SubscribeRequest> parsed = Parse<v1::SubscribeRequest>(*request);
  if (!parsed.ok()) return new RefusingReactor(parsed.status());
  if (!streams_.TryAdd()) {
    return new RefusingReactor(absl::ResourceExhaustedError(absl::StrCat(
        "the server has its most open streams (", options_.streams_max, "); try again later")));
  }

  PumpThread& pump = NextPump();
  const SessionId id = dependencies_.session_ids->Next();
  auto reactor = std::make_shared<SubscribeReactor>(context, &pump.write_gate(),
                                                    [this, id, &pump] { CloseStream(id, pump); });
  auto stream =
      std::make_shared<SubscribeStream>(id, stream_options_, reactor, &pump, PumpThread::NowMs());
  reactor->Attach(stream);
  pump.AddStream(stream);

  const auto& ids = parsed->channel_ids();
  OpenSession open{.session = {.id = id, .lane = &pump, .format = WireFormat::kProto},
                   .channel_ids = {ids.begin(), ids.end()}};
  for (const v1::ChannelPosition& position : parsed->positions()) {
    open.positions.push_back({position.channel_id(), position.after_sequence(), position.epoch()});
  }
  const absl::Status submitted =
      Submit(*std::move(actor), std::move(open), pump, [stream](absl::StatusOr<Result> result) {
        if (result.ok()) {
          stream->OnOpened(std::move(std::get<SessionOpened>(*result).recoveries));
        } else {
          stream->OnOpened(result.status());
        }
      });
  if (submitted.ok()) return reactor.get();  // Owned by the stream until OnDone.

  // gRPC never saw the reactor.
  pump.RemoveStream(id);
  stream->Detach();
  streams_.Remove();
  return new RefusingReactor(submitted);
}

void ChatService::CloseStream(SessionId id, PumpThread& pump) {
  pump.RemoveStream(id);
  Envelope envelope;
  envelope.command = CloseSession{};
  envelope.actor.session = id;
  envelope.time_unix_ms = dependencies_.clock->NowUnixMs();
  envelope.must_apply = true;
  // A server that drains has no use for it.
  dependencies_.sequencer->Submit(envelope);
  streams_.Remove();  // The last touch: this may be destroyed now.
}

}  // namespace txtchat::rpc
