#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace txtchat::bench {

/// Counts values in buckets that are at most 1/64 of their value wide, as HDR histograms do: fixed
/// memory, a few nanoseconds for each value, percentiles within 1.6 %. Least, greatest and mean are
/// exact. Values from 0 to 2^44 (for nanoseconds: almost five hours); greater ones count as that.
///
/// Not thread-safe: one for each thread, merged afterwards.
class Histogram {
 public:
  void Record(std::uint64_t value) { Record(value, 1); }
  void Record(std::uint64_t value, std::uint64_t times) {
    if (value > kValueMax) value = kValueMax;
    counts_[IndexOf(value)] += times;
    count_ += times;
    sum_ += value * times;
    if (value < min_) min_ = value;
    if (value > max_) max_ = value;
  }
  void Merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  /// 0 while it is empty.
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const { return max_; }
  double mean() const {
    return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }
  /// The value that `percent` of all values do not exceed, rounded up to the end of its bucket but
  /// never above max(). 0 while it is empty.
  std::uint64_t Percentile(double percent) const;

  static constexpr unsigned kValueBits = 44;
  static constexpr std::uint64_t kValueMax = std::uint64_t{1} << kValueBits;

 private:
  static constexpr unsigned kSubBits = 6;
  static constexpr std::uint64_t kSubCount = std::uint64_t{1} << kSubBits;
  static constexpr std::size_t kBucketCount = (kValueBits - kSubBits + 1) * kSubCount + 1;

  // Below 2 * kSubCount every value has a bucket of its own; above, each power of two is divided
  // into kSubCount buckets.
  static constexpr std::size_t IndexOf(std::uint64_t value) {
    if (value < 2 * kSubCount) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
    return static_cast<std::size_t>(shift * kSubCount + (value >> shift));
  }
  /// The greatest value that IndexOf gives `index`.
  static constexpr std::uint64_t EndOf(std::size_t index) {
    if (index < 2 * kSubCount) return index;
    const unsigned shift = static_cast<unsigned>(index >> kSubBits) - 1;
    return ((index - shift * kSubCount + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBucketCount> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

}  // namespace txtchat::bench
