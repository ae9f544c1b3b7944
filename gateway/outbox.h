#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/wire_format.h"

namespace txtchat::gateway {

/// One thing that a session still has to say, or to do between the things that it says.
struct OutItem {
  enum class Kind : std::uint8_t {
    kLine,     ///< Write `text`.
    kBarrier,  ///< First deliver `channel` up to `sequence`, an event of the client's own making.
    kFormat,   ///< Write `text`; events after it are in `format`.
    kAwaited,  ///< Wait for the text that Fill brings; `sequence` is its ticket.
    kClose,    ///< End the connection.
  };
  Kind kind = Kind::kLine;
  WireFormat format = WireFormat::kClassicLine;
  ChannelKey channel = 0;
  std::uint64_t sequence = 0;
  std::string text;
};

/// A session's own lines in the order of its commands, with the places between them where an event
/// that the client caused belongs, so that answers and own events come in the order of the
/// commands. The events themselves are not in here.
///
/// Single-threaded. Holds no memory while empty. Not bounded by itself: the session stops reading
/// commands while bytes() is above its limit.
class Outbox {
 public:
  void AddLine(std::string text);
  void AddFormat(std::string text, WireFormat format);
  /// Keeps the place of a text that is being fetched.
  void AddAwaited(std::uint64_t ticket) {
    Add({.kind = OutItem::Kind::kAwaited, .sequence = ticket});
  }
  /// The text has come. Unknown tickets are fine: the outbox may have been cleared since.
  void Fill(std::uint64_t ticket, std::string text);
  void AddClose() { Add({.kind = OutItem::Kind::kClose}); }
  /// What is added from now on comes after this event. Costs nothing for a run of events in one
  /// channel.
  void AddOwnEvent(ChannelKey channel, std::uint64_t sequence);

  /// The items, oldest first.
  std::size_t size() const { return items_.size() - begin_; }
  const OutItem& at(std::size_t i) const { return items_[begin_ + i]; }
  void PopFront();

  /// The newest own event, which comes behind all items; sequence 0 if there is none.
  ChannelKey tail_channel() const { return tail_channel_; }
  std::uint64_t tail_sequence() const { return tail_sequence_; }
  void ClearTail() { tail_sequence_ = 0; }
  /// What came of `channel` until now has been given: nothing more waits for it.
  void ForgetOwnEvent(ChannelKey channel) {
    if (channel == tail_channel_) ClearTail();
  }

  /// Items that there is room for, for tests.
  std::size_t capacity() const { return items_.capacity(); }
  /// Memory that waits to be sent.
  std::size_t bytes() const { return bytes_; }
  void Clear() { *this = Outbox(); }

 private:
  static std::size_t Cost(const OutItem& item) { return sizeof item + item.text.size(); }
  void Add(OutItem item);
  void TailToItem();

  std::vector<OutItem> items_;
  std::size_t begin_ = 0;
  std::size_t bytes_ = 0;
  ChannelKey tail_channel_ = 0;
  std::uint64_t tail_sequence_ = 0;
};

}  // namespace txtchat::gateway
