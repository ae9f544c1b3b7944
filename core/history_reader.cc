#include "core/history_reader.h"

#include <string>
#include <utility>

#include "absl/status/status.h"

namespace txtchat {

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
  for (Job& job : abandoned) job.done(absl::UnavailableError("the server is stopping"));
}

void HistoryReader::ReadAsync(const PageRequest& request, PageCallback done) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_) {
      jobs_.push_back({request, std::move(done)});
      return;
    }
  }
  done(absl::UnavailableError("the server is stopping"));
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
    }
    job.done(Read(job.request));
  }
}

absl::StatusOr<HistoryPage> HistoryReader::Read(const PageRequest& request) const {
  absl::StatusOr<EventPage> events =
      store_->Read(request.channel, request.after, request.up_to, limits_.store_page_events_max,
                   limits_.store_page_bytes_max);
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
