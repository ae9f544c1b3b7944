// Who a session is, other than a guest: the user of a token, or of an account.
#include <memory>
#include <string>
#include <utility>

#include "gateway/io_thread.h"
#include "gateway/session.h"

namespace txtchat::gateway {

void Session::TakeAuth(AuthRequest& request) {
  const Environment& environment = io_.environment();
  if (environment.peers != nullptr) {
    const Verdict verdict = environment.peers->TryTakeAttempt(peer_.address, io_.NowMs());
    if (!verdict.ok()) {
      AnswerError(TooManyAttempts(verdict.retry_after_ms));
      return;
    }
  }
  Envelope envelope;
  envelope.command = OpenSession{.session = SpecOfSession()};
  envelope.entropy = environment.secrets->RandomBits();
  if (environment.tokens != nullptr && environment.tokens->IsSigned(request.token)) {
    absl::StatusOr<Vouched> vouched =
        environment.tokens->Verify(request.token, environment.clock->NowUnixMs());
    if (!vouched.ok()) {
      AnswerError(vouched.status());
      return;
    }
    envelope.actor.vouched = std::make_shared<const Vouched>(*std::move(vouched));
  } else {
    envelope.actor.credential = environment.secrets->HashOf(request.token);
  }
  std::shared_ptr<const Vouched> vouched = envelope.actor.vouched;
  Submit(envelope, {.command = CommandId::kAuth, .vouched = std::move(vouched)});
}

void Session::OnTokenRight() {
  PeerGuard* const peers = io_.environment().peers;
  if (peers != nullptr) peers->PutBackAttempt(peer_.address, io_.NowMs());
}

void Session::TakeLogin(LoginRequest& request) {
  if (!peer_.is_private && !io_.environment().options.plain_login) {
    AnswerError(absl::PermissionDeniedError(
        "this connection is not encrypted, and passwords are not taken over it; use TLS, or "
        "auth$TOKEN"));
    return;
  }
  if (io_.environment().accounts == nullptr) {
    AnswerError(absl::UnimplementedError("this server has no accounts"));
    return;
  }
  login_ = std::make_unique<LoginRequest>(std::move(request));
  LogInIfReady();
}

void Session::LogInIfReady() {
  if (login_ == nullptr || logging_in_ || !pending_.empty()) return;
  logging_in_ = true;
  register_submitted_ = true;
  in_flight_ += 1;
  pending_.push_back({.command = CommandId::kLogin});
  AccountGate::Caller caller;
  caller.actor.address = peer_.address;
  caller.lane = &io_;
  caller.done = [io = io_.shared_from_this(), id = id_](absl::StatusOr<Result> result) {
    Session* const session = io->Find(id);
    if (session != nullptr && !session->core_session_ended_) {
      session->OnReply(std::move(result));
    } else if (result.ok()) {
      // It has gone meanwhile.
      CloseInCore(io->environment(), id);
    }
  };
  io_.environment().accounts->Login(login_->login, std::move(login_->password),
                                    EnterAccount{.session = SpecOfSession()}, std::move(caller));
}

void Session::OnLoginDone() {
  login_.reset();
  logging_in_ = false;
}

}  // namespace txtchat::gateway
