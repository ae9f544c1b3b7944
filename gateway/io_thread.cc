#include "gateway/io_thread.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <variant>

#include "gateway/session.h"
#include "gateway/tls_connection.h"
#include "gateway/tls_stream.h"

namespace txtchat::gateway {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryPagesAfter{100};
// Bytes that the kernel takes from us beyond what the peer's window lets it send: so a peer that
// does not read binds little of the kernel's memory either.
constexpr int kUnsentBytesMax = 128 * 1024;

void Set(int fd, int level, int option, int value) {
  // These make things better and nothing depends on them: a refusal is no error.
  (void)::setsockopt(fd, level, option, &value, sizeof value);
}

void Configure(int fd) {
  Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  Set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  Set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  Set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
  Set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
  Set(fd, SOL_SOCKET, SO_OOBINLINE, 1);  // Urgent bytes are bytes.
}

// The protocol is of no importance for a connected socket.
bool Assign(Socket& socket, FileDescriptor connection) {
  boost::system::error_code error;
  socket.assign(boost::asio::ip::tcp::v4(), connection.get(), error);
  if (error) return false;
  (void)connection.Release();
  return true;
}

milliseconds SweepInterval(const GatewayOptions& options) {
  milliseconds shortest{4'000};
  for (const milliseconds timeout : {options.write_stall_timeout, options.register_timeout}) {
    if (timeout.count() > 0) shortest = std::min(shortest, timeout);
  }
  return std::max(shortest / 4, milliseconds(10));
}

}  // namespace

IoThread::IoThread(const Environment* environment)
    : environment_(*environment),
      work_(io_.get_executor()),
      sweep_timer_(io_),
      retry_timer_(io_),
      resume_timer_(io_),
      rest_timer_(io_),
      read_buffer_(new char[kReadBytes]) {}

IoThread::~IoThread() { Stop(); }

void IoThread::Start() {
  running_ = true;
  Post([this] { ArmSweep(); });
  thread_ = std::thread([this] { Run(); });
}

void IoThread::Run() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception&) {
      // A bug, or no memory for one operation. The other sessions go on.
      ++environment_.counters->exceptions;
    }
  }
}

void IoThread::Stop() {
  if (!running_) return;
  RunAndWait([this] { CloseAll(); });
  running_ = false;
  io_.stop();
  thread_.join();
  // What came too late may own this thread.
  LaneBatch late;
  absl::MutexLock lock(&mutex_);
  std::swap(late, delivered_);
}

std::int64_t IoThread::NowMs() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

// --- Sessions.

void IoThread::Adopt(FileDescriptor connection, Peer peer, Place place) {
  Post([this, connection = std::move(connection), peer = std::move(peer),
        place = std::move(place)]() mutable {
    Configure(connection.get());
    AddSession(std::move(connection), std::move(peer), std::move(place));
  });
}

void IoThread::AdoptTls(FileDescriptor connection, Peer peer, Place place, Place handshake,
                        std::unique_ptr<TlsStream> tls) {
  Post([this, connection = std::move(connection), peer = std::move(peer), place = std::move(place),
        handshake = std::move(handshake), tls = std::move(tls)]() mutable {
    Configure(connection.get());
    AddTls(std::move(connection), std::move(peer), std::move(place), std::move(handshake),
           std::move(tls));
  });
}

SessionId IoThread::AddSession(FileDescriptor connection, Peer peer, Place place) {
  if (reading_stopped_) return 0;
  Socket socket(io_);
  if (!Assign(socket, std::move(connection))) return 0;
  const SessionId id = environment_.session_ids->Next();
  const auto session =
      std::make_shared<Session>(*this, std::move(socket), id, std::move(peer), std::move(place));
  sessions_.emplace(id, session);
  session->Start();
  return id;
}

void IoThread::AddTls(FileDescriptor connection, Peer peer, Place place, Place handshake,
                      std::unique_ptr<TlsStream> tls) {
  if (reading_stopped_) return;
  Socket socket(io_);
  if (!Assign(socket, std::move(connection))) return;
  const auto added =
      std::make_shared<TlsConnection>(*this, std::move(socket), std::move(tls), std::move(peer),
                                      std::move(place), std::move(handshake));
  tls_.emplace(added.get(), added);
  added->Start();
}

void IoThread::Remove(TlsConnection& connection) { tls_.erase(&connection); }

Session* IoThread::Find(SessionId id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.get();
}

void IoThread::Remove(Session& session) {
  const auto it = sessions_.find(session.id());
  if (it == sessions_.end()) return;
  closed_.push_back(std::move(it->second));
  sessions_.erase(it);
  ScheduleDrain();
}

