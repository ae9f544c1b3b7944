#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace txtchat {

class EncodedChunk;

/// Shared ownership of an EncodedChunk: one word, one atomic counter inside the chunk.
class ChunkPtr {
 public:
  ChunkPtr() = default;
  explicit ChunkPtr(EncodedChunk* adopted) : chunk_(adopted) {}
  ChunkPtr(const ChunkPtr& other);
  ChunkPtr(ChunkPtr&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  ChunkPtr& operator=(ChunkPtr other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~ChunkPtr();

  EncodedChunk* get() const { return chunk_; }
  EncodedChunk* operator->() const { return chunk_; }
  EncodedChunk& operator*() const { return *chunk_; }
  explicit operator bool() const { return chunk_ != nullptr; }
  /// Gives the reference away, for C interfaces; return it with `ChunkPtr(released)`.
  EncodedChunk* release() { return std::exchange(chunk_, nullptr); }

 private:
  EncodedChunk* chunk_ = nullptr;
};

/// Consecutive events of one channel in one wire format, encoded one after the other.
///
/// One writer appends; what was appended never changes or moves. Readers on other threads may read
/// the events that they learnt of through something that synchronises (the queue's lock, a posted
/// page), and nothing beyond. Capacity is fixed at birth.
class EncodedChunk {
 public:
  /// A chunk whose first event will be `first_sequence`. Capacities are at least 1.
  static ChunkPtr Make(std::uint64_t first_sequence, std::size_t events_capacity,
                       std::size_t bytes_capacity);
  EncodedChunk(const EncodedChunk&) = delete;
  EncodedChunk& operator=(const EncodedChunk&) = delete;

  /// Whether one more event of `bytes` bytes fits. Writer only.
  bool Fits(std::size_t bytes) const;
  /// Appends the next event. Writer only; it must fit.
  void Append(std::string_view encoded);

  std::uint64_t first_sequence() const { return first_sequence_; }
  /// Sequence of the last event; first_sequence() - 1 while empty. Writer only, or after it is
  /// done.
  std::uint64_t last_sequence() const { return first_sequence_ + count_ - 1; }
  bool empty() const { return count_ == 0; }

  /// Byte offset at which event `sequence` begins and ends.
  std::uint32_t BeginOf(std::uint64_t sequence) const {
    return sequence == first_sequence_ ? 0 : ends_[sequence - first_sequence_ - 1];
  }
  std::uint32_t EndOf(std::uint64_t sequence) const { return ends_[sequence - first_sequence_]; }
  const char* data() const { return bytes_.get(); }

 private:
  friend class ChunkPtr;
  EncodedChunk(std::uint64_t first_sequence, std::size_t events_capacity,
               std::size_t bytes_capacity);
  ~EncodedChunk() = default;

  std::atomic<std::uint32_t> references_{1};
  const std::uint32_t events_capacity_;
  const std::uint32_t bytes_capacity_;
  std::uint32_t count_ = 0;
  const std::uint64_t first_sequence_;
  const std::unique_ptr<std::uint32_t[]> ends_;
  const std::unique_ptr<char[]> bytes_;
};

/// The encodings of the events `first_sequence` to `last_sequence`, contiguous in one chunk: what a
/// transport writes as it stands. `size` may be 0 where a format shows nothing of these events.
struct Slice {
  ChunkPtr chunk;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  const char* data = nullptr;
  std::size_t size = 0;

  /// The part of `chunk` from `first` to `last`, both included and present.
  static Slice Of(const ChunkPtr& chunk, std::uint64_t first, std::uint64_t last);
  /// Of the events that lie in the first `bytes` bytes whole, the last; first_sequence - 1 for
  /// none.
  std::uint64_t LastWholeWithin(std::size_t bytes) const;
};

}  // namespace txtchat
