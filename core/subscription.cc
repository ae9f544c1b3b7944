#include "core/subscription.h"

#include <algorithm>

namespace txtchat {

ReadResult ReadCache::Read(const BroadcastQueue& queue, WireFormat format, std::uint64_t cursor,
                           std::uint64_t up_to, std::size_t bytes_max) {
  const bool hit = queue_ == &queue && format_ == format && cursor_ == cursor && up_to_ == up_to &&
                   bytes_max_ == bytes_max;
  if (!hit) {
    result_ = queue.Read(format, cursor, up_to, bytes_max);
    queue_ = &queue;
    format_ = format;
    cursor_ = cursor;
    up_to_ = up_to;
    bytes_max_ = bytes_max;
  }
  return result_;
}

Owed Subscription::Peek(WireFormat format, std::size_t bytes_max, ReadCache* cache,
                        std::uint64_t up_to) {
  const std::uint64_t leaves_at = absences_ == nullptr ? kNoEnd : absences_->front().left;
  const std::uint64_t limit = std::min({up_to, ends_at_, leaves_at});
  if (peek_ >= ends_at_) return {.kind = Owed::Kind::kEnded};
  if (leaves_at <= cursor_ && peek_ == cursor_ && cursor_ < up_to) {
    const Absence& lossy = absences_->front();
    return {.kind = Owed::Kind::kGap, .gap_from = lossy.lost_from, .gap_to = lossy.lost_to};
  }
  if (peek_ >= limit) return {};
  if (page_ != nullptr && page_->format == format && peek_ >= page_->after &&
      peek_ < page_->covers_to) {
    return PeekPage(bytes_max, limit);
  }
  const ReadResult read = cache != nullptr ? cache->Read(*queue_, format, peek_, limit, bytes_max)
                                           : queue_->Read(format, peek_, limit, bytes_max);
  switch (read.state) {
    case ReadState::kData:
      if (peek_ == cursor_) page_.reset();
      return {.kind = Owed::Kind::kSlice, .slice = read.slice};
    case ReadState::kEmpty:
      return {};
    case ReadState::kClosed:
      return {.kind = Owed::Kind::kEnded};
    case ReadState::kLagged:
      break;
  }
  // A page begins at the cursor, so whatever is peeked must be given before one is fetched.
  if (page_pending_ || peek_ != cursor_) return {};
  page_up_to_ = std::min(limit, read.oldest - 1);
  return {.kind = Owed::Kind::kNeedPage};
}

Owed Subscription::PeekPage(std::size_t bytes_max, std::uint64_t limit) {
  const std::uint64_t next = peek_ + 1;
  const EncodedChunk* chunk = page_->chunk.get();
  const bool has_more = chunk != nullptr && next <= chunk->last_sequence();
  if (!has_more || next < chunk->first_sequence()) {
    const std::uint64_t to = has_more ? chunk->first_sequence() - 1 : page_->covers_to;
    return {.kind = Owed::Kind::kGap, .gap_from = next, .gap_to = std::min(to, limit)};
  }
  std::uint64_t last = std::min(chunk->last_sequence(), limit);
  Slice slice = Slice::Of(page_->chunk, next, last);
  if (slice.size > bytes_max) {
    last = std::max(next, slice.LastWholeWithin(bytes_max));
    slice = Slice::Of(page_->chunk, next, last);
  }
  return {.kind = Owed::Kind::kSlice, .slice = std::move(slice)};
}

void Subscription::Advance(std::uint64_t sequence) {
  cursor_ = sequence;
  peek_ = sequence;
  SkipAbsences();
  if (page_ != nullptr && sequence >= page_->covers_to) page_.reset();
}

void Subscription::Resume(std::uint64_t cursor) {
  if (!HasEnd()) return;
  if (absences_ == nullptr) absences_ = std::make_unique<std::deque<Absence>>();
  if (absences_->size() == kAbsencesMax) {
    Absence& last = absences_->back();
    if (last.lost_to == 0) last.lost_from = last.back + 1;
    last.lost_to = ends_at_;
    last.back = cursor;
  } else {
    absences_->push_back({ends_at_, cursor});
  }
  ends_at_ = kNoEnd;
  SkipAbsences();
}

void Subscription::SkipAbsences() {
  while (absences_ != nullptr && cursor_ >= absences_->front().left) {
    if (cursor_ < absences_->front().lost_to) return;  // To be told first.
    cursor_ = peek_ = std::max(cursor_, absences_->front().back);
    absences_->pop_front();
    if (absences_->empty()) absences_.reset();
  }
}

void Subscription::Rewind() {
  peek_ = cursor_;
  page_.reset();
}

PageRequest Subscription::BeginPage(WireFormat format) {
  page_pending_ = true;
  return {.channel = queue_->key(),
          .format = format,
          .after = cursor_,
          // What the queue has is not asked of the store, which may have forgotten it: a reader
          // that was told of a gap there would lose it.
          .up_to = page_up_to_};
}

void Subscription::OnPage(absl::StatusOr<HistoryPage> page) {
  page_pending_ = false;
  if (page.ok()) page_ = std::make_unique<HistoryPage>(*std::move(page));
}

}  // namespace txtchat
