#include "core/history_reader.h"

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
  std::deque<Job> abandoned;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    abandoned.swap(jobs_);
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (Job& job : abandoned) {
    std::visit([](auto& specific) { specific.done(Stopping()); }, job);
  }
}

void HistoryReader::ReadAsync(const PageRequest& request, PageCallback done) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_) {
      jobs_.emplace_back(PageJob{request, std::move(done)});
      return;
    }
  }
  done(Stopping());
}

void HistoryReader::ReadEventsAsync(const EventQuery& query, EventsCallback done) {
  absl::Status refused = Stopping();
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_ && events_jobs_ < limits_.history_reads_max) {
      ++events_jobs_;
      jobs_.emplace_back(EventsJob{query, std::move(done)});
      return;
    }
    if (!stopping_) {
      refused = absl::ResourceExhaustedError(
          "the server is busy: too many reads of history wait already; retry with backoff");
    }
  }
  done(std::move(refused));
}

void HistoryReader::Run() {
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !jobs_.empty();
  };
  for (;;) {
    Job job;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      if (std::holds_alternative<EventsJob>(job)) --events_jobs_;
    }
    std::visit([this](auto& specific) { Carry(specific); }, job);
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
