#include "core/rate_limiter.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace txtchat {
namespace {

// Old accounts that a newcomer has looked at. With two, a table of quiet ones shrinks.
constexpr std::size_t kLooks = 4;
// More than this is never owed: a bound against overflow, far beyond any one request.
constexpr std::int64_t kMissingMax = std::int64_t{1} << 60;

std::int64_t CapacityOf(const Rate& rate) {
  return std::max<std::int64_t>(rate.burst, 1) * rate.period_ms;
}

}  // namespace

// --- TokenBucket.

std::int64_t TokenBucket::Missing(const Rate& rate, std::int64_t now_ms) const {
  const std::int64_t elapsed = std::max<std::int64_t>(now_ms - at_ms_, 0);
  if (elapsed > missing_ / rate.tokens) return 0;
  return missing_ - elapsed * rate.tokens;
}

std::int64_t TokenBucket::WaitMs(const Rate& rate, std::int64_t cost, std::int64_t now_ms) const {
  if (rate.unlimited()) return 0;
  const std::int64_t capacity = CapacityOf(rate);
  const std::int64_t needed = cost > capacity / rate.period_ms ? capacity : cost * rate.period_ms;
  const std::int64_t excess = Missing(rate, now_ms) + needed - capacity;
  return excess <= 0 ? 0 : (excess + rate.tokens - 1) / rate.tokens;
}

void TokenBucket::Take(const Rate& rate, std::int64_t cost, std::int64_t now_ms) {
  if (rate.unlimited() || cost == 0) return;
  const std::int64_t missing = Missing(rate, now_ms);
  const std::int64_t room = (kMissingMax - missing) / rate.period_ms;
  missing_ = missing + std::min(cost, room) * rate.period_ms;
  at_ms_ = std::max(at_ms_, now_ms);
}

std::int64_t TokenBucket::TryTake(const Rate& rate, std::int64_t cost, std::int64_t now_ms) {
  const std::int64_t wait_ms = WaitMs(rate, cost, now_ms);
  if (wait_ms == 0) Take(rate, cost, now_ms);
  return wait_ms;
}

void TokenBucket::PutBack(const Rate& rate, std::int64_t cost, std::int64_t now_ms) {
  if (rate.unlimited() || cost == 0) return;
  const std::int64_t missing = Missing(rate, now_ms);
  const std::int64_t most = missing / rate.period_ms;
  missing_ = cost > most ? 0 : missing - cost * rate.period_ms;
  at_ms_ = std::max(at_ms_, now_ms);
}

// --- RateTable.

RateTable::RateTable(const Rates& rates, std::size_t accounts_max)
    : rates_(rates), accounts_per_stripe_(std::max<std::size_t>(accounts_max / kStripes, 1)) {}

RateTable::Stripe& RateTable::StripeOf(const PeerKey& key) {
  return stripes_[(absl::Hash<PeerKey>{}(key) >> 32) % kStripes];
}

std::int64_t RateTable::TryTake(const PeerKey& key, const Cost& cost, std::int64_t now_ms) {
  Stripe& stripe = StripeOf(key);
  absl::MutexLock lock(&stripe.mutex);
  Account& account = Find(stripe, key, now_ms);
  const std::int64_t wait_ms = Wait(account, cost, now_ms);
  if (wait_ms == 0) Charge(account, cost, now_ms);
  return wait_ms;
}

std::int64_t RateTable::Take(const PeerKey& key, const Cost& cost, std::int64_t now_ms) {
  Stripe& stripe = StripeOf(key);
  absl::MutexLock lock(&stripe.mutex);
  Account& account = Find(stripe, key, now_ms);
  Charge(account, cost, now_ms);
  const auto one = [](std::int64_t tokens) { return std::min<std::int64_t>(tokens, 1); };
  return Wait(account,
              {.commands = one(cost.commands),
               .bytes = one(cost.bytes),
               .attempts = one(cost.attempts),
               .registrations = one(cost.registrations),
               .creations = one(cost.creations)},
              now_ms);
}

