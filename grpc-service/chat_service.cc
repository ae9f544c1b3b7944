#include "grpc-service/chat_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "grpc-service/call_runner.h"
#include "grpc-service/conversions.h"
#include "grpc-service/requests.h"
#include "grpc-service/subscribe_reactor.h"
#include "grpc-service/unary_call.h"

namespace txtchat::rpc {

ChatService::ChatService(const RpcDependencies& dependencies, const RpcOptions& options,
                         const std::vector<std::unique_ptr<PumpThread>>* pumps,
                         std::function<void(const PeerKey&)> close)
    : dependencies_(dependencies),
      options_(options),
      stream_options_(options.stream),
      runner_(dependencies, options, pumps, std::move(close)),
      streams_(options.streams_max) {
  stream_options_.epoch = dependencies_.epoch;
}

// --- Unary calls.

grpc::ServerUnaryReactor* ChatService::Register(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  std::string token = dependencies_.secrets->NewSecret();
  std::string credential = dependencies_.secrets->HashOf(token);
  return runner_.Run<v1::RegisterRequest, v1::RegisterResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kAnybody,
      [&](v1::RegisterRequest& r) -> absl::StatusOr<Command> {
        return CommandOf(r, std::move(credential), *dependencies_.secrets);
      },
      [token](Result& result, v1::RegisterResponse& answer) {
        SetUser(std::get<Registered>(result).user, *answer.mutable_user());
        answer.set_token(token);
      });
}

grpc::ServerUnaryReactor* ChatService::CreateChannel(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return runner_.Run<v1::CreateChannelRequest, v1::CreateChannelResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      [](Result& result, v1::CreateChannelResponse& answer) {
        SetChannel(std::get<ChannelInfo>(result), *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::GetChannel(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return runner_.Run<v1::GetChannelRequest, v1::GetChannelResponse>(
      context, request, response, CallKind::kRead, CallRunner::Caller::kUser, kToCommand,
      [](Result& result, v1::GetChannelResponse& answer) {
        SetChannel(std::get<ChannelInfo>(result), *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::ListChannels(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return runner_.Run<v1::ListChannelsRequest, v1::ListChannelsResponse>(
      context, request, response, CallKind::kRead, CallRunner::Caller::kUser,
      [this](auto& r) { return CommandOf(r, dependencies_.limits); },
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
  return runner_.Run<v1::ListMembersRequest, v1::ListMembersResponse>(
      context, request, response, CallKind::kRead, CallRunner::Caller::kUser,
      [this](auto& r) { return CommandOf(r, dependencies_.limits); },
      [](Result& result, v1::ListMembersResponse& answer) {
        auto& page = std::get<MemberPage>(result);
        for (const MemberInfo& member : page.members) {
          SetUser(member.user, *answer.add_members());
          SetStanding(member, *answer.add_standings());
        }
        answer.set_next_page_token(std::move(page.next_page_token));
      });
}

grpc::ServerUnaryReactor* ChatService::JoinChannel(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return runner_.Run<v1::JoinChannelRequest, v1::JoinChannelResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      [](Result& result, v1::JoinChannelResponse& answer) {
        SetChannel(std::get<Joined>(result).channel, *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::OpenDirectChannel(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return runner_.Run<v1::OpenDirectChannelRequest, v1::OpenDirectChannelResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      [](Result& result, v1::OpenDirectChannelResponse& answer) {
        SetChannel(std::get<ChannelInfo>(result), *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::JoinByInvite(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return runner_.Run<v1::JoinByInviteRequest, v1::JoinByInviteResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser,
      [this](v1::JoinByInviteRequest& r) -> absl::StatusOr<Command> {
        return CommandOf(r, *dependencies_.secrets);
      },
      [](Result& result, v1::JoinByInviteResponse& answer) {
        SetChannel(std::get<Joined>(result).channel, *answer.mutable_channel());
      });
}

grpc::ServerUnaryReactor* ChatService::LeaveChannel(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return runner_.Run<v1::LeaveChannelRequest, v1::LeaveChannelResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      [](Result&, v1::LeaveChannelResponse&) {});
}

grpc::ServerUnaryReactor* ChatService::SendMessage(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return runner_.Run<v1::SendMessageRequest, v1::SendMessageResponse>(
      context, request, response, CallKind::kChange, CallRunner::Caller::kUser, kToCommand,
      [](Result& result, v1::SendMessageResponse& answer) {
        SetMessage(*std::get<Posted>(result).event, *answer.mutable_message());
      });
}

// --- Subscribe.

grpc::ServerWriteReactor<grpc::ByteBuffer>* ChatService::Subscribe(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  if (!accepting_) return new RefusingReactor(DrainingStatus(), context);
  // MayCall itself counts what it refuses.
  if (absl::Status s = runner_.MayCall(*context, request->Length()); !s.ok()) {
    return new RefusingReactor(s, context);
  }
  const auto refuse = [&](const absl::Status& status) {
    runner_.Strike(CallRunner::PeerOf(*context));
    return new RefusingReactor(status, context);
  };
  absl::StatusOr<Actor> actor = runner_.ActorOf(*context, CallRunner::Caller::kUser);
  if (!actor.ok()) return refuse(actor.status());
  absl::StatusOr<v1::SubscribeRequest> parsed = Parse<v1::SubscribeRequest>(*request);
  if (!parsed.ok()) return refuse(parsed.status());
  if (!streams_.TryAdd()) {
    return refuse(absl::ResourceExhaustedError(absl::StrCat(
        "the server has its most open streams (", options_.streams_max, "); try again later")));
  }

  PumpThread& pump = runner_.NextPump();
  const SessionId id = dependencies_.session_ids->Next();
  auto reactor = std::make_shared<SubscribeReactor>(
      context, &pump.write_gate(),
      [this, peer = CallRunner::PeerOf(*context)] { runner_.Strike(peer); },
      [this, id, &pump] { CloseStream(id, pump); });
  auto stream =
      std::make_shared<SubscribeStream>(id, stream_options_, reactor, &pump, PumpThread::NowMs());
  reactor->Attach(stream);
  pump.AddStream(stream);

  absl::StatusOr<Command> open =
      CommandOf(*parsed, {.id = id, .lane = &pump, .format = WireFormat::kProto});
  const absl::Status submitted = runner_.Submit(
      *std::move(actor), *std::move(open), pump, [stream](absl::StatusOr<Result> result) {
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
  return new RefusingReactor(submitted, context);
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
