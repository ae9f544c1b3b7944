#include "grpc-service/account_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "grpc-service/conversions.h"
#include "grpc-service/requests.h"

namespace txtchat::rpc {
namespace {

using Caller = CallRunner::Caller;

/// Of a token for which none was asked.
constexpr std::int64_t kTokenLifetimeMs = 30LL * 86'400'000;

void SetToken(const TokenRow& row, v1::Token& out) {
  out.set_id(row.id);
  out.set_label(row.label);
  SetTime(row.create_time_unix_ms, *out.mutable_create_time());
  SetTime(row.expire_time_unix_ms, *out.mutable_expire_time());
}

/// A new token as `request` asks for it; `secret` is what the caller gets.
template <typename Request>
absl::StatusOr<NewToken> TokenOf(Request& request, const std::string& secret,
                                 SecretSource& secrets) {
  const absl::StatusOr<std::int64_t> lifetime_ms =
      request.has_token_lifetime() ? Milliseconds(request.token_lifetime()) : kTokenLifetimeMs;
  if (!lifetime_ms.ok()) return lifetime_ms.status();
  return NewToken{secrets.HashOf(secret), secrets.NewId(),
                  std::move(*request.mutable_token_label()), *lifetime_ms};
}

/// The answer of what opens an account.
template <typename Response>
auto AnswerWithToken(std::string secret) {
  return [secret = std::move(secret)](Result& result, Response& answer) {
    const auto& opened = std::get<AccountOpened>(result);
    SetUser(opened.user, *answer.mutable_user());
    answer.set_token(secret);
    SetToken(opened.token, *answer.mutable_token_info());
  };
}

/// A page token names the last event that was looked at, whoever's it is.
void AnswerExport(UnaryCall& call, const PositionSealer& positions,
                  const absl::StatusOr<AuthoredPage>& page) {
  if (!page.ok()) {
    call.Refuse(ReadRefusal(page.status()));
    return;
  }
  v1::ExportMessagesResponse answer;
  for (const EventPtr& event : page->messages) SetMessage(*event, *answer.add_messages());
  if (!page->done) {
    answer.set_next_page_token(positions.Seal({page->last_channel, page->last_sequence}));
  }
  call.Answer(answer);
}

}  // namespace

grpc::ServerUnaryReactor* AccountService::CreateAccount(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  SecretSource& secrets = *runner_.dependencies().secrets;
  const std::string secret = secrets.NewSecret();
  return runner_.RunAtGate<v1::CreateAccountRequest, v1::CreateAccountResponse>(
      context, request, response, Caller::kAnybody,
      [&](v1::CreateAccountRequest& r, AccountGate::Caller caller) -> absl::Status {
        absl::StatusOr<NewToken> token = TokenOf(r, secret, secrets);
        if (!token.ok()) return token.status();
        txtchat::CreateAccount command{.login = std::move(*r.mutable_login_name()),
                                       .display_name = std::move(*r.mutable_display_name()),
                                       .token = *std::move(token)};
        if (absl::Status s = runner_.MayCreate(*context, command); !s.ok()) return s;
        runner_.dependencies().accounts->Create(
            std::move(command), std::move(*r.mutable_password()), std::move(caller));
        return absl::OkStatus();
      },
      AnswerWithToken<v1::CreateAccountResponse>(secret));
}

grpc::ServerUnaryReactor* AccountService::Login(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  SecretSource& secrets = *runner_.dependencies().secrets;
  const std::string secret = secrets.NewSecret();
  return runner_.RunAtGate<v1::LoginRequest, v1::LoginResponse>(
      context, request, response, Caller::kAnybody,
      [&](v1::LoginRequest& r, AccountGate::Caller caller) -> absl::Status {
        absl::StatusOr<NewToken> token = TokenOf(r, secret, secrets);
        if (!token.ok()) return token.status();
        runner_.dependencies().accounts->Login(r.login_name(), std::move(*r.mutable_password()),
                                               EnterAccount{.token = *std::move(token)},
                                               std::move(caller));
        return absl::OkStatus();
      },
      AnswerWithToken<v1::LoginResponse>(secret));
}

grpc::ServerUnaryReactor* AccountService::WhoAmI(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  return runner_.Run<v1::WhoAmIRequest, v1::WhoAmIResponse>(
      context, request, response, CallKind::kRead, Caller::kUser, kToCommand,
      [](Result& result, v1::WhoAmIResponse& answer) {
        SetUser(std::get<Registered>(result).user, *answer.mutable_user());
      });
}

grpc::ServerUnaryReactor* AccountService::SetDisplayName(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return runner_.Run<v1::SetDisplayNameRequest, v1::SetDisplayNameResponse>(
      context, request, response, CallKind::kChange, Caller::kUser, kToCommand,
      [](Result& result, v1::SetDisplayNameResponse& answer) {
        SetUser(std::get<Registered>(result).user, *answer.mutable_user());
      });
}

grpc::ServerUnaryReactor* AccountService::ChangePassword(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return runner_.RunAtGate<v1::ChangePasswordRequest, v1::ChangePasswordResponse>(
      context, request, response, Caller::kUser,
      [this](v1::ChangePasswordRequest& r, AccountGate::Caller caller) {
        runner_.dependencies().accounts->Change(std::move(*r.mutable_former_password()),
                                                std::move(*r.mutable_password()),
                                                std::move(caller));
        return absl::OkStatus();
      },
      [](Result&, v1::ChangePasswordResponse&) {});
}

grpc::ServerUnaryReactor* AccountService::ListTokens(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return runner_.Run<v1::ListTokensRequest, v1::ListTokensResponse>(
      context, request, response, CallKind::kRead, Caller::kUser, kToCommand,
      [](Result& result, v1::ListTokensResponse& answer) {
        for (const TokenRow& row : std::get<TokenList>(result).tokens) {
          SetToken(row, *answer.add_tokens());
        }
      });
}

grpc::ServerUnaryReactor* AccountService::RevokeToken(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return runner_.Run<v1::RevokeTokenRequest, v1::RevokeTokenResponse>(
      context, request, response, CallKind::kChange, Caller::kUser, kToCommand,
      [](Result&, v1::RevokeTokenResponse&) {});
}

grpc::ServerUnaryReactor* AccountService::ExportMessages(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  auto opened = runner_.Open<v1::ExportMessagesRequest>(context, *request, response,
                                                        CallKind::kRead, Caller::kUser);
  const std::shared_ptr<UnaryCall>& unary = opened.call;
  if (!opened.status.ok()) return unary->Refuse(opened.status);
  AuthoredQuery query{.scan_max = runner_.dependencies().limits.history_scan_events_max,
                      .bytes_max = page_bytes_max_};
  if (!opened.request.page_token().empty()) {
    const std::optional<StoredPosition> position = positions_.Open(opened.request.page_token());
    if (!position.has_value()) {
      return unary->Refuse(absl::InvalidArgumentError(
          "the page token is not one of this list; begin again without it"));
    }
    query.after_channel = position->channel;
    query.after_sequence = position->sequence;
  }

  auto done = [this, unary = unary, query](absl::StatusOr<Result> result) mutable {
    if (!result.ok()) {
      unary->Refuse(result.status());
      return;
    }
    query.user_id = std::get<Registered>(*result).user.id;
    runner_.dependencies().history->ReadAuthoredAsync(
        query, [this, unary](absl::StatusOr<AuthoredPage> page) {
          AnswerExport(*unary, positions_, page);
        });
  };
  const absl::Status submitted = runner_.Submit(std::move(opened.actor), txtchat::WhoAmI{},
                                                runner_.NextPump(), std::move(done));
  return submitted.ok() ? unary.get() : unary->Refuse(submitted);
}

grpc::ServerUnaryReactor* AccountService::EraseUser(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return runner_.RunAtGate<v1::EraseUserRequest, v1::EraseUserResponse>(
      context, request, response, Caller::kUser,
      [this](v1::EraseUserRequest& r, AccountGate::Caller caller) {
        runner_.dependencies().accounts->Erase(std::move(*r.mutable_password()), std::move(caller));
        return absl::OkStatus();
      },
      [](Result&, v1::EraseUserResponse&) {});
}

}  // namespace txtchat::rpc
