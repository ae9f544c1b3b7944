// What a session is owed, and how it gets to the socket.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "gateway/io_thread.h"
#include "gateway/replies.h"
#include "gateway/session.h"

namespace txtchat::gateway {

// --- Which channels, and how far.

std::size_t Session::PlaceOf(ChannelKey channel) const {
  const auto place =
      std::lower_bound(followed_.begin(), followed_.end(), channel,
                       [](const Followed& f, ChannelKey wanted) { return f.channel < wanted; });
  return static_cast<std::size_t>(place - followed_.begin());
}

Session::Followed* Session::Find(ChannelKey channel) {
  const std::size_t place = PlaceOf(channel);
  const bool is_there = place < followed_.size() && followed_[place].channel == channel;
  return is_there ? &followed_[place] : nullptr;
}

void Session::NoteNews(Followed& followed) {
  if (std::exchange(followed.has_news, true)) return;
  news_.push_back(followed.channel);
}

void Session::OnSubscriptionStart(std::shared_ptr<BroadcastQueue> queue, std::uint64_t cursor,
                                  std::uint64_t head) {
  if (phase_ != Phase::kOpen) return;
  const ChannelKey channel = queue->key();
  if (Followed* const former = Find(channel)) {
    former->subscription.Resume(cursor);
    ++rejoined_;
    return;
  }
  outbox_.ForgetOwnEvent(channel);  // One from before it was left, and it was read to that end.
  const auto place = followed_.begin() + static_cast<std::ptrdiff_t>(PlaceOf(channel));
  Followed& followed =
      *followed_.insert(place, {channel, head, Subscription(std::move(queue), cursor)});
  io_.fan_out().Add(channel, this);
  if (cursor >= head) return;
  NoteNews(followed);
  io_.MarkDirty(*this);
}

void Session::OnSubscriptionEnd(ChannelKey channel, std::uint64_t last_sequence) {
  Followed* const followed = Find(channel);
  if (followed == nullptr) return;
  followed->announced = std::max(followed->announced, last_sequence);
  followed->subscription.EndAt(last_sequence);
  NoteNews(*followed);
  outbox_.AddOwnEvent(channel, last_sequence);
  io_.MarkDirty(*this);
}

void Session::OnReadable(ChannelKey channel, std::uint64_t head) {
  Followed* const followed = Find(channel);
  if (followed == nullptr) return;
  followed->announced = std::max(followed->announced, head);
  NoteNews(*followed);
  if (!awaiting_writable_) io_.MarkDirty(*this);
}

void Session::OnPage(ChannelKey channel, absl::StatusOr<HistoryPage> page) {
  Followed* const followed = Find(channel);
  if (followed == nullptr) return;
  if (!page.ok()) {
    followed->awaits_retry = true;
    io_.RetryPagesLater(id_);
  }
  followed->subscription.OnPage(std::move(page));
  if (channel != paging_) {
    followed->subscription.Rewind();  // Another one has taken its place.
  } else if (awaiting_writable_) {
    DropPage();
  }
  io_.MarkDirty(*this);
}

void Session::RetryPages() {
  for (Followed& f : followed_) f.awaits_retry = false;
  io_.MarkDirty(*this);
}

void Session::UnfollowAll() {
  for (const Followed& f : followed_) io_.fan_out().Remove(f.channel, this);
  std::vector<Followed>().swap(followed_);
  std::vector<ChannelKey>().swap(news_);
  std::string().swap(remainder_);
}

void Session::SettleNews() {
  std::erase_if(news_, [this](ChannelKey channel) {
    const std::size_t place = PlaceOf(channel);
    Followed& followed = followed_[place];
    Subscription& subscription = followed.subscription;
    if (!subscription.HasEnd()) {
      followed.has_news = subscription.cursor() < followed.announced;
      return !followed.has_news;
    }
    if (subscription.Peek(sent_format_, 1, nullptr).kind != Owed::Kind::kEnded) return false;
    io_.fan_out().Remove(channel, this);
    followed_.erase(followed_.begin() + static_cast<std::ptrdiff_t>(place));
    return true;
  });
}

// --- Putting a write together.

void Session::Drain(Gather& gather) {
  if (phase_ == Phase::kLingering || phase_ == Phase::kClosed || awaiting_writable_) return;
  const Gathered gathered = GatherAll(gather);
  const std::size_t total = gather.bytes();
  const std::int64_t written = total == 0 ? 0 : Write(gather);
  if (written < 0) {
    Close();
    return;
  }
  Commit(gather, static_cast<std::size_t>(written));
  if (phase_ == Phase::kLingering || phase_ == Phase::kClosed) return;
  SettleNews();
  ReleasePagePlace();
  if (static_cast<std::size_t>(written) < total) {
    AwaitWritable(written > 0);
  } else {
    deadline_ms_ = 0;
  }
  AfterDrain(gathered);
}

Session::Gathered Session::GatherAll(Gather& gather) {
  if (!remainder_.empty()) {
    gather.SetData(gather.Add(Gather::Part::Kind::kRemainder), remainder_.data(),
                   remainder_.size());
  }
  WireFormat format = sent_format_;
  if (const Gathered own = GatherOutbox(gather, format); own != Gathered::kDone) return own;
  if (outbox_.size() > 0 && outbox_.at(outbox_.size() - 1).kind == OutItem::Kind::kClose) {
    return Gathered::kDone;
  }
  Gathered all = Gathered::kDone;
  for (std::size_t i = 0; i < news_.size() && !gather.IsFull(); ++i) {
    const std::size_t index = PlaceOf(news_[i]);
    const std::uint64_t announced = followed_[index].announced;
    if (followed_[index].subscription.peek_position() >= announced) continue;
    const Gathered got = GatherEvents(gather, format, index, announced, /*first=*/false);
    if (got == Gathered::kMore) all = Gathered::kMore;
  }
  return gather.IsFull() ? Gathered::kMore : all;
}

// The outbox in its order, own events in their places.
Session::Gathered Session::GatherOutbox(Gather& gather, WireFormat& format) {
  for (std::size_t i = 0; i < outbox_.size(); ++i) {
    const OutItem& item = outbox_.at(i);
    if (item.kind == OutItem::Kind::kBarrier) {
      const Gathered own = GatherOwn(gather, format, item.channel, item.sequence);
      if (own != Gathered::kDone) return own;
    }
    if (item.kind == OutItem::Kind::kAwaited) return Gathered::kBlocked;
    if (gather.IsFull()) return Gathered::kMore;
    gather.SetData(gather.Add(Gather::Part::Kind::kItem), item.text.data(), item.text.size());
    if (item.kind == OutItem::Kind::kFormat) format = item.format;
  }
  if (outbox_.tail_sequence() == 0) return Gathered::kDone;
  const Gathered own = GatherOwn(gather, format, outbox_.tail_channel(), outbox_.tail_sequence());
  const Followed* const followed = Find(outbox_.tail_channel());
  if (followed == nullptr || followed->subscription.cursor() >= outbox_.tail_sequence()) {
    outbox_.ClearTail();
  }
  return own;
}

Session::Gathered Session::GatherOwn(Gather& gather, WireFormat format, ChannelKey channel,
                                     std::uint64_t up_to) {
  Followed* const followed = Find(channel);
  if (followed == nullptr || followed->subscription.peek_position() >= up_to) {
    return Gathered::kDone;
  }
  return GatherEvents(gather, format, static_cast<std::size_t>(followed - followed_.data()), up_to,
                      /*first=*/true);
}

bool Session::MayFetchPage(ChannelKey channel, bool first) {
  if (paging_ == channel) return true;
  if (first) {
    // What holds the place now may have to wait for this: it gives way, and reads again later.
    DropPage();
  } else if (paging_ != 0) {
    others_want_page_ = true;
    return false;
  } else if (others_want_page_ && channel == last_paging_) {
    return false;
  }
  others_want_page_ = false;
  paging_ = last_paging_ = channel;
  return true;
}

// After a write: the page was read to its end, or given up, or its channel has gone.
void Session::ReleasePagePlace() {
  const bool was_free = paging_ == 0;
  if (const Followed* const paging = Find(paging_)) {
    if (paging->subscription.page_pending() || paging->subscription.holds_page()) return;
  }
  paging_ = 0;
  if (!others_want_page_) return;
  if (was_free) {  // Those that wanted it have found another way.
    others_want_page_ = false;
    last_paging_ = 0;
  }
  io_.MarkDirty(*this);
}

// A page that is on the way is dropped when it comes.
void Session::DropPage() {
  if (Followed* const paging = Find(paging_)) paging->subscription.Rewind();
  paging_ = 0;
}

Session::Gathered Session::GatherEvents(Gather& gather, WireFormat format, std::size_t index,
                                        std::uint64_t up_to, bool first) {
  Followed& followed = followed_[index];
  Subscription& subscription = followed.subscription;
  for (;;) {
    if (gather.IsFull()) return Gathered::kMore;
    if (followed.awaits_retry) return Gathered::kBlocked;
    Owed owed = subscription.Peek(format, gather.bytes_left(), &gather.cache, up_to);
    switch (owed.kind) {
      case Owed::Kind::kSlice:
      case Owed::Kind::kGap:
        AddOwed(gather, index, std::move(owed));
        break;
      case Owed::Kind::kEnded:
        return Gathered::kDone;
      case Owed::Kind::kNeedPage:
        if (!MayFetchPage(followed.channel, first)) return Gathered::kBlocked;
        io_.FetchPage(id_, subscription.BeginPage(format));
        return Gathered::kBlocked;
      case Owed::Kind::kNothing:
        if (subscription.peek_position() >= up_to) return Gathered::kDone;
        if (subscription.page_pending()) return Gathered::kBlocked;
        // What comes next can be looked at only when what was gathered has been given.
        return subscription.peek_position() != subscription.cursor() ? Gathered::kMore
                                                                     : Gathered::kDone;
    }
  }
}

void Session::AddOwed(Gather& gather, std::size_t index, Owed owed) {
  Subscription& subscription = followed_[index].subscription;
  const bool is_gap = owed.kind == Owed::Kind::kGap;
  Gather::Part& part = gather.Add(is_gap ? Gather::Part::Kind::kGap : Gather::Part::Kind::kSlice);
  part.subscription = index;
  if (is_gap) {
    part.last_sequence = owed.gap_to;
    part.text = GapLine(subscription.queue().channel_id(), owed.gap_from, owed.gap_to);
    gather.SetData(part, part.text.data(), part.text.size());
  } else {
    part.last_sequence = owed.slice.last_sequence;
    part.slice = std::move(owed.slice);
    gather.SetData(part, part.slice.data, part.slice.size);
  }
  subscription.PeekedTo(part.last_sequence);
}

// --- Writing, and what follows from how much was taken.

std::int64_t Session::Write(Gather& gather) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  std::array<iovec, Gather::kPartsMax> vectors;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = gather.FillVectors(vectors);
  for (;;) {
    // Most writes are one slice of one channel, for which the kernel has a shorter way.
    const ssize_t n =
        message.msg_iovlen == 1
            ? ::send(socket_.native_handle(), vectors[0].iov_base, vectors[0].iov_len, kFlags)
            : ::sendmsg(socket_.native_handle(), &message, kFlags);
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
  }
}

