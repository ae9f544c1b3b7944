#include "grpc-service/unary_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/sequencer.h"

namespace txtchat::rpc {

UnaryCalls::Arrival UnaryCalls::Add(std::shared_ptr<OpenCall> call, CallKind kind,
                                    std::size_t bytes, const PeerKey& peer) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Refusal(kind, bytes, peer);
  Record record{.call = std::move(call), .kind = kind, .admitted = status.ok(), .peer = peer};
  if (record.admitted) {
    record.bytes = bytes;
    bytes_ += bytes;
    ++admitted_;
  } else {
    ++refused_;
  }
  if (peer.address.known()) ++(record.admitted ? peers_[peer].admitted : peers_[peer].refused);
  open_.push_back(std::move(record));
  return {std::prev(open_.end()), std::move(status)};
}

absl::Status UnaryCalls::Refusal(CallKind kind, std::size_t bytes, const PeerKey& peer) const {
  if (!admitting_) return DrainingStatus();
  if (admitted_ >= options_.calls_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server has its most open calls (calls_max, ", options_.calls_max,
                     "); retry with backoff"));
  }
  if (CountsOf(peer).admitted >= options_.calls_per_connection_max) {
    return absl::ResourceExhaustedError(absl::StrCat("this connection has its most open calls (",
                                                     options_.calls_per_connection_max,
                                                     "); read the answers of others first"));
  }
  return HasRoom(kind, bytes) ? absl::OkStatus() : NoRoom();
}

UnaryCalls::OfPeer UnaryCalls::CountsOf(const PeerKey& peer) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() ? OfPeer() : it->second;
}

absl::Status UnaryCalls::Charge(Ticket ticket, std::size_t bytes) {
  absl::MutexLock lock(&mutex_);
  Record& record = *ticket;
  const bool is_more = bytes > record.bytes;
  if (record.kind == CallKind::kRead && is_more && !HasRoom(record.kind, bytes - record.bytes)) {
    return NoRoom();
  }
  bytes_ = bytes_ - record.bytes + bytes;
  record.bytes = bytes;
  return absl::OkStatus();
}

bool UnaryCalls::BeginReply(Ticket ticket, std::int64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  if (!ticket->admitted && (refused_ > options_.calls_max ||
                            CountsOf(ticket->peer).refused > options_.calls_per_connection_max)) {
    return false;
  }
  ticket->unread = true;
  ticket->unread_since_ms = now_ms;
  unread_.splice(unread_.end(), open_, ticket);
  return true;
}

void UnaryCalls::Remove(Ticket ticket) {
  // Destroyed after the mutex is free: this may be the call's last owner.
  std::shared_ptr<OpenCall> gone;
  absl::MutexLock lock(&mutex_);
  gone = std::move(ticket->call);
  bytes_ -= ticket->bytes;
  --(ticket->admitted ? admitted_ : refused_);
  if (const auto peer = peers_.find(ticket->peer); peer != peers_.end()) {
    --(ticket->admitted ? peer->second.admitted : peer->second.refused);
    if (peer->second.admitted + peer->second.refused == 0) peers_.erase(peer);
  }
  (ticket->unread ? unread_ : open_).erase(ticket);
}

void UnaryCalls::Tick(std::int64_t now_ms) {
  std::vector<std::shared_ptr<OpenCall>> stalled;
  {
    absl::MutexLock lock(&mutex_);
    const std::int64_t limit_ms =
        IsPressed() ? std::min(options_.reply_stall_pressed_ms, options_.reply_stall_timeout_ms)
                    : options_.reply_stall_timeout_ms;
    while (!unread_.empty() && now_ms - unread_.front().unread_since_ms >= limit_ms) {
      stalled.push_back(unread_.front().call);
      unread_.front().unread = false;
      open_.splice(open_.end(), unread_, unread_.begin());
    }
  }
  for (const auto& call : stalled) call->BreakOff();
}

void UnaryCalls::StopAdmitting() {
  absl::MutexLock lock(&mutex_);
  admitting_ = false;
}

void UnaryCalls::BreakOffAdmitted() {
  std::vector<std::shared_ptr<OpenCall>> calls;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto* list : {&open_, &unread_}) {
      for (const Record& record : *list) {
        if (record.admitted) calls.push_back(record.call);
      }
    }
  }
  for (const auto& call : calls) call->BreakOff();
}

std::size_t UnaryCalls::AwaitAdmitted(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return admitted_ == 0; };
  mutex_.AwaitWithTimeout(absl::Condition(&none), timeout);
  return admitted_;
}

void UnaryCalls::AwaitGone() const {
  absl::MutexLock lock(&mutex_);
  const auto none = [this]()
                        ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return admitted_ + refused_ == 0; };
  mutex_.Await(absl::Condition(&none));
}

std::size_t UnaryCalls::refused() const {
  absl::MutexLock lock(&mutex_);
  return refused_;
}

std::size_t UnaryCalls::held_bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

bool UnaryCalls::HasRoom(CallKind kind, std::size_t bytes) const {
  const std::size_t max = options_.unread_reply_bytes_max;
  return bytes_ + bytes <= (kind == CallKind::kRead ? max - max / 8 : max);
}

absl::Status UnaryCalls::NoRoom() const {
  return absl::ResourceExhaustedError(
      absl::StrCat("replies that clients have not read take all the room that the server has for "
                   "them (unread_reply_bytes_max, ",
                   options_.unread_reply_bytes_max, " bytes); retry with backoff"));
}

bool UnaryCalls::IsPressed() const {
  return admitted_ > options_.calls_max / 2 || refused_ > options_.calls_max / 2 ||
         bytes_ > options_.unread_reply_bytes_max / 2;
}

}  // namespace txtchat::rpc