std::size_t IoThread::CloseAll() {
  std::vector<std::shared_ptr<Session>> all;
  for (const auto& [id, session] : sessions_) all.push_back(session);
  std::vector<std::shared_ptr<TlsConnection>> all_tls;
  for (const auto& [key, connection] : tls_) all_tls.push_back(connection);
  std::size_t owed = 0;
  for (const std::shared_ptr<TlsConnection>& connection : all_tls) {
    // What its session owes is counted below.
    if (connection->OwesSomething()) ++owed;
  }
  for (const std::shared_ptr<Session>& session : all) {
    if (session->OwesSomething()) ++owed;
    session->Close();
  }
  for (const std::shared_ptr<TlsConnection>& connection : all_tls) connection->Close();
  return owed;
}

void IoThread::StopReading() {
  reading_stopped_ = true;
  for (const auto& [id, session] : sessions_) session->StopReading(Session::Stopping());
  std::vector<std::shared_ptr<TlsConnection>> all_tls;
  for (const auto& [key, connection] : tls_) all_tls.push_back(connection);
  for (const std::shared_ptr<TlsConnection>& connection : all_tls) connection->CloseIfNew();
}

void IoThread::BeginFlush(const std::string& reason) {
  StopReading();
  for (const auto& [id, session] : sessions_) session->BeginFlush(reason);
}

// --- From the sequencer.

void IoThread::Deliver(LaneBatch batch) {
  bool was_empty = false;
  {
    absl::MutexLock lock(&mutex_);
    was_empty = delivered_.empty();
    delivered_.Merge(std::move(batch));
  }
  if (was_empty) Post([this] { OnDelivered(); });
}

void IoThread::OnDelivered() noexcept {
  LaneBatch batch;
  {
    absl::MutexLock lock(&mutex_);
    std::swap(batch, delivered_);
  }
  // The drain below does for this turn; what it leaves is scheduled anew.
  const bool scheduled = std::exchange(drain_scheduled_, true);
  for (LaneBatch::Item& item : batch.items) Handle(item);
  for (const Readable& readable : batch.readable) {
    for (Session* session : fan_out_.SubscribersOf(readable.channel)) {
      session->OnReadable(readable.channel, readable.head);
    }
  }
  if (batch.inbox_has_room) {
    const std::vector<SessionId> waiting = std::exchange(waiting_for_room_, {});
    for (SessionId id : waiting) {
      if (Session* const session = Find(id)) session->OnRoom();
    }
  }
  drain_scheduled_ = scheduled;
  DrainDirty();
  ScheduleTurns();
}

void IoThread::Handle(LaneBatch::Item& item) {
  if (auto* reply = std::get_if<Reply>(&item)) {
    reply->done(std::move(reply->result));
  } else if (auto* start = std::get_if<SubscriptionStart>(&item)) {
    Session* const session = Find(start->session);
    if (session != nullptr) {
      session->OnSubscriptionStart(std::move(start->queue), start->cursor, start->head);
    }
  } else if (const auto* end = std::get_if<SubscriptionEnd>(&item)) {
    Session* const session = Find(end->session);
    if (session != nullptr) session->OnSubscriptionEnd(end->channel, end->last_sequence);
  } else {
    const auto& ended = std::get<SessionEnd>(item);
    Session* const session = Find(ended.session);
    if (session != nullptr) session->OnSessionEnd(ended.reason);
  }
}

// --- Draining.

void IoThread::MarkDirty(Session& session) {
  if (session.dirty) return;
  session.dirty = true;
  dirty_.push_back(&session);
  ScheduleDrain();
}

SubmitResult IoThread::Enqueue(Envelope& envelope) {
  enqueued_ = true;
  ScheduleDrain();
  return environment_.sequencer->Enqueue(envelope);
}

void IoThread::ScheduleDrain() {
  if (drain_scheduled_) return;
  Post([this] {
    drain_scheduled_ = false;
    DrainDirty();
  });
  drain_scheduled_ = true;  // Not if there was no memory for it.
}

void IoThread::DrainDirty() noexcept {
  // First, so that they are decided while this thread writes.
  if (std::exchange(enqueued_, false)) environment_.sequencer->Flush();
  // Sessions that were closed before now are named in no list after this turn.
  const std::vector<std::shared_ptr<Session>> closed = std::exchange(closed_, {});
  draining_.swap(dirty_);
  gather_.cache = ReadCache();
  for (Session* session : draining_) {
    session->dirty = false;
    session->Drain(gather_);
    gather_.Clear();
  }
  gather_.cache = ReadCache();
  draining_.clear();
}

// --- Turns.

void IoThread::AwaitTurn(SessionId id) {
  ++environment_.counters->turns_awaited;
  turns_.push_back(id);
  ScheduleTurns();
}

