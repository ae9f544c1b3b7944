#include "core/encoded_chunk.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace txtchat {
namespace {

std::string_view BytesOf(const Slice& slice) { return {slice.data, slice.size}; }

TEST(EncodedChunk, FillsByBytesOrByEvents) {
  const ChunkPtr by_bytes = EncodedChunk::Make(1, 10, 4);
  EXPECT_TRUE(by_bytes->Fits(4));
  EXPECT_FALSE(by_bytes->Fits(5));
  by_bytes->Append("abc");
  EXPECT_TRUE(by_bytes->Fits(1));
  EXPECT_FALSE(by_bytes->Fits(2));

  const ChunkPtr by_events = EncodedChunk::Make(1, 1, 100);
  by_events->Append("");
  EXPECT_FALSE(by_events->Fits(0));
}

TEST(EncodedChunk, SlicesAnyRunOfEvents) {
  const ChunkPtr chunk = EncodedChunk::Make(7, 3, 100);
  EXPECT_TRUE(chunk->empty());
  chunk->Append("one");
  chunk->Append("");
  chunk->Append("three");
  EXPECT_EQ(chunk->last_sequence(), 9u);
  EXPECT_EQ(BytesOf(Slice::Of(chunk, 7, 9)), "onethree");
  EXPECT_EQ(BytesOf(Slice::Of(chunk, 8, 8)), "");
  EXPECT_EQ(BytesOf(Slice::Of(chunk, 9, 9)), "three");
}

TEST(Slice, FindsTheLastWholeEventWithinSomeBytes) {
  const ChunkPtr chunk = EncodedChunk::Make(1, 5, 100);
  for (const char* event : {"skipped", "aa", "", "bbb", "c"}) chunk->Append(event);
  const Slice slice = Slice::Of(chunk, 2, 5);
  EXPECT_EQ(slice.LastWholeWithin(0), 1u);
  EXPECT_EQ(slice.LastWholeWithin(1), 1u);
  EXPECT_EQ(slice.LastWholeWithin(2), 3u) << "an empty event at the boundary is whole";
  EXPECT_EQ(slice.LastWholeWithin(4), 3u);
  EXPECT_EQ(slice.LastWholeWithin(5), 4u);
  EXPECT_EQ(slice.LastWholeWithin(6), 5u);
  EXPECT_EQ(slice.LastWholeWithin(99), 5u);
}

TEST(ChunkPtr, KeepsTheChunkWhileAnyoneHoldsIt) {
  Slice slice;
  {
    const ChunkPtr chunk = EncodedChunk::Make(1, 1, 8);
    chunk->Append("kept");
    slice = Slice::Of(chunk, 1, 1);
  }
  EXPECT_EQ(BytesOf(slice), "kept");
  ChunkPtr released(slice.chunk.release());
  EXPECT_FALSE(static_cast<bool>(slice.chunk));
  EXPECT_EQ(released->first_sequence(), 1u);
}

}  // namespace
}  // namespace txtchat
