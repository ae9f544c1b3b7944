#include "core/account_gate.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace txtchat {
namespace {

absl::Status NotRight() {
  return absl::UnauthenticatedError("the login name or the password is not right");
}

}  // namespace

struct AccountGate::Call {
  Caller caller;
};

void AccountGate::Answer(Call& call, absl::StatusOr<Result> result) {
  LaneBatch batch;
  Reply& reply = batch.items.emplace_back().emplace<Reply>();
  reply.done = std::move(call.caller.done);
  reply.result = std::move(result);
  call.caller.lane->Deliver(std::move(batch));
}

Envelope AccountGate::EnvelopeOf(const Call& call, Command command) const {
  Envelope envelope;
  envelope.command = std::move(command);
  envelope.actor = call.caller.actor;
  envelope.time_unix_ms = it_.clock->NowUnixMs();
  envelope.entropy = it_.secrets->RandomBits();
  return envelope;
}

void AccountGate::Finish(const std::shared_ptr<Call>& call, Command command) {
  Envelope envelope = EnvelopeOf(*call, std::move(command));
  envelope.lane = call->caller.lane;
  envelope.done = std::move(call->caller.done);
  const absl::Status taken = StatusOf(it_.sequencer->Submit(envelope));
  if (taken.ok()) return;
  call->caller.done = std::move(envelope.done);
  Answer(*call, taken);
}

absl::Status AccountGate::CheckSizes(const std::string& login, const std::string& password) const {
  // In its one form a name can be shorter, but hardly by more.
  const bool possible = login.size() <= 4 * it_.limits.login_bytes_max &&
                        password.size() <= it_.limits.password_bytes_max;
  return possible ? absl::OkStatus() : NotRight();
}

absl::Status AccountGate::CheckMayTry(const Call& call, const std::string& login) const {
  if (it_.may_try == nullptr) return absl::OkStatus();
  return it_.may_try(call.caller.actor.address, login);
}

absl::Status AccountGate::CheckPassword(const std::string& password) const {
  if (password.size() >= it_.limits.password_bytes_min &&
      password.size() <= it_.limits.password_bytes_max) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the password has ", password.size(), " bytes; it must have ",
                   it_.limits.password_bytes_min, " to ", it_.limits.password_bytes_max));
}

// --- Steps.

void AccountGate::Hash(const std::shared_ptr<Call>& call, std::string password,
                       std::function<void(std::string)> next) {
  const absl::Status queued = it_.hasher->Hash(
      std::move(password), [call, next = std::move(next)](absl::StatusOr<std::string> hash) {
        if (!hash.ok()) {
          Answer(*call, hash.status());
        } else {
          next(*std::move(hash));
        }
      });
  if (!queued.ok()) Answer(*call, queued);
}

void AccountGate::Check(std::shared_ptr<Call> call, Command find, std::string password, Next next) {
  Envelope envelope = EnvelopeOf(*call, std::move(find));
  envelope.lane = &steps_;
  envelope.done = [this, call, password = std::move(password),
                   next = std::move(next)](absl::StatusOr<Result> result) mutable {
    if (!result.ok()) {
      Answer(*call, result.status());
    } else {
      Verify(call, std::get<LoginFound>(*std::move(result)), std::move(password), std::move(next));
    }
  };
  const absl::Status taken = StatusOf(it_.sequencer->Submit(envelope));
  if (!taken.ok()) Answer(*call, taken);
}

void AccountGate::Verify(const std::shared_ptr<Call>& call, LoginFound found, std::string password,
                         Next next) {
  // Tries for one login name count together, whichever way they come. The address has counted.
  if (!found.login.empty() && it_.may_try != nullptr) {
    if (absl::Status s = it_.may_try(IpAddress{}, found.login); !s.ok()) {
      Answer(*call, s);
      return;
    }
  }
  std::string hash = found.password_hash;
  const absl::Status queued =
      it_.hasher->Verify(std::move(hash), std::move(password),
                         [call, found = std::move(found),
                          next = std::move(next)](absl::StatusOr<PasswordVerdict> verdict) {
                           if (!verdict.ok()) {
                             Answer(*call, verdict.status());
                           } else if (!verdict->right || found.user == 0) {
                             Answer(*call, NotRight());
                           } else {
                             next(found, std::move(verdict->renewed_hash));
                           }
                         });
  if (!queued.ok()) Answer(*call, queued);
}

