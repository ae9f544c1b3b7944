// What a wire tells, as words that a test can compare.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "bench/line_wire.h"

namespace txtchat::bench {

/// Gives a wire bytes as a LineReader does, and notes what it tells. Not thread-safe.
class Told final : public WireEvents {
 public:
  explicit Told(const LineWire& wire) : wire_(wire) {}

  /// More has come from the server.
  Told& Take(std::string_view bytes) {
    kept_ += bytes;
    const absl::StatusOr<std::size_t> taken = wire_.Take(kept_, *this);
    status = taken.status();
    if (taken.ok()) kept_.erase(0, *taken);
    return *this;
  }

  void OnText(std::string_view text, std::optional<std::string_view> channel) override {
    events.push_back("text [" + std::string(channel.value_or("any")) + "] " + std::string(text));
  }
  void OnEntered() override { events.push_back("entered"); }
  void OnRefused(std::string_view said) override {
    events.push_back("refused " + std::string(said));
  }
  void OnGap(std::string_view said) override { events.push_back("gap " + std::string(said)); }
  void OnQuestion(std::string_view answer) override {
    events.push_back("answer " + std::string(answer));
  }

  /// Whether everything was whole.
  bool kept_nothing() const { return kept_.empty(); }

  std::vector<std::string> events;
  absl::Status status;

 private:
  const LineWire& wire_;
  std::string kept_;
};

/// The same must be told wherever the network cuts these bytes; answers what.
inline std::vector<std::string> ToldHoweverSplit(const LineWire& wire, std::string_view bytes) {
  const Told whole = Told(wire).Take(bytes);
  EXPECT_TRUE(whole.status.ok()) << whole.status;
  EXPECT_TRUE(whole.kept_nothing());
  Told single(wire);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    single.Take(bytes.substr(i, 1));
    const Told two = Told(wire).Take(bytes.substr(0, i)).Take(bytes.substr(i));
    EXPECT_TRUE(two.status.ok()) << "cut at " << i << ": " << two.status;
    EXPECT_EQ(two.events, whole.events) << "cut at " << i;
  }
  EXPECT_EQ(single.events, whole.events) << "byte by byte";
  return whole.events;
}

}  // namespace txtchat::bench
