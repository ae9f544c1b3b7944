#include "tests/testing/unsynced_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace txtchat::testing {
namespace {

constexpr sqlite3_int64 kSectorBytes = 512;

}  // namespace

UnsyncedFile::UnsyncedFile(Power power, Survival survival)
    : power_(std::move(power)),
      survive_probability_(survival.probability),
      random_(survival.seed) {}

// The file below as far as it shows through; zeros beyond.
int UnsyncedFile::ReadBase(sqlite3_file* real, void* out, sqlite3_int64 size,
                           sqlite3_int64 offset) const {
  const auto there = std::clamp<sqlite3_int64>(base_size_ - offset, 0, size);
  std::memset(static_cast<char*>(out) + there, 0, static_cast<std::size_t>(size - there));
  if (there == 0) return SQLITE_OK;
  const int code = real->pMethods->xRead(real, out, static_cast<int>(there), offset);
  return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;  // It fills up with zeros then.
}

int UnsyncedFile::Read(sqlite3_file* real, void* out, int size, sqlite3_int64 offset) {
  absl::ReaderMutexLock lock(&mutex_);
  if (!has_power()) return SQLITE_IOERR_READ;
  if (!changed_) return real->pMethods->xRead(real, out, size, offset);
  auto* const bytes = static_cast<unsigned char*>(out);
  const auto there = std::clamp<sqlite3_int64>(size_ - offset, 0, size);
  const sqlite3_int64 end = offset + there;
  const sqlite3_int64 first = offset / kBlockBytes;
  const auto begin = blocks_.lower_bound(first);
  sqlite3_int64 covered = 0;
  for (auto it = begin; it != blocks_.end() && it->first * kBlockBytes < end; ++it) ++covered;
  if (there > 0 && covered < (end - 1) / kBlockBytes - first + 1) {
    if (const int code = ReadBase(real, out, there, offset); code != SQLITE_OK) return code;
  }
  for (auto it = begin; it != blocks_.end() && it->first * kBlockBytes < end; ++it) {
    const sqlite3_int64 start = it->first * kBlockBytes;
    const sqlite3_int64 from = std::max(start, offset);
    const sqlite3_int64 to = std::min(start + kBlockBytes, end);
    std::memcpy(bytes + (from - offset), it->second->data() + (from - start),
                static_cast<std::size_t>(to - from));
  }
  if (there == size) return SQLITE_OK;
  std::memset(bytes + there, 0, static_cast<std::size_t>(size - there));
  return SQLITE_IOERR_SHORT_READ;
}

int UnsyncedFile::BeginChange(sqlite3_file* real) {
  if (changed_) return SQLITE_OK;
  const int code = real->pMethods->xFileSize(real, &size_);
  if (code != SQLITE_OK) return code;
  base_size_ = size_;
  changed_ = true;
  return SQLITE_OK;
}

// The block over the file below; `whole`: it will be overwritten, what is there does not matter.
int UnsyncedFile::BlockToChange(sqlite3_file* real, sqlite3_int64 index, bool whole,
                                Block** block) {
  std::unique_ptr<Block>& slot = blocks_[index];
  if (slot == nullptr) {
    slot = std::make_unique<Block>();
    if (!whole) {
      const int code = ReadBase(real, slot->data(), kBlockBytes, index * kBlockBytes);
      if (code != SQLITE_OK) {
        blocks_.erase(index);
        return code;
      }
    }
  }
  *block = slot.get();
  return SQLITE_OK;
}

int UnsyncedFile::Write(sqlite3_file* real, const void* data, int size, sqlite3_int64 offset) {
  absl::MutexLock lock(&mutex_);
  if (!has_power()) return SQLITE_IOERR_WRITE;
  if (const int code = BeginChange(real); code != SQLITE_OK) return code;
  const auto* const bytes = static_cast<const unsigned char*>(data);
  const sqlite3_int64 end = offset + size;
  for (sqlite3_int64 from = offset; from < end;) {
    const sqlite3_int64 index = from / kBlockBytes;
    const sqlite3_int64 start = index * kBlockBytes;
    const sqlite3_int64 to = std::min(start + kBlockBytes, end);
    Block* block = nullptr;
    const int code = BlockToChange(real, index, to - from == kBlockBytes, &block);
    if (code != SQLITE_OK) return code;
    std::memcpy(block->data() + (from - start), bytes + (from - offset),
                static_cast<std::size_t>(to - from));
    size_ = std::max(size_, to);
    from = to;
  }
  LetSurvive(real, data, size, offset);
  return SQLITE_OK;
}

int UnsyncedFile::Truncate(sqlite3_file* real, sqlite3_int64 size) {
  absl::MutexLock lock(&mutex_);
  if (!has_power()) return SQLITE_IOERR_TRUNCATE;
  if (const int code = BeginChange(real); code != SQLITE_OK) return code;
  if (size < size_) {
    blocks_.erase(blocks_.lower_bound((size + kBlockBytes - 1) / kBlockBytes), blocks_.end());
    const sqlite3_int64 kept = size % kBlockBytes;
    if (const auto it = blocks_.find(size / kBlockBytes); it != blocks_.end()) {
      std::fill(it->second->begin() + kept, it->second->end(), 0);
    }
    base_size_ = std::min(base_size_, size);
  }
  size_ = size;
  if (Chance(survive_probability_)) {
    sqlite3_int64 real_size = 0;
    const int code = real->pMethods->xFileSize(real, &real_size);
    if (code == SQLITE_OK && real_size > size) real->pMethods->xTruncate(real, size);
  }
  return SQLITE_OK;
}

