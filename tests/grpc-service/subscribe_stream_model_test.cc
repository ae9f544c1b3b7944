// Random interleavings of everything that can happen to a stream, against the simplest model: for
// each channel the list of sequences that the client is owed. Received and missed (gaps) together
// are a beginning of that list, in order; all of it, where the stream was not broken. Missed is
// only what the store did not have when the stream read there: nothing, where it keeps everything.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/grpc-service/stream_world.h"

namespace txtchat::rpc {
namespace {

class Model {
 public:
  explicit Model(std::uint64_t seed)
      : random_(seed),
        store_forgets_(Chance(50)),
        world_(Options(), {.events_max = 1 + Below(8), .bytes_max = 100 + Below(3'000)},
               /*store_bytes_max=*/store_forgets_ ? 1'000 + Below(20'000) : std::size_t{1} << 30) {
    const std::size_t channels = 1 + Below(4);
    for (std::size_t i = 0; i < channels; ++i) channels_.push_back({world_.NewChannel()});
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) Step();
    // In half of the runs something ends the stream in the middle.
    if (Chance(50)) EndSomehow();
    for (int i = 0; i < steps / 4; ++i) Step();
    Settle();
    CheckReceived(/*everything=*/!broken_);
    if (broken_ || ended_) {
      EXPECT_TRUE(world_.writer->finished);
    } else {
      EXPECT_FALSE(world_.writer->finished);
      world_.stream->Cut(absl::UnavailableError("cut"));
      EXPECT_TRUE(world_.writer->finished);
    }
    // Whatever still comes after the end is harmless.
    world_.stream->OnCancel();
    world_.Pass(1'000'000);
    for (Channel& channel : channels_) world_.Wake(*channel.queue);
  }

 private:
  struct Channel {
    std::shared_ptr<BroadcastQueue> queue;
    bool member = false;
    std::vector<std::uint64_t> owed;
  };

  std::uint64_t Below(std::uint64_t n) { return random_() % n; }
  bool Chance(int percent) { return Below(100) < static_cast<std::uint64_t>(percent); }

