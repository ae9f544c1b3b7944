#include "core/history_reader.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace txtchat {
namespace {

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

}  // namespace

HistoryReader::HistoryReader(MessageStore* store, EncoderSet encoders, const Limits& limits,
                             std::size_t threads)
    : store_(store), encoders_(encoders), limits_(limits) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

HistoryReader::~HistoryReader() { Stop(); }

void HistoryReader::Stop() {
  std::deque<PageJob> pages;
  std::deque<EventsJob> events;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    pages.swap(pages_);
    events.swap(events_);
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (PageJob& job : pages) job.done(Stopping());
  for (EventsJob& job : events) job.done(Stopping());
}

void HistoryReader::ReadAsync(const PageRequest& request, PageCallback done) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_) {
      pages_.push_back({request, std::move(done)});
      return;
    }
  }
  done(Stopping());
}

void HistoryReader::ReadEventsAsync(const EventQuery& query, EventsCallback done) {
  absl::Status refused = Stopping();
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_ && events_.size() < limits_.history_reads_max) {
      events_.push_back({query, std::move(done)});
      return;
    }
    if (!stopping_) {
      refused = absl::ResourceExhaustedError(
          "the server is busy: too many reads of history wait already; retry with backoff");
    }
  }
  done(std::move(refused));
}

HistoryReader::Job HistoryReader::NextJob() {
  if (!pages_.empty()) {
    Job job = std::move(pages_.front());
    pages_.pop_front();
    return job;
  }
  Job job = std::move(events_.front());
  events_.pop_front();
  return job;
}

void HistoryReader::Run() {
  for (;;) {
    std::optional<Job> job;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &HistoryReader::HasWork));
      if (stopping_) return;
      job = NextJob();
    }
    std::visit([this](auto& specific) { Carry(specific); }, *job);
  }
}

absl::StatusOr<HistoryPage> HistoryReader::Read(const PageRequest& request) const {
  const absl::StatusOr<EventPage> events =
      store_->Read({.channel = request.channel,
                    .after = request.after,
                    .up_to = request.up_to,
                    .events_max = limits_.store_page_events_max,
                    .bytes_max = limits_.store_page_bytes_max});
  if (!events.ok()) return events.status();
  HistoryPage page{.after = request.after, .covers_to = request.up_to, .format = request.format};
  if (events->empty()) return page;

  const EventEncoder& encoder = *encoders_[IndexOf(request.format)];
  std::vector<std::string> encoded(events->size());
  std::size_t bytes = 1;
  for (std::size_t i = 0; i < events->size(); ++i) {
    encoder.Append(*(*events)[i], encoded[i]);
    bytes += encoded[i].size();
  }
  page.chunk = EncodedChunk::Make(events->front()->sequence, events->size(), bytes);
  for (const std::string& event : encoded) page.chunk->Append(event);
  page.covers_to = events->back()->sequence;
  return page;
}

}  // namespace txtchat
