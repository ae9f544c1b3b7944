#pragma once

#include <cstddef>
#include <utility>

#include "core/message_store.h"

namespace txtchat::storage {

/// Fills a page up to the bounds of a query: so many events, so many bytes of text, but at least
/// one event. A value; one thread at a time.
class EventPageBuilder {
 public:
  explicit EventPageBuilder(const EventQuery& query)
      : events_max_(query.events_max), bytes_max_(query.bytes_max) {}

  /// Whether an event with so many bytes of text still belongs on the page.
  bool HasRoomFor(std::size_t text_bytes) const {
    return page_.empty() || (page_.size() < events_max_ && bytes_ + text_bytes <= bytes_max_);
  }
  void Add(EventPtr event) {
    bytes_ += event->text.size();
    page_.push_back(std::move(event));
  }
  EventPage Take() { return std::move(page_); }

 private:
  const std::size_t events_max_;
  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  EventPage page_;
};

}  // namespace txtchat::storage