// --- Calls.

void AccountGate::Create(CreateAccount command, std::string password, Caller caller) {
  auto call = std::make_shared<Call>(Call{std::move(caller)});
  absl::Status allowed = CheckPassword(password);
  if (allowed.ok() && !it_.limits.accounts_open) {
    // Before a password is hashed for nothing.
    allowed = absl::PermissionDeniedError("accounts are made by the operator of this server");
  }
  if (allowed.ok() && !CheckSizes(command.login, "").ok()) {
    allowed = absl::InvalidArgumentError(
        absl::StrCat("the login name is longer than ", it_.limits.login_bytes_max, " bytes"));
  }
  if (allowed.ok()) {
    command.login = it_.names->FoldLogin(command.login);
    allowed = CheckMayTry(*call, command.login);
  }
  if (!allowed.ok()) {
    Answer(*call, allowed);
    return;
  }
  Hash(call, std::move(password), [this, call, command = std::move(command)](std::string hash) {
    CreateAccount whole = command;
    whole.user_id = it_.secrets->NewId();
    whole.password_hash = std::move(hash);
    Finish(call, std::move(whole));
  });
}

void AccountGate::Login(const std::string& login, std::string password, EnterAccount enter,
                        Caller caller) {
  auto call = std::make_shared<Call>(Call{std::move(caller)});
  std::string folded;
  absl::Status allowed = CheckSizes(login, password);
  if (allowed.ok()) {
    folded = it_.names->FoldLogin(login);
    allowed = CheckMayTry(*call, folded);
  }
  if (!allowed.ok()) {
    Answer(*call, allowed);
    return;
  }
  Check(call, FindLogin{folded}, std::move(password),
        [this, call, folded, enter = std::move(enter)](LoginFound found, std::string renewed_hash) {
          if (it_.was_right != nullptr) it_.was_right(call->caller.actor.address, folded);
          EnterAccount whole = enter;
          whole.user = found.user;
          whole.password_hash = std::move(found.password_hash);
          whole.renewed_hash = std::move(renewed_hash);
          Finish(call, std::move(whole));
        });
}

void AccountGate::Change(std::string former, std::string password, Caller caller) {
  auto call = std::make_shared<Call>(Call{std::move(caller)});
  absl::Status allowed = CheckPassword(password);
  if (allowed.ok()) allowed = CheckSizes("", former);
  if (allowed.ok()) allowed = CheckMayTry(*call, "");
  if (!allowed.ok()) {
    Answer(*call, allowed);
    return;
  }
  Check(call, FindOwnLogin{}, std::move(former),
        [this, call, password = std::move(password)](LoginFound found, const std::string&) {
          Hash(call, password,
               [this, call, former_hash = std::move(found.password_hash)](std::string hash) {
                 Finish(call, ChangePassword{former_hash, std::move(hash)});
               });
        });
}

void AccountGate::Erase(std::string password, Caller caller) {
  auto call = std::make_shared<Call>(Call{std::move(caller)});
  absl::Status allowed = CheckSizes("", password);
  if (allowed.ok()) allowed = CheckMayTry(*call, "");
  if (!allowed.ok()) {
    Answer(*call, allowed);
    return;
  }
  if (password.empty()) {
    // Right for those who have none; an account's is never empty.
    Finish(call, EraseUserData{});
    return;
  }
  Check(call, FindOwnLogin{}, std::move(password),
        [this, call](LoginFound found, const std::string&) {
          Finish(call, EraseUserData{std::move(found.password_hash)});
        });
}

}  // namespace txtchat
