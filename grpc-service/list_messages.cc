// Reading history: the core says whether the caller may, a HistoryReader reads.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "grpc-service/chat_service.h"
#include "grpc-service/conversions.h"
#include "grpc-service/unary_call.h"

namespace txtchat::rpc {
namespace {

/// A page of a channel, as asked for.
struct HistoryCall {
  std::string channel_id;
  std::size_t page_size = 0;
  std::uint64_t after = 0;
  std::uint64_t before = 0;  ///< 0: no bound.
  bool newest_first = false;
  std::string page_token;
};

// A page token names the channel, the order and the last event that was looked at.
std::string MakePageToken(ChannelKey channel, bool newest_first, std::uint64_t last) {
  return absl::StrCat(newest_first ? "n" : "o", absl::Hex(channel, absl::kZeroPad16),
                      absl::Hex(last, absl::kZeroPad16));
}

absl::StatusOr<std::uint64_t> ParsePageToken(const HistoryCall& call, ChannelKey channel) {
  const std::string& token = call.page_token;
  std::uint64_t last = 0;
  const bool fits =
      token.size() == 33 &&
      token.substr(0, 17) == MakePageToken(channel, call.newest_first, 0).substr(0, 17) &&
      absl::SimpleHexAtoi(token.substr(17), &last);
  if (!fits) {
    return absl::InvalidArgumentError(
        "the page token is not one of this list; begin again without it");
  }
  return last;
}

absl::StatusOr<HistoryCall> CallOf(const v1::ListMessagesRequest& request, const Limits& limits) {
  const absl::StatusOr<std::size_t> size = PageSize(request.page_size(), limits);
  if (!size.ok()) return size.status();
  const std::string& order = request.order_by();
  if (!order.empty() && order != "sequence" && order != "sequence desc") {
    return absl::InvalidArgumentError("order_by must be \"sequence\" or \"sequence desc\"");
  }
  HistoryCall call;
  call.channel_id = request.channel_id();
  call.page_size = *size;
  call.after = request.after_sequence();
  call.before = request.before_sequence();
  call.newest_first = order == "sequence desc";
  call.page_token = request.page_token();
  return call;
}

/// What to read for `call`, with all of the range that is left; it is empty where after >= up_to.
absl::StatusOr<EventQuery> RangeOf(const HistoryCall& call, const ChannelInfo& channel,
                                   std::size_t bytes_max) {
  EventQuery query{.channel = channel.key,
                   .after = call.after,
                   .up_to = channel.head_sequence,
                   .events_max = call.page_size,
                   .bytes_max = bytes_max,
                   .newest_first = call.newest_first,
                   .messages_only = true};
  if (call.before != 0) query.up_to = std::min(query.up_to, call.before - 1);
  if (call.page_token.empty()) return query;
  const absl::StatusOr<std::uint64_t> last = ParsePageToken(call, channel.key);
  if (!last.ok()) return last.status();
  if (call.newest_first) {
    query.up_to = std::min(query.up_to, *last - std::min<std::uint64_t>(*last, 1));
  } else {
    query.after = std::max(query.after, *last);
  }
  return query;
}

/// The part of the range that one page looks at: where few of many events are messages, a page must
/// not walk through all of them.
EventQuery WindowOf(EventQuery range, std::uint64_t events_max) {
  if (range.up_to <= range.after || range.up_to - range.after <= events_max) return range;
  if (range.newest_first) {
    range.after = range.up_to - events_max;
  } else {
    range.up_to = range.after + events_max;
  }
  return range;
}

/// The last event that the page has looked at, if there may be more of the range behind it.
std::optional<std::uint64_t> LookedAt(const EventQuery& range, const EventQuery& window,
                                      const EventPage& page) {
  std::uint64_t last = range.newest_first ? window.after + 1 : window.up_to;
  if (!page.empty()) last = page.back()->sequence;
  const bool more = range.newest_first ? last > range.after + 1 : last < range.up_to;
  return more ? std::optional(last) : std::nullopt;
}

/// One ListMessages call after the core has allowed it. Shared by the callbacks of its reading.
struct Reading {
  std::shared_ptr<UnaryCall> call;
  EventQuery range;
  EventQuery window;
  std::uint64_t head;
  std::string epoch;

  void OnPage(const absl::StatusOr<EventPage>& page) const {
    if (!page.ok()) {
      call->Refuse(ReadRefusal(page.status()));
      return;
    }
    v1::ListMessagesResponse answer;
    for (const EventPtr& event : *page) SetMessage(*event, *answer.add_messages());
    if (const auto last = LookedAt(range, window, *page)) {
      answer.set_next_page_token(MakePageToken(range.channel, range.newest_first, *last));
    }
    answer.set_head_sequence(head);
    answer.set_epoch(epoch);
    call->Answer(answer);
  }
};

}  // namespace

grpc::ServerUnaryReactor* ChatService::ListMessages(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  auto opened = runner_.Open<v1::ListMessagesRequest>(context, *request, response, CallKind::kRead,
                                                      CallRunner::Caller::kUser);
  const std::shared_ptr<UnaryCall>& unary = opened.call;
  if (!opened.status.ok()) return unary->Refuse(opened.status);
  absl::StatusOr<HistoryCall> call = CallOf(opened.request, dependencies_.limits);
  if (!call.ok()) return unary->Refuse(call.status());

  Command command = OpenHistory{call->channel_id};
  auto done = [this, unary = unary, call = *std::move(call)](absl::StatusOr<Result> result) {
    if (!result.ok()) {
      unary->Refuse(result.status());
      return;
    }
    const ChannelInfo& channel = std::get<HistoryOpened>(*result).channel;
    const absl::StatusOr<EventQuery> range =
        RangeOf(call, channel, options_.history_page_bytes_max);
    if (!range.ok()) {
      unary->Refuse(range.status());
      return;
    }
    const EventQuery window = WindowOf(*range, dependencies_.limits.history_scan_events_max);
    // Room for the page is asked for when its size is known: the reader makes one at a time.
    dependencies_.history->ReadEventsAsync(
        window,
        [reading = Reading{unary, *range, window, channel.head_sequence, dependencies_.epoch}](
            absl::StatusOr<EventPage> page) { reading.OnPage(page); });
  };
  const absl::Status submitted = runner_.Submit(std::move(opened.actor), std::move(command),
                                                runner_.NextPump(), std::move(done));
  return submitted.ok() ? unary.get() : unary->Refuse(submitted);
}

}  // namespace txtchat::rpc
