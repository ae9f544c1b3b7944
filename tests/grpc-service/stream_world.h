#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/broadcast_queue.h"
#include "core/history_reader.h"
#include "core/message_store.h"
#include "grpc-service/proto_encoder.h"
#include "grpc-service/subscribe_stream.h"
#include "gtest/gtest.h"
#include "storage/memory_store.h"
#include "txtchat/v1/chat.pb.h"

namespace txtchat::rpc {

/// A client and a network that do what they are told. Fails the test at once where the stream
/// breaks the rules of gRPC.
class RecordingWriter final : public StreamWriter {
 public:
  void StartWrite(Payload payload) override {
    EXPECT_FALSE(writing) << "a second write";
    EXPECT_FALSE(finished) << "a write after Finish";
    writing = true;
    std::string bytes;
    for (Payload::Part& part : payload.parts()) bytes += part.view();
    EXPECT_EQ(bytes.size(), payload.size());
    v1::SubscribeResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    EXPECT_GT(response.events_size(), 0) << "an empty response";
    responses.push_back(response);
    sizes.push_back(bytes.size());
  }
  void Finish(const absl::Status& status) override {
    EXPECT_FALSE(writing) << "Finish with a write under way";
    EXPECT_FALSE(finished) << "a second Finish";
    finished = true;
    end = status;
  }
  void Cancel() override {
    EXPECT_FALSE(finished) << "Cancel after Finish";
    EXPECT_FALSE(cancelled) << "a second Cancel";
    cancelled = true;
  }

  bool writing = false;
  bool finished = false;
  bool cancelled = false;
  absl::Status end;
  std::vector<v1::SubscribeResponse> responses;
  std::vector<std::size_t> sizes;
};

/// A page that the stream was given, and where the store began when it was read.
struct PageRead {
  ChannelKey channel = 0;
  std::uint64_t after = 0;
  std::uint64_t covers_to = 0;
  std::uint64_t first_kept = 0;
};

/// One stream with real queues and a real store, everything else in the test's hands.
class StreamWorld : public PageSource {
 public:
  explicit StreamWorld(const StreamOptions& stream_options, QueueLimits queue_limits = {},
                       std::size_t store_bytes_max = std::size_t{1} << 30)
      : options(stream_options),
        limits_of_queues(queue_limits),
        store(store_bytes_max),
        history(&store, Encoders(), Pages(), /*threads=*/0),
        writer(std::make_shared<RecordingWriter>()),
        stream(std::make_shared<SubscribeStream>(1, options, writer, this, now_ms)) {}
  ~StreamWorld() override { stream->Detach(); }

  void Fetch(SessionId session, const PageRequest& request) override {
    EXPECT_EQ(session, 1u);
    EXPECT_FALSE(fetch.has_value()) << "two pages at a time";
    fetch = request;
  }

  // --- What happens in the core. Nothing is announced.
  std::shared_ptr<BroadcastQueue> NewChannel() {
    const ChannelKey key = queues.size() + 1;
    auto queue = std::make_shared<BroadcastQueue>(key, "c" + std::to_string(key), limits_of_queues);
    queue->StartFormat(WireFormat::kProto);
    queues.push_back(queue);
    return queue;
  }
  void Publish(BroadcastQueue& queue, std::size_t text_bytes = 3) {
    auto event = std::make_shared<Event>();
    event->channel_id = queue.channel_id();
    event->sequence = queue.head() + 1;
    event->time_unix_ms = 1'000;
    event->user_id = "u";
    event->user_name = "n";
    event->text = std::string(text_bytes, 't');
    EXPECT_TRUE(store.Commit({AppendEvent{queue.key(), 0, event}}).ok());
    queue.Append(*event, Encoders());
  }

  // --- What the pump does.
  void Start(const std::shared_ptr<BroadcastQueue>& queue) {
    stream->AddSubscription(queue, queue->head(), queue->head());
  }
  void Wake(const BroadcastQueue& queue) { stream->Wake({{queue.key(), queue.head()}}, nullptr); }
  void Open() { stream->OnOpened(std::vector<Recovery>()); }
  void Pass(std::int64_t ms) { stream->Tick(now_ms += ms); }
  void AnswerPage() {
    ASSERT_TRUE(fetch.has_value());
    const PageRequest request = *std::exchange(fetch, std::nullopt);
    const std::uint64_t first_kept = store.FirstKept(request.channel);
    absl::StatusOr<HistoryPage> page = history.Read(request);
    ASSERT_TRUE(page.ok()) << page.status();
    pages_read.push_back({request.channel, page->after, page->covers_to, first_kept});
    stream->OnPage(request.channel, std::move(page));
  }
  void FailPage() {
    ASSERT_TRUE(fetch.has_value());
    const PageRequest request = *std::exchange(fetch, std::nullopt);
    stream->OnPage(request.channel, absl::UnavailableError("the disk is away"));
  }

  // --- What gRPC does.
  void WriteDone(bool ok = true) {
    ASSERT_TRUE(writer->writing);
    writer->writing = false;
    stream->OnWriteDone(ok);
  }
  /// Completes writes until there is none under way; answers how many.
  int TakeAll() {
    int taken = 0;
    while (writer->writing || fetch.has_value()) {
      if (fetch.has_value()) AnswerPage();
      if (!writer->writing) continue;
      WriteDone();
      ++taken;
    }
    return taken;
  }

  /// Each event so far in a few characters: `c1:5`, `c1:gap 3-4`, `beat c1=5 c2=0`.
  std::vector<std::string> Received() const {
    std::vector<std::string> lines;
    for (const v1::SubscribeResponse& response : writer->responses) {
      for (const v1::Event& event : response.events()) lines.push_back(Line(event));
    }
    return lines;
  }
  static std::string Line(const v1::Event& event) {
    if (event.has_gap()) {
      return event.channel_id() + ":gap " + std::to_string(event.gap().from_sequence()) + "-" +
             std::to_string(event.gap().to_sequence());
    }
    if (!event.has_heartbeat()) return event.channel_id() + ":" + std::to_string(event.sequence());
    std::map<std::string, std::uint64_t> heads;
    for (const v1::ChannelHead& head : event.heartbeat().heads()) {
      heads[head.channel_id()] = head.head_sequence();
    }
    std::string line = "beat";
    for (const auto& [id, head] : heads) line += " " + id + "=" + std::to_string(head);
    return line;
  }

  static EncoderSet Encoders() {
    static const ProtoEncoder encoder;
    EncoderSet encoders{};
    encoders[IndexOf(WireFormat::kProto)] = &encoder;
    return encoders;
  }
  /// Small pages, so that several are needed.
  static Limits Pages() {
    Limits limits;
    limits.store_page_events_max = 5;
    return limits;
  }

  const StreamOptions options;
  const QueueLimits limits_of_queues;
  std::int64_t now_ms = 0;
  storage::MemoryStore store;
  HistoryReader history;
  std::vector<std::shared_ptr<BroadcastQueue>> queues;
  std::optional<PageRequest> fetch;  ///< The page that the stream waits for.
  std::vector<PageRead> pages_read;
  std::shared_ptr<RecordingWriter> writer;
  std::shared_ptr<SubscribeStream> stream;
};

}  // namespace txtchat::rpc