std::int64_t RateTable::WaitMs(const PeerKey& key, const Cost& cost, std::int64_t now_ms) {
  Stripe& stripe = StripeOf(key);
  absl::MutexLock lock(&stripe.mutex);
  return Wait(Find(stripe, key, now_ms), cost, now_ms);
}

void RateTable::PutBackAttempt(const PeerKey& key, std::int64_t now_ms) {
  Stripe& stripe = StripeOf(key);
  absl::MutexLock lock(&stripe.mutex);
  const auto it = stripe.places.find(key);
  if (it == stripe.places.end()) return;
  stripe.accounts[it->second].attempts.PutBack(rates_.attempts, 1, now_ms);
}

std::size_t RateTable::size() const {
  std::size_t size = 0;
  for (const Stripe& stripe : stripes_) {
    absl::MutexLock lock(&stripe.mutex);
    size += stripe.accounts.size();
  }
  return size;
}

RateTable::Account& RateTable::Find(Stripe& stripe, const PeerKey& key, std::int64_t now_ms) {
  const auto it = stripe.places.find(key);
  if (it != stripe.places.end()) return stripe.accounts[it->second];
  ForgetSome(stripe, now_ms);
  if (stripe.accounts.size() >= accounts_per_stripe_) return stripe.shared;
  stripe.places.emplace(key, stripe.accounts.size());
  Account& account = stripe.accounts.emplace_back();
  account.key = key;
  return account;
}

void RateTable::ForgetSome(Stripe& stripe, std::int64_t now_ms) {
  std::vector<Account>& accounts = stripe.accounts;
  for (std::size_t i = 0; i < kLooks && !accounts.empty(); ++i) {
    if (stripe.next_look >= accounts.size()) stripe.next_look = 0;
    Account& looked_at = accounts[stripe.next_look];
    if (!IsFull(looked_at, now_ms)) {
      ++stripe.next_look;
      continue;
    }
    stripe.places.erase(looked_at.key);
    if (&looked_at != &accounts.back()) {
      looked_at = accounts.back();
      stripe.places[looked_at.key] = stripe.next_look;
    }
    accounts.pop_back();
  }
}

bool RateTable::IsFull(const Account& account, std::int64_t now_ms) const {
  const auto is_full = [now_ms](const TokenBucket& bucket, const Rate& rate) {
    return rate.unlimited() || bucket.IsFull(rate, now_ms);
  };
  return is_full(account.commands, rates_.commands) && is_full(account.bytes, rates_.bytes) &&
         is_full(account.attempts, rates_.attempts) &&
         is_full(account.registrations, rates_.registrations) &&
         is_full(account.creations, rates_.creations);
}

std::int64_t RateTable::Wait(const Account& account, const Cost& cost, std::int64_t now_ms) const {
  // Nothing is to be taken of a bucket with a cost of 0, so what it lacks does not matter.
  const auto wait = [now_ms](const TokenBucket& bucket, const Rate& rate, std::int64_t tokens) {
    return tokens == 0 ? 0 : bucket.WaitMs(rate, tokens, now_ms);
  };
  return std::max({wait(account.commands, rates_.commands, cost.commands),
                   wait(account.bytes, rates_.bytes, cost.bytes),
                   wait(account.attempts, rates_.attempts, cost.attempts),
                   wait(account.registrations, rates_.registrations, cost.registrations),
                   wait(account.creations, rates_.creations, cost.creations)});
}

void RateTable::Charge(Account& account, const Cost& cost, std::int64_t now_ms) const {
  account.commands.Take(rates_.commands, cost.commands, now_ms);
  account.bytes.Take(rates_.bytes, cost.bytes, now_ms);
  account.attempts.Take(rates_.attempts, cost.attempts, now_ms);
  account.registrations.Take(rates_.registrations, cost.registrations, now_ms);
  account.creations.Take(rates_.creations, cost.creations, now_ms);
}

}  // namespace txtchat
