#include "grpc-service/pump_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace txtchat::rpc {
namespace {

/// Streams woken before completions of their writes are handled.
constexpr std::size_t kWakesAtOnce = 256;

/// Often enough for every timeout of a stream or a call, seldom enough to cost nothing.
std::int64_t TickInterval(const RpcOptions& options) {
  const StreamOptions& stream = options.stream;
  const std::int64_t shortest =
      std::min({stream.heartbeat_interval_ms, stream.write_stall_timeout_ms, stream.page_retry_ms,
                stream.page_release_ms, stream.cut_grace_ms, options.calls.reply_stall_timeout_ms,
                options.calls.reply_stall_pressed_ms});
  return std::clamp<std::int64_t>(shortest / 4, 5, 1'000);
}

}  // namespace

PumpThread::PumpThread(HistoryReader* history, const RpcOptions& options,
                       std::vector<UnaryCalls*> calls)
    : history_(history),
      calls_(std::move(calls)),
      tick_interval_ms_(TickInterval(options)),
      next_tick_ms_(NowMs() + tick_interval_ms_),
      thread_([this] { Run(); }) {}

PumpThread::~PumpThread() { Stop(); }

std::int64_t PumpThread::NowMs() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::steady_clock;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void PumpThread::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

// --- From other threads.

void PumpThread::Deliver(LaneBatch batch) {
  absl::MutexLock lock(&mutex_);
  if (!inbox_.empty()) {
    if (auto* last = std::get_if<LaneBatch>(&inbox_.back())) {
      last->Merge(std::move(batch));
      return;
    }
  }
  inbox_.emplace_back(std::move(batch));
}

void PumpThread::Post(Task task) {
  absl::MutexLock lock(&mutex_);
  inbox_.emplace_back(std::move(task));
}

void PumpThread::Fetch(SessionId session, const PageRequest& request) {
  history_->ReadAsync(request,
                      [this, session, key = request.channel](absl::StatusOr<HistoryPage> page) {
                        Post([this, session, key, page = std::move(page)]() mutable {
                          if (Session* found = Find(session))
                            found->stream->OnPage(key, std::move(page));
                        });
                      });
}

void PumpThread::AddStream(std::shared_ptr<SubscribeStream> stream) {
  Post([this, stream = std::move(stream)]() mutable {
    auto session = std::make_unique<Session>();
    const SessionId id = stream->id();
    session->stream = std::move(stream);
    sessions_.emplace(id, std::move(session));
  });
}

void PumpThread::RemoveStream(SessionId id) {
  Post([this, id] {
    const auto it = sessions_.find(id);
    if (it == sessions_.end()) return;
    Session* const session = it->second.get();
    for (ChannelKey channel : session->channels) fan_out_.Remove(channel, session);
    std::replace(concerned_.begin(), concerned_.end(), session, static_cast<Session*>(nullptr));
    sessions_.erase(it);
  });
}

void PumpThread::EndStreams(const absl::Status& status) {
  Post([this, status] {
    // What was announced before comes first.
    WakeConcerned();
    for (auto& [id, session] : sessions_) session->stream->EndWith(status);
  });
}

void PumpThread::CutStreams(const absl::Status& status) {
  Post([this, status] {
    for (auto& [id, session] : sessions_) session->stream->Cut(status);
  });
}

// --- The thread.

void PumpThread::Run() {
  std::vector<Work> turn;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      const std::int64_t wait_ms = std::max<std::int64_t>(next_tick_ms_ - NowMs(), 0);
      mutex_.AwaitWithTimeout(absl::Condition(this, &PumpThread::HasWork),
                              absl::Milliseconds(wait_ms));
      if (stopping_ && inbox_.empty()) return;
      turn.swap(inbox_);
    }
    for (Work& work : turn) {
      if (auto* task = std::get_if<Task>(&work)) {
        (*task)();
      } else {
        Handle(std::get<LaneBatch>(work));
      }
    }
    turn.clear();
    WakeConcerned();
    TickIfDue();
  }
}

void PumpThread::Handle(LaneBatch& batch) {
  for (LaneBatch::Item& item : batch.items) {
    std::visit([this](auto& specific) { Handle(specific); }, item);
  }
  for (const Readable& readable : batch.readable) {
    for (Session* session : fan_out_.SubscribersOf(readable.channel)) {
      session->news.push_back(readable);
      Concern(*session);
    }
  }
}

void PumpThread::Handle(Reply& reply) { reply.done(std::move(reply.result)); }

void PumpThread::Handle(SubscriptionStart& start) {
  Session* const session = Find(start.session);
  if (session == nullptr) return;
  const ChannelKey key = start.queue->key();
  if (session->channels.insert(key).second) fan_out_.Add(key, session);
  session->stream->AddSubscription(std::move(start.queue), start.cursor, start.head);
  Concern(*session);
}

void PumpThread::Handle(SubscriptionEnd& end) {
  Session* const session = Find(end.session);
  if (session == nullptr) return;
  // Everything up to the end is in the queue already: there will be nothing to wake it for.
  if (session->channels.erase(end.channel) == 1) fan_out_.Remove(end.channel, session);
  session->stream->EndSubscription(end.channel, end.last_sequence);
  Concern(*session);
}

void PumpThread::Handle(SessionEnd& end) {
  if (Session* session = Find(end.session)) session->stream->EndWith(std::move(end.reason));
}

void PumpThread::Concern(Session& session) {
  if (session.concerned) return;
  session.concerned = true;
  concerned_.push_back(&session);
}

void PumpThread::WakeConcerned() {
  ReadCache cache;
  for (std::size_t begin = 0; begin < concerned_.size(); begin += kWakesAtOnce) {
    const std::size_t end = std::min(begin + kWakesAtOnce, concerned_.size());
    write_gate_.Close();
    for (std::size_t i = begin; i < end; ++i) {
      Session* const session = concerned_[i];
      if (session == nullptr) continue;  // Removed since.
      session->concerned = false;
      session->stream->Wake(session->news, &cache);
      session->news.clear();
    }
    write_gate_.Open();
  }
  concerned_.clear();
}

void PumpThread::TickIfDue() {
  const std::int64_t now_ms = NowMs();
  if (now_ms < next_tick_ms_) return;
  next_tick_ms_ = now_ms + tick_interval_ms_;
  for (auto& [id, session] : sessions_) session->stream->Tick(now_ms);
  for (UnaryCalls* const calls : calls_) calls->Tick(now_ms);
}

PumpThread::Session* PumpThread::Find(SessionId id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.get();
}

}  // namespace txtchat::rpc
