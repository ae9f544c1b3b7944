#include "core/history_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace txtchat {
namespace {

ChunkPtr Encode(const EventPage& events, const EventEncoder& encoder) {
  std::string bytes;
  std::vector<std::size_t> ends;
  ends.reserve(events.size());
  for (const EventPtr& event : events) {
    encoder.Append(*event, bytes);
    ends.push_back(bytes.size());
  }
  ChunkPtr chunk = EncodedChunk::Make(events.front()->sequence, events.size(),
                                      std::max<std::size_t>(bytes.size(), 1));
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    chunk->Append(std::string_view(bytes).substr(begin, end - begin));
    begin = end;
  }
  return chunk;
}

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

}  // namespace

absl::Status ReadRefusal(const absl::Status& error) {
  if (error.code() == absl::StatusCode::kResourceExhausted) return error;
  return absl::UnavailableError("the server could not read this; try again");
}

HistoryReader::HistoryReader(MessageStore* store, EncoderSet encoders, const Limits& limits,
                             std::size_t threads)
    : store_(store), encoders_(encoders), limits_(limits), cache_(limits.history_cache_bytes_max) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

HistoryReader::~HistoryReader() { Stop(); }

void HistoryReader::Stop() {
  std::deque<PageJob> pages;
  std::deque<Job> reads;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    pages.swap(pages_);
    reads.swap(reads_);
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (PageJob& job : pages) job.done(Stopping());
  for (Job& job : reads) {
    std::visit([](auto& specific) { specific.done(Stopping()); }, job);
  }
}

void HistoryReader::ReadAsync(const PageRequest& request, PageCallback done) {
  if (std::optional<HistoryPage> page = FromCache(request)) return done(*std::move(page));
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_) {
      pages_.push_back({request, std::move(done)});
      return;
    }
  }
  done(Stopping());
}

absl::Status HistoryReader::TryAdd(Job& job) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return Stopping();
  if (reads_.size() >= limits_.history_reads_max) {
    return absl::ResourceExhaustedError(
        "the server is busy: too many reads of history wait already; retry with backoff");
  }
  reads_.push_back(std::move(job));
  return absl::OkStatus();
}

void HistoryReader::ReadEventsAsync(const EventQuery& query, EventsCallback done) {
  Job job = EventsJob{query, std::move(done)};
  if (absl::Status s = TryAdd(job); !s.ok()) std::get<EventsJob>(job).done(std::move(s));
}

void HistoryReader::ReadAuthoredAsync(const AuthoredQuery& query, AuthoredCallback done) {
  Job job = AuthoredJob{query, std::move(done)};
  if (absl::Status s = TryAdd(job); !s.ok()) std::get<AuthoredJob>(job).done(std::move(s));
}

HistoryReader::Job HistoryReader::NextJob() {
  if (!pages_.empty()) {
    Job job = std::move(pages_.front());
    pages_.pop_front();
    return job;
  }
  Job job = std::move(reads_.front());
  reads_.pop_front();
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

// Somebody else may have asked further. A reader that wants no more than `up_to` takes the page for
// read when it is there, and lets go of it.
std::optional<HistoryPage> HistoryReader::FromCache(const PageRequest& request) {
  std::optional<HistoryPage> page = cache_.Find(request);
  if (page.has_value()) page->covers_to = std::min(page->covers_to, request.up_to);
  return page;
}

absl::StatusOr<HistoryPage> HistoryReader::Read(const PageRequest& request) {
  // Somebody before in the queue may have wanted the same.
  if (std::optional<HistoryPage> page = FromCache(request)) return *std::move(page);
  const std::uint64_t generation = cache_.Generation();
  const absl::StatusOr<EventPage> events =
      store_->Read({.channel = request.channel,
                    .after = request.after,
                    .up_to = request.up_to,
                    .events_max = limits_.store_page_events_max,
                    .bytes_max = limits_.store_page_bytes_max});
  if (!events.ok()) return events.status();
  HistoryPage page{.after = request.after, .covers_to = request.up_to, .format = request.format};
  if (!events->empty()) {
    page.chunk = Encode(*events, *encoders_[IndexOf(request.format)]);
    page.covers_to = events->back()->sequence;
  }
  cache_.Add(request.channel, page, generation);
  return page;
}

}  // namespace txtchat
