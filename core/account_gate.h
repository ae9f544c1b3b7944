#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/clock.h"
#include "core/command.h"
#include "core/delivery_lane.h"
#include "core/identity.h"
#include "core/limits.h"
#include "core/sequencer.h"

namespace txtchat {

/// The way in with a password, the same for all transports: finds what is kept of it, has it
/// checked on the hasher's threads, and hands the sequencer the command that follows.
///
/// Thread-safe. Every call ends with one answer on the caller's lane, whatever becomes of it. How
/// many are under way is bounded by the hasher. The dependencies outlive the last answer, the lane
/// too; the hasher is stopped before any of them ends.
class AccountGate {
 public:
  struct Dependencies {
    Sequencer* sequencer = nullptr;
    PasswordHasher* hasher = nullptr;
    SecretSource* secrets = nullptr;
    const NameFolder* names = nullptr;
    const Clock* clock = nullptr;
    Limits limits;
    /// Asked before a password is looked at: whether this peer (if it is known), or anybody for
    /// this login name (if it is not empty), may try another one now. Null: always.
    std::function<absl::Status(const IpAddress& peer, const std::string& login)> may_try;
    /// Told when a login was right that `may_try` was asked about in these words: it does not count
    /// as a try. On any thread. Null: nobody is told.
    std::function<void(const IpAddress& peer, const std::string& login)> was_right;
  };

  /// Who asks, and where the answer goes.
  struct Caller {
    Actor actor;
    DeliveryLane* lane = nullptr;
    Completion done;
  };

  explicit AccountGate(Dependencies dependencies) : it_(std::move(dependencies)) {}
  AccountGate(const AccountGate&) = delete;
  AccountGate& operator=(const AccountGate&) = delete;

  /// As the command CreateAccount, with a password of `password_bytes_min` to
  /// `password_bytes_max` bytes. `command` without user id and password hash; its login name as it
  /// was given.
  void Create(CreateAccount command, std::string password, Caller caller);
  /// As EnterAccount. UNAUTHENTICATED: the login name or the password is not right, and nobody
  /// learns which. RESOURCE_EXHAUSTED: too many tries that were not right, or too many at once.
  void Login(const std::string& login, std::string password, EnterAccount enter, Caller caller);
  /// As ChangePassword, for the caller's own account.
  void Change(std::string former, std::string password, Caller caller);
  /// As EraseUserData. `password`: of an account; others have none. RESOURCE_EXHAUSTED as Login:
  /// an erasure costs everybody something.
  void Erase(std::string password, Caller caller);

 private:
  /// One call. Shared by its callbacks.
  struct Call;
  /// INVALID_ARGUMENT: it cannot be a new password.
  absl::Status CheckPassword(const std::string& password) const;
  /// Whether a login name or a password can be one at all. UNAUTHENTICATED
  absl::Status CheckSizes(const std::string& login, const std::string& password) const;
  /// RESOURCE_EXHAUSTED: it may not try now.
  absl::Status CheckMayTry(const Call& call, const std::string& login) const;
  /// What follows a right password. `renewed_hash`: as of PasswordVerdict.
  using Next = std::function<void(LoginFound found, std::string renewed_hash)>;
  /// Asks the sequencer for `find`, has `password` checked against what that finds, and calls
  /// `next` with it if it is right.
  void Check(std::shared_ptr<Call> call, Command find, std::string password, Next next);
  void Verify(const std::shared_ptr<Call>& call, LoginFound found, std::string password, Next next);
  void Hash(const std::shared_ptr<Call>& call, std::string password,
            std::function<void(std::string)> next);
  /// The last step: its answer is the call's.
  void Finish(const std::shared_ptr<Call>& call, Command command);
  Envelope EnvelopeOf(const Call& call, Command command) const;
  static void Answer(Call& call, absl::StatusOr<Result> result);

  const Dependencies it_;
  InlineLane steps_;  ///< What follows a step begins on the sequencer's thread.
};

}  // namespace txtchat
