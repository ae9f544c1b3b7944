#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/command.h"
#include "core/subscription.h"
#include "gateway/commands.h"
#include "gateway/connections.h"
#include "gateway/fair_share.h"
#include "gateway/gather.h"
#include "gateway/line_codec.h"
#include "gateway/outbox.h"
#include "gateway/pace.h"
#include "gateway/peer.h"

namespace txtchat::gateway {

class IoThread;
struct Environment;

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// One line connection. Lives on one I/O thread, which owns it until it is closed; operations under
/// way share it until they have come back.
///
/// Input: lines become commands; commands go to the sequencer in order, and their answers come back
/// in order; what the gateway answers by itself waits for its place between them. Reading pauses
/// while the sequencer's inbox is full, while too much is in flight, while too much that was
/// answered is unsent, and while more has come than the peer may send at once. One that sends much
/// reads only in its turns while others are there who send little (fair_share.h).
///
/// Output: a drain gathers the outbox and what the subscriptions are owed into one write that does
/// not wait. What the socket does not take stays where it was: cursors go back, and only the rest
/// of one event that was sent in part is copied. So a peer that does not read costs no more memory
/// than an idle one.
///
/// The member functions are in session.cc (life), session_input.cc, session_pace.cc,
/// session_answers.cc and session_output.cc.
class Session : public std::enable_shared_from_this<Session> {
 public:
  /// Lets go of its place when it is closed.
  Session(IoThread& io, Socket socket, SessionId id, Peer peer, Place place);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  SessionId id() const { return id_; }
  /// For the I/O thread's list.
  bool dirty = false;

  void Start();

  // --- From the sequencer.
  void OnReply(absl::StatusOr<Result> result);
  void OnSubscriptionStart(std::shared_ptr<BroadcastQueue> queue, std::uint64_t cursor,
                           std::uint64_t head);
  void OnSubscriptionEnd(ChannelKey channel, std::uint64_t last_sequence);
  void OnSessionEnd(const absl::Status& reason);
  void OnReadable(ChannelKey channel, std::uint64_t head);
  void OnRoom();

  // --- From the history reader.
  void OnPage(ChannelKey channel, absl::StatusOr<HistoryPage> page);
  /// `after`: how far back it was looked.
  void OnHistory(std::uint64_t ticket, const std::string& channel_id, std::uint64_t after,
                 const absl::StatusOr<EventPage>& page);
  void RetryPages();

  // --- From the I/O thread.
  /// Some time has passed since ResumeLater.
  void OnPace();
  /// It is its turn to take some lines.
  void OnTurn();
  /// One gathered write. May close the session.
  void Drain(Gather& gather);
  /// Whether a deadline has passed; then OnLate does what follows from it.
  bool IsLate(std::int64_t now_ms) const;
  void OnLate();
  /// Takes no further commands. Those that were read and not taken are answered with `why`.
  void StopReading(const absl::Status& why);
  /// What a command is answered that a server which stops does not take.
  static absl::Status Stopping() {
    return absl::UnavailableError("the server is stopping; nothing happened");
  }
  /// Sends all that is owed, then `$$bye: REASON` to a tagged session, then closes gracefully.
  void BeginFlush(const std::string& reason);
  /// Ends the connection at once. Idempotent.
  void Close();
  /// Whether it is owed something that it was not sent.
  bool OwesSomething() const;

 private:
  enum class Phase : std::uint8_t {
    kOpen,
    kFlushing,   ///< Takes no commands; ends when everything owed is sent.
    kLingering,  ///< Everything is sent and said so (FIN); waits for the peer's end.
    kClosed,
  };

  /// A channel that the session follows.
  struct Followed {
    ChannelKey channel;
    std::uint64_t announced;  ///< How far batches of the sequencer have told of events.
    Subscription subscription;
    bool awaits_retry = false;  ///< A page could not be read; RetryPages comes.
    bool has_news = false;      ///< It is in news_.
  };