// Posted, so that sockets and answers of others are looked at between.
void IoThread::ScheduleTurns() {
  if (turns_scheduled_ || turns_.empty() || round_is_full_ || resting_) return;
  Post([this] {
    turns_scheduled_ = false;
    GiveTurns();
  });
  turns_scheduled_ = true;
}

void IoThread::GiveTurns() {
  for (int i = 0; i < kTurnsInARow && !turns_.empty() && !round_is_full_; ++i) {
    const SessionId id = turns_.front();
    turns_.pop_front();
    if (Session* const session = Find(id)) session->OnTurn();
  }
  ScheduleTurns();
}

void IoThread::BeginBusy(std::int64_t cost) {
  if (cost == 0) return;
  if (busy_in_flight_ == 0) round_began_ = std::chrono::steady_clock::now();
  busy_in_flight_ += cost;
  round_is_full_ = round_is_full_ || busy_in_flight_ >= environment_.busy_in_flight_max;
}

void IoThread::EndBusy(std::int64_t cost) {
  busy_in_flight_ -= cost;
  if (cost != 0 && busy_in_flight_ == 0 && round_is_full_) Rest();
}

// So that the sequencer and the disk are free for most of the time.
void IoThread::Rest() {
  round_is_full_ = false;
  resting_ = true;
  const auto took = std::chrono::steady_clock::now() - round_began_;
  const auto rest = kRestByRound * took;
  rest_timer_.expires_after(std::min<std::chrono::steady_clock::duration>(rest, kRestMax));
  rest_timer_.async_wait([this](boost::system::error_code) {
    resting_ = false;
    ScheduleTurns();
  });
}

// --- The store.

void IoThread::FetchPage(SessionId id, const PageRequest& request) {
  environment_.history->ReadAsync(
      request,
      [self = shared_from_this(), id, channel = request.channel](absl::StatusOr<HistoryPage> page) {
        // What is posted must not own the thread that it is posted to.
        self->Post([io = self.get(), id, channel, page = std::move(page)]() mutable {
          if (Session* const session = io->Find(id)) session->OnPage(channel, std::move(page));
        });
      });
}

void IoThread::FetchHistory(SessionId id, std::uint64_t ticket, std::string channel_id,
                            const EventQuery& query) {
  environment_.history->ReadEventsAsync(
      query, [self = shared_from_this(), id, ticket, channel_id = std::move(channel_id),
              after = query.after](absl::StatusOr<EventPage> page) {
        self->Post([io = self.get(), id, ticket, channel_id, after, page = std::move(page)] {
          if (Session* const session = io->Find(id)) {
            session->OnHistory(ticket, channel_id, after, page);
          }
        });
      });
}

void IoThread::RetryPagesLater(SessionId id) {
  waiting_to_retry_.push_back(id);
  if (retry_armed_) return;
  retry_armed_ = true;
  retry_timer_.expires_after(kRetryPagesAfter);
  retry_timer_.async_wait([this](boost::system::error_code error) {
    retry_armed_ = false;
    if (error) return;
    const std::vector<SessionId> waiting = std::exchange(waiting_to_retry_, {});
    for (SessionId waiting_id : waiting) {
      if (Session* const session = Find(waiting_id)) session->RetryPages();
    }
  });
}

// --- Deadlines.

void IoThread::ResumeLater(SessionId id, std::int64_t at_ms) {
  const bool is_next = resumes_.empty() || at_ms < resumes_.top().first;
  resumes_.emplace(at_ms, id);
  if (is_next) ArmResume();
}

void IoThread::ArmResume() {
  resume_timer_.expires_at(
      std::chrono::steady_clock::time_point(milliseconds(resumes_.top().first)));
  resume_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;  // It was set to an earlier time.
    const std::int64_t now_ms = NowMs();
    std::vector<SessionId> due;
    for (; !resumes_.empty() && resumes_.top().first <= now_ms; resumes_.pop()) {
      due.push_back(resumes_.top().second);
    }
    if (!resumes_.empty()) ArmResume();
    for (const SessionId id : due) {
      if (Session* const session = Find(id)) session->OnPace();
    }
  });
}

void IoThread::ArmSweep() {
  sweep_timer_.expires_after(SweepInterval(environment_.options));
  sweep_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    Sweep();
    ArmSweep();
  });
}

void IoThread::Sweep() {
  const std::int64_t now_ms = NowMs();
  std::vector<std::shared_ptr<Session>> late;
  for (const auto& [id, session] : sessions_) {
    if (session->IsLate(now_ms)) late.push_back(session);
  }
  for (const std::shared_ptr<Session>& session : late) session->OnLate();
}

}  // namespace txtchat::gateway
