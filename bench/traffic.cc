#include "bench/traffic.h"

#include <algorithm>

namespace txtchat::bench {

std::uint64_t SendAllowance(std::uint32_t window, std::uint32_t burst, std::uint64_t outstanding,
                            std::uint64_t left) {
  if (outstanding >= window) return 0;
  const std::uint64_t room = window - outstanding;
  return room < std::min<std::uint64_t>(burst, left) ? 0 : std::min(room, left);
}

namespace {

Order OrderOf(const Options& options) {
  switch (options.transport) {
    case Transport::kGrpc:
      if (IsOnLines(options, Role::kPublisher)) break;
      return Order::kShared;  // Calls on a connection may overtake each other.
    case Transport::kNats:
      return Order::kPublishers;  // It promises no more.
    case Transport::kLine:
    case Transport::kRedis:
      break;
  }
  return Order::kSharedAsSent;
}

}  // namespace

Traffic::Traffic(const Options& options, const Layout& layout)
    : options_(options),
      codec_(options.text_bytes),
      checker_(options.channels, options.publishers, OrderOf(options)),
      reader_of_seat_(layout.seats.size()),
      seat_is_slow_(layout.seats.size()),
      publishers_(options.publishers) {
  for (std::size_t i = 0; i < layout.seats.size(); ++i) {
    const Seat& seat = layout.seats[i];
    const bool reads = seat.role == Role::kSubscriber || seat.role == Role::kSlow ||
                       (seat.role == Role::kPublisher && IsOnLines(options, seat.role));
    if (!reads) continue;
    seat_is_slow_[i] = seat.role == Role::kSlow;
    reader_of_seat_[i] =
        checker_.AddReader(seat.first_channel, seat.channel_count, seat_is_slow_[i]);
  }
}

void Traffic::Begin(const Phase& phase) {
  phase_ = phase;
  result_ = PhaseResult();
  result_.begin_ns = NowNanos();
  last_progress_ns_ = result_.begin_ns;
  stopped_ = false;
  sent_in_phase_ = 0;
  const auto count = static_cast<std::uint32_t>(publishers_.size());
  for (std::uint32_t p = 0; p < count; ++p) {
    publishers_[p].goal = ShareOf(phase.messages, p, count);
    publishers_[p].sent_in_phase = 0;
  }
}

std::uint64_t Traffic::Allowance(std::uint32_t publisher) const {
  const Publisher& who = publishers_[publisher];
  if (stopped_ || phase_.rate > 0) return 0;
  return SendAllowance(options_.window, options_.burst, who.outstanding,
                       who.goal - who.sent_in_phase);
}

std::uint64_t Traffic::NextDueNanos() const {
  return result_.begin_ns +
         static_cast<std::uint64_t>(static_cast<double>(sent_in_phase_) * 1e9 / phase_.rate);
}

Stamp Traffic::Send(std::uint32_t publisher, std::uint64_t time_ns) {
  Publisher& who = publishers_[publisher];
  checker_.Sent(publisher);
  ++who.sent_in_phase;
  ++who.outstanding;
  ++sent_in_phase_;
  ++outstanding_;
  ++result_.sent;
  last_sent_ns_ = time_ns;
  return {.publisher = publisher, .number = who.next_number++, .time_ns = time_ns};
}

void Traffic::Acknowledged(std::uint32_t publisher, std::uint64_t time_ns, std::uint64_t now_ns) {
  Publisher& who = publishers_[publisher];
  if (who.outstanding == 0) return;  // Delivered twice; the checker says so.
  --who.outstanding;
  --outstanding_;
  ++result_.acknowledged;
  result_.last_ack_ns = now_ns;
  last_progress_ns_ = now_ns;
  if (phase_.measured) result_.ack_ns.Record(now_ns - time_ns);
}

void Traffic::Refused(std::uint32_t publisher) {
  checker_.Refused(publisher);
  --publishers_[publisher].outstanding;
  --outstanding_;
  ++result_.refused;
}

bool Traffic::Delivered(std::uint32_t seat, std::string_view text, std::uint64_t now_ns,
                        Stamp& stamp) {
  const std::uint32_t reader = reader_of_seat_[seat];
  if (!codec_.Read(text, stamp)) return checker_.Unknown(reader);
  ++result_.deliveries;
  last_progress_ns_ = now_ns;
  checker_.Delivered(reader, stamp);
  if (seat_is_slow_[seat]) return true;
  result_.last_delivery_ns = now_ns;
  if (phase_.measured) result_.delivery_ns.Record(now_ns - stamp.time_ns);
  return true;
}

}  // namespace txtchat::bench