  /// An answer that is to come, or that waits for those before it.
  struct Pending {
    enum class Kind : std::uint8_t { kCommand, kLine, kHello, kBye };
    Kind kind = Kind::kCommand;
    CommandId command = CommandId::kPing;
    std::uint8_t weight = 1;
    std::uint32_t bytes = 0;
    std::uint32_t busy = 0;    ///< What it costs while it is under way, if it was sent in a turn.
    std::string text;          ///< The line, or the command's argument.
    std::uint64_t before = 0;  ///< Of a history.
    std::uint32_t limit = 0;
    std::shared_ptr<const Vouched> vouched;  ///< Of who becomes the user.
  };

  /// A command that the full inbox did not take.
  struct Parked {
    Envelope envelope;
    Pending pending;
  };

  // --- Life (session.cc).
  void EndCoreSession();
  /// Ends what the core has of a session, which may have gone meanwhile.
  static void CloseInCore(const Environment& environment, SessionId id);
  void BeginLinger();
  void CloseIfUseless();
  void WatchForHangup();

  // --- Input (session_input.cc).
  void StartReading();
  void AwaitInput();
  void OnInput(boost::system::error_code error);
  /// Answers whether to wait for more.
  bool ReadSome();
  void OnEndOfInput();
  bool DiscardSome();
  bool MayRead() const;
  void ResumeReading();
  void RefuseUntakenLines(const absl::Status& why);
  void TakeLines();
  void TakeLine(const LineSplitter::Line& line);
  void TakeLocal(const Request& request);
  /// Whether its address may have the command add to what all share. RESOURCE_EXHAUSTED
  absl::Status MayCreate(const Command& command);
  void TakeCommand(Request& request);
  void TakeHistory(Request& request);
  SessionSpec SpecOfSession();

  // --- Who it is (session_login.cc).
  void TakeAuth(AuthRequest& request);
  void TakeLogin(LoginRequest& request);
  /// Begins when everything before it is answered, for its answer comes by another way.
  void LogInIfReady();
  void OnLoginDone();
  /// What `auth` has shown was right.
  void OnTokenRight();
  void Submit(Envelope& envelope, Pending pending);

  // --- How fast input is taken (session_pace.cc).
  void SlowDown(const Verdict& verdict);
  void AwaitPace();
  void TellSlowed();
  /// Whether it need not wait for a turn.
  bool HasTurn(std::int64_t now_ms) const;
  void AwaitTurn();
  /// A line is taken.
  void SpendTurn(std::int64_t cost, std::int64_t now_ms);

  // --- Answers (session_answers.cc).
  void Answer(Pending pending);
  void AnswerError(const absl::Status& status);
  void Emit(Pending& pending);
  void EmitLocalAnswers();
  void OnAnswer(const Pending& pending, Result& result);
  void ReadHistory(const Pending& pending, const ChannelInfo& channel);
  void OnRefusal(const Pending& pending, const absl::Status& status);
  Pending TakePending();

  // --- Output (session_output.cc).
  /// How far a subscription could be gathered.
  enum class Gathered : std::uint8_t {
    kDone,     ///< As far as asked.
    kMore,     ///< There is more for another write.
    kBlocked,  ///< It waits for a page of the store.
  };
  Gathered GatherAll(Gather& gather);
  Gathered GatherOutbox(Gather& gather, WireFormat& format);
  /// `first` where nothing else may come before: it may take the page's place from another channel.
  Gathered GatherEvents(Gather& gather, WireFormat format, std::size_t index, std::uint64_t up_to,
                        bool first);
  bool MayFetchPage(ChannelKey channel, bool first);
  void ReleasePagePlace();
  void DropPage();
  void AddOwed(Gather& gather, std::size_t index, Owed owed);
  Gathered GatherOwn(Gather& gather, WireFormat format, ChannelKey channel, std::uint64_t up_to);
  /// Writes without waiting; answers the bytes taken, or -1 if the connection is broken.
  std::int64_t Write(Gather& gather);
  void Commit(Gather& gather, std::size_t written);
  void CommitWhole(Gather::Part& part);
  void CommitPartOf(Gather::Part& part, std::size_t written);
  void CommitPartOfSlice(Gather::Part& part, std::size_t written);
  void CommitItem();
  void NoteNews(Followed& followed);
  /// Those that were given everything leave news_; those that have ended leave altogether.
  void SettleNews();
  void UnfollowAll();
  bool OwesEvents() const;
  void AwaitWritable(bool progressed);
  void AfterDrain(Gathered gathered);
  /// Where the channel is in followed_, or would be.
  std::size_t PlaceOf(ChannelKey channel) const;
  Followed* Find(ChannelKey channel);