int UnsyncedFile::WriteBlocks(sqlite3_file* real) const {
  for (const auto& [index, block] : blocks_) {
    const sqlite3_int64 start = index * kBlockBytes;
    const auto size = static_cast<int>(std::min(kBlockBytes, size_ - start));
    const int code = real->pMethods->xWrite(real, block->data(), size, start);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int UnsyncedFile::Sync(sqlite3_file* real, std::uint64_t* failures_seen) {
  absl::MutexLock lock(&mutex_);
  if (!has_power()) return SQLITE_IOERR_FSYNC;
  if (failures_seen != nullptr && std::exchange(*failures_seen, failed_syncs_) != failed_syncs_) {
    return SQLITE_IOERR_FSYNC;
  }
  if (!changed_) return SQLITE_OK;
  const sqlite3_io_methods& below = *real->pMethods;
  sqlite3_int64 real_size = 0;
  int code = below.xFileSize(real, &real_size);
  // What the file holds beyond must not show in holes.
  if (code == SQLITE_OK && real_size > base_size_) code = below.xTruncate(real, base_size_);
  if (code == SQLITE_OK) code = WriteBlocks(real);
  if (code == SQLITE_OK) code = below.xFileSize(real, &real_size);
  if (code == SQLITE_OK && real_size != size_) code = below.xTruncate(real, size_);
  if (code != SQLITE_OK) return SQLITE_IOERR_FSYNC;
  ForgetLocked();
  return SQLITE_OK;
}

void UnsyncedFile::FailSync(std::uint64_t* failures_seen) {
  absl::MutexLock lock(&mutex_);
  if (changed_) ++failed_syncs_;  // Otherwise nobody has lost anything.
  *failures_seen = failed_syncs_;
  ForgetLocked();
}

std::uint64_t UnsyncedFile::failed_syncs() const {
  absl::ReaderMutexLock lock(&mutex_);
  return failed_syncs_;
}

int UnsyncedFile::Size(sqlite3_file* real, sqlite3_int64* size) {
  absl::ReaderMutexLock lock(&mutex_);
  if (!has_power()) return SQLITE_IOERR_FSTAT;
  if (!changed_) return real->pMethods->xFileSize(real, size);
  *size = size_;
  return SQLITE_OK;
}

void UnsyncedFile::Forget() {
  absl::MutexLock lock(&mutex_);
  ForgetLocked();
}

void UnsyncedFile::ForgetLocked() {
  changed_ = false;
  blocks_.clear();
}

std::optional<sqlite3_int64> UnsyncedFile::UnsyncedSize() const {
  absl::ReaderMutexLock lock(&mutex_);
  if (!changed_) return std::nullopt;
  return size_;
}

bool UnsyncedFile::Chance(double probability) {
  return probability > 0 && std::uniform_real_distribution<double>()(random_) < probability;
}

// Writes to the file below at once what the disk would have kept. The file below shows nowhere
// until the power is cut, since the blocks lie over it. Errors of the real disk are left to the
// sync.
void UnsyncedFile::LetSurvive(sqlite3_file* real, const void* data, int size,
                              sqlite3_int64 offset) {
  if (!Chance(survive_probability_)) return;
  const auto& write = real->pMethods->xWrite;
  if (!Chance((1 - survive_probability_) / 2)) {
    write(real, data, size, offset);
    return;
  }
  const sqlite3_int64 end = offset + size;
  for (sqlite3_int64 from = offset; from < end;) {
    const sqlite3_int64 to = std::min((from / kSectorBytes + 1) * kSectorBytes, end);
    if (Chance(0.5)) {
      write(real, static_cast<const char*>(data) + (from - offset), static_cast<int>(to - from),
            from);
    }
    from = to;
  }
}

UnsyncedFiles::UnsyncedFiles(Survival survival)
    : survival_(survival), power_(std::make_shared<std::atomic<bool>>(true)) {}

std::shared_ptr<UnsyncedFile> UnsyncedFiles::Open(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (open_and_dead_ > 0) return nullptr;
  Entry& entry = entries_[path];
  if (entry.file == nullptr) {
    // Numbered, not named: the same run draws the same numbers in another directory.
    const Survival survival{survival_.probability, survival_.seed + 0x9e3779b9 * files_made_++};
    entry.file = std::make_shared<UnsyncedFile>(power_, survival);
  }
  ++entry.handles;
  ++open_;
  return entry.file;
}

void UnsyncedFiles::Close(const std::string& path, const std::shared_ptr<UnsyncedFile>& file) {
  absl::MutexLock lock(&mutex_);
  --open_;
  if (!file->has_power()) --open_and_dead_;
  const auto it = entries_.find(path);
  if (it == entries_.end() || it->second.file != file) return;
  if (--it->second.handles == 0 && !file->UnsyncedSize().has_value()) entries_.erase(it);
}

void UnsyncedFiles::Forget(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  entries_.erase(path);
}

std::optional<sqlite3_int64> UnsyncedFiles::UnsyncedSize(const std::string& path) const {
  absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(path);
  return it == entries_.end() ? std::nullopt : it->second.file->UnsyncedSize();
}

void UnsyncedFiles::Cut() {
  absl::MutexLock lock(&mutex_);
  power_->store(false);
  // Waits for whoever is in the middle of something.
  for (const auto& [path, entry] : entries_) entry.file->Forget();
  entries_.clear();
  open_and_dead_ = open_;
  power_ = std::make_shared<std::atomic<bool>>(true);
}

int UnsyncedFiles::open_count() const {
  absl::MutexLock lock(&mutex_);
  return open_;
}

}  // namespace txtchat::testing
