// Replays every transcript, with the bytes cut in every way.
#include "tests/gateway/transcript.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/gateway/line_server.h"

namespace txtchat::gateway {
namespace {

std::vector<std::string> AllTranscripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TXTCHAT_TRANSCRIPTS)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class TranscriptTest : public ::testing::TestWithParam<std::string> {
 protected:
  static std::size_t Replay(Pieces pieces, std::size_t cut_at = 0) {
    LineServerConfig config;
    config.options.line_bytes_max = 400;
    LineServer server(config);
    Transcript transcript(server.port(), pieces);
    transcript.CutAt(cut_at);
    transcript.Replay(std::string(TXTCHAT_TRANSCRIPTS) + "/" + GetParam() + ".txt");
    return transcript.longest_sent();
  }
};

TEST_P(TranscriptTest, ReplaysLineByLine) { Replay(Pieces::kLines); }

TEST_P(TranscriptTest, ReplaysByteByByte) { Replay(Pieces::kBytes); }

TEST_P(TranscriptTest, ReplaysWithSeveralCommandsInOnePacket) { Replay(Pieces::kJoined); }

TEST_P(TranscriptTest, ReplaysCutAtEveryByte) {
  // Long lines differ from shorter ones in nothing but their length.
  const std::size_t longest = std::min<std::size_t>(Replay(Pieces::kLines), 80);
  for (std::size_t at = 1; at < longest && !HasFailure(); ++at) {
    SCOPED_TRACE(at);
    Replay(Pieces::kLines, at);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, TranscriptTest, ::testing::ValuesIn(AllTranscripts()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace txtchat::gateway