  StreamOptions Options() {
    return {.heartbeat_interval_ms = 50,
            .write_stall_timeout_ms = 1'000'000,
            .page_retry_ms = static_cast<std::int64_t>(Below(30)),
            .page_release_ms = 20,
            .response_bytes_max = 50 + Below(2'000),
            .copy_bytes_max = Below(200),
            .heartbeat_heads_max = 1 + Below(4)};
  }

  // --- What happens in the core; the news wait for the pump.
  void Publish(Channel& channel) {
    if (drained_) return;
    world_.Publish(*channel.queue, Below(10) == 0 ? Below(3'000) : Below(60));
    if (channel.member) channel.owed.push_back(channel.queue->head());
    const Readable news{channel.queue->key(), channel.queue->head()};
    news_.push_back([this, news] { world_.stream->Wake({news}, nullptr); });
  }
  void Join(Channel& channel) {
    if (channel.member || ended_) return;
    channel.member = true;
    const auto queue = channel.queue;
    news_.push_back([this, queue, cursor = queue->head()] {
      world_.stream->AddSubscription(queue, cursor, cursor);
    });
    Publish(channel);
  }
  void Leave(Channel& channel) {
    if (!channel.member || drained_) return;
    Publish(channel);
    channel.member = false;
    const auto wake = std::move(news_.back());  // An end comes before the wakes of its batch.
    news_.pop_back();
    news_.push_back([this, key = channel.queue->key(), last = channel.queue->head()] {
      world_.stream->EndSubscription(key, last);
    });
    news_.push_back(wake);
  }

  void Step() {
    Channel& channel = channels_[Below(channels_.size())];
    switch (Below(12)) {
      case 0:
        Join(channel);
        break;
      case 1:
        if (Chance(20)) Leave(channel);
        break;
      case 2:
      case 3:
      case 4:
        Publish(channel);
        break;
      case 5:
      case 6:
        if (!news_.empty()) TakeNews();
        break;
      case 7:
        if (!opened_ && Chance(30)) {
          opened_ = true;
          world_.Open();
        }
        break;
      case 8:
        if (world_.fetch.has_value()) Chance(80) ? world_.AnswerPage() : world_.FailPage();
        break;
      case 9:
        world_.Pass(static_cast<std::int64_t>(Below(30)));
        break;
      default:
        if (world_.writer->writing) world_.WriteDone();
    }
  }

  void TakeNews() {
    news_.front()();
    news_.pop_front();
  }

  void EndSomehow() {
    switch (Below(5)) {
      case 0:  // The server drains: first what was decided, then the end.
        ended_ = drained_ = true;
        while (!news_.empty()) TakeNews();
        world_.stream->EndWith(absl::UnavailableError("draining"));
        break;
      case 1:  // The user ends.
        for (Channel& channel : channels_) Leave(channel);
        ended_ = true;
        news_.push_back([this] { world_.stream->EndWith(absl::UnauthenticatedError("ended")); });
        break;
      case 2:
        broken_ = true;
        world_.stream->OnCancel();
        break;
      case 3:
        broken_ = true;
        world_.stream->Cut(absl::UnavailableError("cut"));
        break;
      default:
        if (!world_.writer->writing) break;
        broken_ = true;
        world_.WriteDone(false);
    }
  }

  /// Everything that is under way comes to its end.
  void Settle() {
    while (!news_.empty()) TakeNews();
    if (!opened_) world_.Open();
    // Time is needed where a page failed; and a heartbeat may be due.
    for (int i = 0; i < 3; ++i) {
      world_.TakeAll();
      world_.Pass(30);
    }
    world_.TakeAll();
  }

  void CheckGap(const v1::Event& event) {
    EXPECT_TRUE(store_forgets_) << event.ShortDebugString();
    const auto channel =
        std::find_if(channels_.begin(), channels_.end(), [&](const Channel& candidate) {
          return candidate.queue->channel_id() == event.channel_id();
        });
    ASSERT_NE(channel, channels_.end());
    const std::uint64_t from = event.gap().from_sequence();
    const std::uint64_t to = event.gap().to_sequence();
    EXPECT_LE(from, to);
    const auto lacks_it = [&](const PageRead& page) {
      return page.channel == channel->queue->key() && page.after < from && to <= page.covers_to &&
             to < page.first_kept;
    };
    EXPECT_TRUE(std::any_of(world_.pages_read.begin(), world_.pages_read.end(), lacks_it))
        << "the store had some of it: " << event.ShortDebugString();
  }

  void CheckReceived(bool everything) {
    std::map<std::string, std::vector<std::uint64_t>> received;
    bool first = true;
    for (const v1::SubscribeResponse& response : world_.writer->responses) {
      EXPECT_TRUE(response.ByteSizeLong() <= world_.options.response_bytes_max + 200 ||
                  response.events_size() == 1);
      for (const v1::Event& event : response.events()) {
        EXPECT_TRUE(!first || event.has_heartbeat()) << "a heartbeat comes first";
        first = false;
        std::vector<std::uint64_t>& list = received[event.channel_id()];
        if (event.has_gap()) {
          CheckGap(event);
          for (std::uint64_t s = event.gap().from_sequence(); s <= event.gap().to_sequence(); ++s) {
            list.push_back(s);
          }
        } else if (!event.has_heartbeat()) {
          list.push_back(event.sequence());
        }
      }
    }
    for (Channel& channel : channels_) {
      std::vector<std::uint64_t> owed = channel.owed;
      const std::vector<std::uint64_t>& got = received[channel.queue->channel_id()];
      if (!everything && got.size() < owed.size()) owed.resize(got.size());
      EXPECT_EQ(got, owed) << channel.queue->channel_id();
    }
  }

  std::mt19937_64 random_;
  const bool store_forgets_;
  StreamWorld world_;
  std::vector<Channel> channels_;
  std::deque<std::function<void()>> news_;
  bool opened_ = false;
  bool ended_ = false;
  bool drained_ = false;
  bool broken_ = false;
};

TEST(SubscribeStreamModel, ReceivedAndMissedTogetherAreWhatWasPublished) {
  const std::uint64_t first_seed = 1;
  for (std::uint64_t seed = first_seed; seed < first_seed + 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model(seed).Run(300);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace txtchat::rpc
