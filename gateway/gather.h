#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/encoded_chunk.h"
#include "core/subscription.h"

namespace txtchat::gateway {

/// What one write is put together from. One for a thread, used by one session after the other, so
/// that a delivery allocates nothing.
class Gather {
 public:
  static constexpr std::size_t kPartsMax = 64;
  static constexpr std::size_t kBytesMax = 256 * 1024;

  struct Part {
    enum class Kind : std::uint8_t {
      kRemainder,  ///< The rest of something that was sent in part.
      kItem,       ///< The next item of the outbox.
      kSlice,      ///< Events of a subscription.
      kGap,        ///< A gap of a subscription, as a line.
    };
    Kind kind = Kind::kItem;
    std::size_t subscription = 0;  ///< Index, for slices and gaps.
    std::uint64_t last_sequence = 0;
    const char* data = nullptr;
    std::size_t size = 0;
    Slice slice;
    std::string text;
  };

  void Clear() {
    for (std::size_t i = 0; i < count_; ++i) {
      parts_[i].slice.chunk = ChunkPtr();
      parts_[i].text.clear();
    }
    count_ = 0;
    bytes_ = 0;
  }
  bool IsFull() const { return count_ == kPartsMax || bytes_ >= kBytesMax; }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_left() const { return kBytesMax - bytes_; }
  Part& at(std::size_t i) { return parts_[i]; }

  /// Adds an empty part. It must not be full.
  Part& Add(Part::Kind kind) {
    Part& part = parts_[count_++];
    part.kind = kind;
    part.data = nullptr;
    part.size = 0;
    return part;
  }
  void SetData(Part& part, const char* data, std::size_t size) {
    part.data = data;
    part.size = size;
    bytes_ += size;
  }
  /// Fills `vectors` with the parts that have bytes; answers how many there are.
  std::size_t FillVectors(std::array<iovec, kPartsMax>& vectors) const {
    std::size_t used = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (parts_[i].size == 0) continue;
      vectors[used++] = {const_cast<char*>(parts_[i].data), parts_[i].size};
    }
    return used;
  }

  /// For the subscribers that are at the same place. Reset for each turn.
  ReadCache cache;

 private:
  std::array<Part, kPartsMax> parts_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace txtchat::gateway
