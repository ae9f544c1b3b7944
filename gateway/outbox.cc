#include "gateway/outbox.h"

namespace txtchat::gateway {
namespace {

// Lines that follow each other share an item up to this size.
constexpr std::size_t kItemBytes = 4'096;

}  // namespace

void Outbox::Add(OutItem item) {
  // One that always has something to say never becomes empty. (Not in PopFront: a write that was
  // taken in part still points to the texts of the items behind.)
  if (begin_ > 0 && 2 * begin_ >= items_.size()) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  TailToItem();
  bytes_ += Cost(item);
  items_.push_back(std::move(item));
}

void Outbox::TailToItem() {
  if (tail_sequence_ == 0) return;
  OutItem barrier{.kind = OutItem::Kind::kBarrier,
                  .channel = tail_channel_,
                  .sequence = std::exchange(tail_sequence_, 0)};
  bytes_ += Cost(barrier);
  items_.push_back(std::move(barrier));
}

void Outbox::AddLine(std::string text) {
  const bool joins_last = size() > 0 && tail_sequence_ == 0 &&
                          items_.back().kind == OutItem::Kind::kLine &&
                          items_.back().text.size() + text.size() <= kItemBytes;
  if (joins_last) {
    bytes_ += text.size();
    items_.back().text += text;
    return;
  }
  Add({.kind = OutItem::Kind::kLine, .text = std::move(text)});
}

void Outbox::AddFormat(std::string text, WireFormat format) {
  Add({.kind = OutItem::Kind::kFormat, .format = format, .text = std::move(text)});
}

void Outbox::Fill(std::uint64_t ticket, std::string text) {
  for (std::size_t i = begin_; i < items_.size(); ++i) {
    OutItem& item = items_[i];
    if (item.kind != OutItem::Kind::kAwaited || item.sequence != ticket) continue;
    bytes_ += text.size();
    item.kind = OutItem::Kind::kLine;
    item.text = std::move(text);
    return;
  }
}

void Outbox::AddOwnEvent(ChannelKey channel, std::uint64_t sequence) {
  if (channel != tail_channel_) TailToItem();
  tail_channel_ = channel;
  tail_sequence_ = sequence;
}

void Outbox::PopFront() {
  OutItem& front = items_[begin_];
  bytes_ -= Cost(front);
  front.text = std::string();
  if (++begin_ < items_.size()) return;
  std::vector<OutItem>().swap(items_);
  begin_ = 0;
}

}  // namespace txtchat::gateway