void Session::Commit(Gather& gather, std::size_t written) {
  std::size_t i = 0;
  for (; i < gather.count() && gather.at(i).size <= written; ++i) {
    written -= gather.at(i).size;
    CommitWhole(gather.at(i));
    if (phase_ == Phase::kLingering || phase_ == Phase::kClosed) return;
  }
  if (i == gather.count()) return;
  if (written > 0) CommitPartOf(gather.at(i), written);
  // A reader that is behind holds no chunk and no page: its cursor knows the place.
  for (; i < gather.count(); ++i) {
    const Gather::Part& part = gather.at(i);
    const bool of_subscription =
        part.kind == Gather::Part::Kind::kSlice || part.kind == Gather::Part::Kind::kGap;
    if (of_subscription) followed_[part.subscription].subscription.Rewind();
  }
}

void Session::CommitWhole(Gather::Part& part) {
  switch (part.kind) {
    case Gather::Part::Kind::kRemainder:
      std::string().swap(remainder_);
      return;
    case Gather::Part::Kind::kItem:
      CommitItem();
      return;
    case Gather::Part::Kind::kSlice:
    case Gather::Part::Kind::kGap:
      followed_[part.subscription].subscription.Advance(part.last_sequence);
      return;
  }
}

void Session::CommitPartOf(Gather::Part& part, std::size_t written) {
  switch (part.kind) {
    case Gather::Part::Kind::kRemainder:
      remainder_.erase(0, written);
      return;
    case Gather::Part::Kind::kItem:
      remainder_.assign(part.data + written, part.size - written);
      CommitItem();
      return;
    case Gather::Part::Kind::kSlice:
      CommitPartOfSlice(part, written);
      return;
    case Gather::Part::Kind::kGap:
      remainder_.assign(part.data + written, part.size - written);
      followed_[part.subscription].subscription.Advance(part.last_sequence);
      return;
  }
}

