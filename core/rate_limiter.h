// Token buckets, and tables of them. Time is what the callers say, in milliseconds of any clock
// that only goes forward; integers throughout, so that the same calls always come to the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/ip_address.h"

namespace txtchat {

/// So many tokens in each period, and at most `burst` at once.
struct Rate {
  std::int64_t tokens = 0;  ///< 0: no limit.
  std::int64_t burst = 0;   ///< Less than one token counts as one.
  std::int64_t period_ms = 1'000;

  bool unlimited() const { return tokens == 0; }
};

/// One bucket: full at first. Not thread-safe; 16 bytes. Always used with the same rate.
class TokenBucket {
 public:
  /// How long until `cost` tokens can be taken; 0: now. More than fit into the bucket can be taken
  /// when it is full.
  std::int64_t WaitMs(const Rate& rate, std::int64_t cost, std::int64_t now_ms) const;
  /// Takes them, whether they are there or not: what is owed must be filled up first.
  void Take(const Rate& rate, std::int64_t cost, std::int64_t now_ms);
  /// Takes them if they can be taken; answers WaitMs.
  std::int64_t TryTake(const Rate& rate, std::int64_t cost, std::int64_t now_ms);
  /// Puts back what was taken; beyond full it is lost.
  void PutBack(const Rate& rate, std::int64_t cost, std::int64_t now_ms);
  bool IsFull(const Rate& rate, std::int64_t now_ms) const { return Missing(rate, now_ms) == 0; }

 private:
  /// What is missing at this time. One token is `period_ms` of these units, so that each
  /// millisecond brings `tokens` of them and nothing is ever rounded.
  std::int64_t Missing(const Rate& rate, std::int64_t now_ms) const;

  std::int64_t missing_ = 0;
  std::int64_t at_ms_ = 0;
};

/// What an account is kept for: an address, or one connection of it.
struct PeerKey {
  IpAddress address;
  std::uint16_t port = 0;

  bool operator==(const PeerKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const PeerKey& key) {
    return H::combine(std::move(state), key.address, key.port);
  }
};

/// Accounts by key, each with a bucket for every kind of Cost.
///
/// Bounded: an account whose buckets are full again says no more than none, and is forgotten; each
/// newcomer has a few looked at. Where there are `accounts_max` of them and none of those looked at
/// is full, the newcomer uses an account that all such newcomers share, so that whoever fills the
/// table gains nothing, and who is known already notices nothing.
///
/// Thread-safe. O(1). Locks in stripes, held for memory work only.
class RateTable {
 public:
  struct Rates {
    Rate commands;
    Rate bytes;
    Rate attempts;
    Rate registrations;
    Rate creations;
  };
  /// What is to be taken, or until when something is missing.
  struct Cost {
    std::int64_t commands = 0;
    std::int64_t bytes = 0;
    std::int64_t attempts = 0;
    std::int64_t registrations = 0;
    std::int64_t creations = 0;
  };

  RateTable(const Rates& rates, std::size_t accounts_max);
  RateTable(const RateTable&) = delete;
  RateTable& operator=(const RateTable&) = delete;

  /// Takes all of it, or nothing; answers in how many milliseconds to try again, 0 if it was taken.
  std::int64_t TryTake(const PeerKey& key, const Cost& cost, std::int64_t now_ms);
  /// Takes it, whether it is there or not; answers how long until one more of each can be taken.
  std::int64_t Take(const PeerKey& key, const Cost& cost, std::int64_t now_ms);
  /// How long until it can be taken.
  std::int64_t WaitMs(const PeerKey& key, const Cost& cost, std::int64_t now_ms);

  /// Puts an attempt back that was taken. Does nothing for an account that is forgotten, which is
  /// full, and for the shared ones, which fill up by themselves.
  void PutBackAttempt(const PeerKey& key, std::int64_t now_ms);

  /// Accounts that are kept now, the shared ones not counted.
  std::size_t size() const;

 private:
  struct Account {
    PeerKey key;
    TokenBucket commands;
    TokenBucket bytes;
    TokenBucket attempts;
    TokenBucket registrations;
    TokenBucket creations;
  };
  struct Stripe {
    mutable absl::Mutex mutex;
    absl::flat_hash_map<PeerKey, std::size_t> places ABSL_GUARDED_BY(mutex);
    std::vector<Account> accounts ABSL_GUARDED_BY(mutex);
    std::size_t next_look ABSL_GUARDED_BY(mutex) = 0;
    Account shared ABSL_GUARDED_BY(mutex);
  };
  static constexpr std::size_t kStripes = 16;

  Stripe& StripeOf(const PeerKey& key);
  Account& Find(Stripe& stripe, const PeerKey& key, std::int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  void ForgetSome(Stripe& stripe, std::int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stripe.mutex);
  bool IsFull(const Account& account, std::int64_t now_ms) const;
  std::int64_t Wait(const Account& account, const Cost& cost, std::int64_t now_ms) const;
  void Charge(Account& account, const Cost& cost, std::int64_t now_ms) const;

  const Rates rates_;
  const std::size_t accounts_per_stripe_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace txtchat
