#include "core/encoded_chunk.h"

#include <cstring>

namespace txtchat {

ChunkPtr::ChunkPtr(const ChunkPtr& other) : chunk_(other.chunk_) {
  if (chunk_ != nullptr) chunk_->references_.fetch_add(1, std::memory_order_relaxed);
}

ChunkPtr::~ChunkPtr() {
  if (chunk_ != nullptr && chunk_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete chunk_;
  }
}

ChunkPtr EncodedChunk::Make(std::uint64_t first_sequence, std::size_t events_capacity,
                            std::size_t bytes_capacity) {
  return ChunkPtr(new EncodedChunk(first_sequence, events_capacity, bytes_capacity));
}

EncodedChunk::EncodedChunk(std::uint64_t first_sequence, std::size_t events_capacity,
                           std::size_t bytes_capacity)
    : events_capacity_(static_cast<std::uint32_t>(events_capacity)),
      bytes_capacity_(static_cast<std::uint32_t>(bytes_capacity)),
      first_sequence_(first_sequence),
      ends_(new std::uint32_t[events_capacity]),
      bytes_(new char[bytes_capacity]) {}

bool EncodedChunk::Fits(std::size_t bytes) const {
  const std::uint32_t used = count_ == 0 ? 0 : ends_[count_ - 1];
  return count_ < events_capacity_ && bytes <= bytes_capacity_ - used;
}

void EncodedChunk::Append(std::string_view encoded) {
  const std::uint32_t used = count_ == 0 ? 0 : ends_[count_ - 1];
  if (!encoded.empty()) std::memcpy(bytes_.get() + used, encoded.data(), encoded.size());
  ends_[count_] = used + static_cast<std::uint32_t>(encoded.size());
  ++count_;
}

Slice Slice::Of(const ChunkPtr& chunk, std::uint64_t first, std::uint64_t last) {
  const std::uint32_t begin = chunk->BeginOf(first);
  return Slice{chunk, first, last, chunk->data() + begin, chunk->EndOf(last) - begin};
}

std::uint64_t Slice::LastWholeWithin(std::size_t bytes) const {
  if (bytes >= size) return last_sequence;
  const std::size_t limit = static_cast<std::size_t>(data - chunk->data()) + bytes;
  // The ends never decrease: find the first event that ends beyond the limit.
  std::uint64_t low = first_sequence;
  std::uint64_t high = last_sequence;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (chunk->EndOf(middle) > limit) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low - 1;
}

}  // namespace txtchat