  IoThread& io_;
  Socket socket_;
  Place place_;
  const SessionId id_;
  const Peer peer_;
  LineSplitter splitter_;
  std::int64_t deadline_ms_ = 0;     ///< Of a stalled write, or of lingering; 0: none.
  std::int64_t register_by_ms_ = 0;  ///< 0: no deadline.
  Pace pace_;
  FairShare share_;
  std::int64_t turn_left_ = 0;       ///< Of this turn: the cost of lines that it may take.
  std::int64_t command_cost_ = 0;    ///< Of the line being taken, if it is taken in a turn.
  std::int64_t told_slowed_ms_ = 0;  ///< 0: never.
  Verdict::Whose whose_limit_ = Verdict::Whose::kConnection;

  std::vector<Pending> pending_;
  std::size_t pending_begin_ = 0;
  std::size_t in_flight_ = 0;  ///< Weights of pending_.
  std::size_t in_flight_bytes_ = 0;
  std::unique_ptr<Parked> parked_;
  std::shared_ptr<const Vouched> vouched_;  ///< Of its user, if somebody vouches for it.
  std::unique_ptr<LoginRequest> login_;     ///< Waits, or is under way: no further line is taken.

  Outbox outbox_;
  std::string remainder_;           ///< Sent in part: its rest comes first.
  std::vector<Followed> followed_;  ///< By channel.
  /// The channels that are owed events, or have ended: of many channels few have news at a time.
  std::vector<ChannelKey> news_;
  /// Channels left and joined again since everything was sent. A subscription keeps a bounded
  /// number of such absences (Subscription::kAbsencesMax), so reading pauses before there are too
  /// many.
  std::uint32_t rejoined_ = 0;
  /// The one channel whose page of the store is on the way or in memory, so that a session that is
  /// behind in many holds no more than one that is behind in one. 0: none.
  ChannelKey paging_ = 0;
  ChannelKey last_paging_ = 0;  ///< Gives way to others that wait.
  bool others_want_page_ = false;
  std::uint32_t histories_ = 0;       ///< Being read.
  std::uint64_t last_ticket_ = 0;     ///< Of a history.
  std::unique_ptr<std::string> bye_;  ///< What to say behind everything else.

  // The format as of the commands taken, of the answers given, and of the events sent.
  WireFormat taken_format_ = WireFormat::kClassicLine;
  WireFormat answer_format_ = WireFormat::kClassicLine;
  WireFormat sent_format_ = WireFormat::kClassicLine;

  Phase phase_ = Phase::kOpen;
  bool reading_ = false;      ///< It waits for input.
  bool input_ended_ = false;  ///< The peer has ended its side.
  bool takes_commands_ = true;
  bool register_submitted_ = false;
  bool registered_ = false;
  bool core_session_ended_ = false;
  bool awaiting_writable_ = false;
  bool lines_wait_ = false;  ///< Reading was paused with lines untaken.
  bool logging_in_ = false;
  bool slowed_ = false;       ///< The peer has sent more than it may; OnPace comes.
  bool awaits_turn_ = false;  ///< OnTurn comes.
};

}  // namespace txtchat::gateway
