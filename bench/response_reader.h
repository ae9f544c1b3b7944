#pragma once

#include <cstdint>
#include <string_view>

namespace txtchat::bench {

/// What matters of a txtchat.v1.Event. The views point into the response.
struct ReceivedEvent {
  enum class Kind : std::uint8_t { kMessage, kHeartbeat, kGap, kOther };
  Kind kind = Kind::kOther;
  std::string_view channel_id;
  std::uint64_t sequence = 0;
  std::string_view text;  ///< Of a message.
};

/// Takes the events out of an encoded txtchat.v1.SubscribeResponse, one after the other, without
/// copying or allocating: generated classes would cost the load more for a delivery than the server
/// that is measured. Unknown fields are skipped, as the format demands.
class ResponseReader {
 public:
  /// `response` outlives the reader.
  explicit ResponseReader(std::string_view response) : rest_(response) {}

  /// False at the end, and if the bytes are no such message: then good() is false.
  bool Next(ReceivedEvent& event);
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace txtchat::bench