void Session::CommitPartOfSlice(Gather::Part& part, std::size_t written) {
  const Slice& slice = part.slice;
  const EncodedChunk& chunk = *slice.chunk;
  std::uint64_t given = slice.LastWholeWithin(written);
  const std::size_t whole =
      given < slice.first_sequence ? 0 : chunk.EndOf(given) - chunk.BeginOf(slice.first_sequence);
  if (written > whole) {
    ++given;  // Sent in part: the rest is kept, so it counts as given.
    const std::size_t size = chunk.EndOf(given) - chunk.BeginOf(given);
    remainder_.assign(slice.data + written, size - (written - whole));
  }
  if (given >= slice.first_sequence) followed_[part.subscription].subscription.Advance(given);
}

void Session::CommitItem() {
  const OutItem& item = outbox_.at(0);
  const OutItem::Kind kind = item.kind;
  if (kind == OutItem::Kind::kFormat) sent_format_ = item.format;
  outbox_.PopFront();
  if (kind == OutItem::Kind::kClose) BeginLinger();
}

void Session::AwaitWritable(bool progressed) {
  const std::int64_t timeout_ms = io_.environment().options.write_stall_timeout.count();
  if (timeout_ms > 0 && (progressed || deadline_ms_ == 0)) deadline_ms_ = io_.NowMs() + timeout_ms;
  awaiting_writable_ = true;
  DropPage();  // One that does not read holds no memory.
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](boost::system::error_code e) {
    self->awaiting_writable_ = false;
    if (!e && self->phase_ != Phase::kClosed) self->io_.MarkDirty(*self);
  });
}

void Session::AfterDrain(Gathered gathered) {
  if (rejoined_ > 0 && !OwesEvents()) rejoined_ = 0;
  if (!awaiting_writable_) {
    if (gathered == Gathered::kMore) {
      io_.MarkDirty(*this);
    } else if (phase_ == Phase::kFlushing && !OwesSomething()) {
      if (bye_ == nullptr) {
        BeginLinger();
        return;
      }
      outbox_.AddLine(std::move(*bye_));
      bye_.reset();
      io_.MarkDirty(*this);
    }
  }
  ResumeReading();
}

}  // namespace txtchat::gateway
