#include "client/script_verbs.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>

#include "client/api.h"
#include "client/backoff.h"
#include "client/caller.h"
#include "client/chat_model.h"
#include "client/exit_code.h"
#include "client/json_output.h"
#include "client/terminal_text.h"
#include "txtchat/v1/chat.grpc.pb.h"

namespace txtchat::client {
namespace {

constexpr int kListPage = 1000;

// A user for a script's calls: the token's, or a guest registered when first needed.
class ScriptUser {
 public:
  explicit ScriptUser(const ScriptOptions& options)
      : options_(options),
        stub_(v1::ChatService::NewStub(MakeChannel(options.server))),
        token_(options.token) {}

  // Only a guest can be registered again when it has ended.
  bool is_guest() const { return options_.token.empty(); }

  grpc::Status Register(v1::RegisterResponse* registered) {
    grpc::ClientContext context;
    PrepareContext(context, "", options_.timeout);
    v1::RegisterRequest request;
    request.set_display_name(options_.name);
    grpc::Status status = stub_->Register(&context, request, registered);
    if (status.ok()) token_ = registered->token();
    return status;
  }

  grpc::Status EnsureToken() {
    v1::RegisterResponse registered;
    return token_.empty() ? Register(&registered) : grpc::Status::OK;
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::ChatService::Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*),
                    const Request& request, Response* response) {
    if (grpc::Status status = EnsureToken(); !status.ok()) return status;
    grpc::ClientContext context;
    PrepareContext(context, token_, options_.timeout);
    return (stub_.get()->*method)(&context, request, response);
  }

  grpc::Status Join(const std::string& channel_id) {
    v1::JoinChannelRequest request;
    request.set_channel_id(channel_id);
    v1::JoinChannelResponse response;
    return Call(&v1::ChatService::Stub::JoinChannel, request, &response);
  }

  void ForgetToken() { token_.clear(); }

  int Fail(const std::string& what, const grpc::Status& status) const {
    return client::Fail(options_, what, status);
  }

 private:
  const ScriptOptions& options_;
  const std::unique_ptr<v1::ChatService::Stub> stub_;
  std::string token_;
};

// Sends one text. A guest that has ended while the script was silent is registered anew; a busy
// server is asked again until `timeout` has passed: both answers say that nothing was posted.
grpc::Status SendOne(ScriptUser& user, const v1::SendMessageRequest& request,
                     std::chrono::milliseconds timeout, v1::SendMessageResponse* response) {
  std::mt19937 generator(std::random_device{}());
  Backoff backoff({std::chrono::milliseconds(50), std::chrono::milliseconds(2'000), 2.0, 0.5},
                  [&] { return std::uniform_real_distribution<double>(0.0, 1.0)(generator); });
  const auto give_up = std::chrono::steady_clock::now() + timeout;
  bool renewed = false;
  for (;;) {
    grpc::Status status = user.Call(&v1::ChatService::Stub::SendMessage, request, response);
    if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED && user.is_guest() && !renewed) {
      renewed = true;
      user.ForgetToken();
      if (grpc::Status joined = user.Join(request.channel_id()); !joined.ok()) return joined;
      continue;
    }
    if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) return status;
    const auto delay = backoff.Next();
    if (std::chrono::steady_clock::now() + delay > give_up) return status;
    std::this_thread::sleep_for(delay);
  }
}

}  // namespace

int RunRegister(const ScriptOptions& options, bool token_only) {
  ScriptUser user(options);
  v1::RegisterResponse registered;
  if (grpc::Status status = user.Register(&registered); !status.ok()) {
    return user.Fail("cannot register " + SanitizeLine(options.name), status);
  }
  if (options.json) {
    PrintLine(JsonOf(registered));
  } else if (token_only) {
    PrintLine(SanitizeLine(registered.token()));
  } else {
    PrintLine("user   " + SanitizeLine(registered.user().id()));
    PrintLine("token  " + SanitizeLine(registered.token()));
  }
  return kExitOk;
}

int RunChannels(const ScriptOptions& options, bool joined_only) {
  ScriptUser user(options);
  v1::ListChannelsRequest request;
  request.set_page_size(kListPage);
  request.set_joined_only(joined_only);
  do {
    v1::ListChannelsResponse response;
    if (grpc::Status status = user.Call(&v1::ChatService::Stub::ListChannels, request, &response);
        !status.ok()) {
      return user.Fail("cannot list the channels", status);
    }
    for (const v1::Channel& channel : response.channels()) {
      PrintLine(options.json
                    ? JsonOf(channel)
                    : SanitizeLine(channel.id()) + "  " + std::to_string(channel.member_count()) +
                          " members  " + SanitizeLine(channel.display_name()));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return kExitOk;
}

int RunDirect(const ScriptOptions& options, const std::string& user_id) {
  v1::OpenDirectChannelRequest request;
  request.set_user_id(user_id);
  v1::OpenDirectChannelResponse response;
  const grpc::Status status = Caller<v1::ChatService>(options).Call(
      &v1::ChatService::Stub::OpenDirectChannel, request, &response);
  if (!status.ok()) {
    return Fail(options, "cannot open a conversation with " + SanitizeLine(user_id), status);
  }
  PrintLine(options.json ? JsonOf(response.channel()) : SanitizeLine(response.channel().id()));
  return kExitOk;
}

int RunCreate(const ScriptOptions& options, const std::string& channel_name, bool is_private) {
  ScriptUser user(options);
  v1::CreateChannelRequest request;
  request.set_display_name(channel_name);
  if (is_private) request.set_kind(v1::CHANNEL_KIND_PRIVATE);
  v1::CreateChannelResponse response;
  if (grpc::Status status = user.Call(&v1::ChatService::Stub::CreateChannel, request, &response);
      !status.ok()) {
    return user.Fail("cannot create the channel", status);
  }
  PrintLine(options.json ? JsonOf(response.channel()) : SanitizeLine(response.channel().id()));
  return kExitOk;
}

int RunSend(const ScriptOptions& options, const std::string& channel_id,
            const std::function<bool(std::string&)>& next) {
  ScriptUser user(options);
  if (grpc::Status status = user.Join(channel_id); !status.ok()) {
    return user.Fail("cannot join channel " + SanitizeLine(channel_id) + ", nothing was sent",
                     status);
  }
  std::uint64_t sent = 0;
  int exit_code = kExitOk;
  v1::SendMessageRequest request;
  request.set_channel_id(channel_id);
  while (next(*request.mutable_text())) {
    if (request.text().empty()) continue;
    v1::SendMessageResponse response;
    const grpc::Status status = SendOne(user, request, options.timeout, &response);
    if (!status.ok()) {
      exit_code = user.Fail(std::to_string(sent) + " sent, the next " +
                                (SurelyNotDone(status) ? "was not" : "may not have been"),
                            status);
      break;
    }
    ++sent;
    if (options.json) PrintLine(JsonOf(response.message()));
  }
  if (user.is_guest()) {
    // Leaves no ghost behind; if it fails the server ends the guest by itself.
    v1::LeaveChannelRequest leave;
    leave.set_channel_id(channel_id);
    v1::LeaveChannelResponse left;
    if (exit_code == kExitOk) user.Call(&v1::ChatService::Stub::LeaveChannel, leave, &left);
  }
  return exit_code;
}

}  // namespace txtchat::client
