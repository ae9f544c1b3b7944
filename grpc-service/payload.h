#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/encoded_chunk.h"

namespace txtchat::rpc {

/// One SubscribeResponse as it is put together: encoded `events` fields, end to end. Short runs are
/// copied together, long ones stay in the chunks that all subscribers share. Moves, never copied.
class Payload {
 public:
  /// Bytes of its own, or a run of somebody's chunk (`shared.chunk` is set).
  struct Part {
    std::string bytes;
    Slice shared;

    std::string_view view() const {
      return shared.chunk ? std::string_view(shared.data, shared.size) : std::string_view(bytes);
    }
  };

  explicit Payload(std::size_t copy_bytes_max) : copy_bytes_max_(copy_bytes_max) {}
  Payload(Payload&&) = default;
  Payload& operator=(Payload&&) = default;

  void Append(Slice slice) {
    if (slice.size == 0) return;
    size_ += slice.size;
    if (slice.size <= copy_bytes_max_) {
      OwnPart().append(slice.data, slice.size);
    } else {
      parts_.push_back({.shared = std::move(slice)});
    }
  }

  /// Appends with `encode(std::string&)`.
  template <typename Encode>
  void AppendOwn(Encode encode) {
    std::string& bytes = OwnPart();
    const std::size_t before = bytes.size();
    encode(bytes);
    size_ += bytes.size() - before;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::vector<Part>& parts() { return parts_; }

 private:
  std::string& OwnPart() {
    if (parts_.empty() || parts_.back().shared.chunk) parts_.emplace_back();
    return parts_.back().bytes;
  }

  std::size_t copy_bytes_max_;
  std::size_t size_ = 0;
  std::vector<Part> parts_;
};

}  // namespace txtchat::rpc
