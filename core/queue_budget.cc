#include "core/queue_budget.h"

#include "core/chat_state.h"

namespace txtchat {

void QueueBudget::OnAppended(ChannelFeed& feed, std::size_t bytes) {
  if (bytes == 0 && feed.budgeted_bytes == 0) return;
  if (feed.budgeted_bytes == 0) {
    newest_first_.push_front(&feed);
    feed.in_budget = newest_first_.begin();
  } else {
    newest_first_.splice(newest_first_.begin(), newest_first_, feed.in_budget);
  }
  bytes_ += bytes - feed.budgeted_bytes;
  feed.budgeted_bytes = bytes;
  if (bytes == 0) newest_first_.erase(feed.in_budget);
  while (bytes_ > bytes_max_ && newest_first_.size() > 1) DropOldest();
}

void QueueBudget::DropOldest() {
  ChannelFeed& idle = *newest_first_.back();
  idle.queue->DropLogs();
  Forget(idle);
}

void QueueBudget::DropAll() {
  while (!newest_first_.empty()) DropOldest();
}

void QueueBudget::Forget(ChannelFeed& feed) {
  if (feed.budgeted_bytes == 0) return;
  bytes_ -= feed.budgeted_bytes;
  feed.budgeted_bytes = 0;
  newest_first_.erase(feed.in_budget);
}

}  // namespace txtchat
