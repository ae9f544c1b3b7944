// SQLite under random transactions, checkpoints, faults and power cuts, against a model of what was
// acknowledged.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/fault_vfs.h"
#include "tests/testing/fault_vfs_fixture.h"

namespace txtchat::testing {
namespace {

// What a row holds follows from these; see BodyOf.
struct Row {
  std::uint64_t seed = 0;
  std::size_t size = 0;
  bool operator==(const Row&) const = default;
};
using Rows = std::map<int, Row>;

// Different for different rows: it begins with the seed.
std::string BodyOf(const Row& row) {
  std::mt19937_64 random(row.seed);
  std::string body = std::to_string(row.seed) + ":";
  while (body.size() < row.size) body += static_cast<char>('a' + random() % 26);
  return body;
}

struct ModelOptions {
  const char* pragmas;
  double survive_probability;
  /// Whether every acknowledged transaction has to outlive the power cut.
  bool durable;
};

class PowerCutModel {
 public:
  PowerCutModel(const ModelOptions& options, std::uint64_t seed)
      : options_(options),
        random_(seed),
        world_(
            {.survive_probability = options.survive_probability, .seed = seed},
            // A small cache spills into the -wal before the commit; small checkpoints come often.
            std::string(options.pragmas) + "; PRAGMA cache_size=8; PRAGMA wal_autocheckpoint=40") {
    EXPECT_EQ(world_.Checkpoint(), SQLITE_OK);
  }

  /// Work, then a power cut somewhere in it, then the comparison.
  void Round() {
    possible_ = {rows_};
    const bool cut_inside = Below(2) == 0;
    for (std::size_t n = Below(12); n > 0; --n) Work();
    if (cut_inside) {
      // From some write or sync on nothing succeeds, and then the power goes: the cut falls in the
      // middle of a commit or a checkpoint.
      const bool at_write = Below(3) != 0;
      world_.vfs->SetFault({.kind = at_write ? FaultKind::kWriteError : FaultKind::kSyncError,
                            .skip = static_cast<std::uint32_t>(Below(at_write ? 120 : 8))});
      for (int n = 0; n < 12 && world_.vfs->faults_raised() == faults_seen_; ++n) Work();
      faults_seen_ = world_.vfs->faults_raised();
    } else if (Below(2) == 0) {
      RunTransaction(/*commit=*/false);
    }
    world_.vfs->ClearFault();
    world_.CutPowerAndReopen();
    Compare();
  }

  std::size_t transactions() const { return transactions_; }
  std::size_t lost() const { return lost_; }
  std::size_t reappeared() const { return reappeared_; }

 private:
  std::size_t Below(std::size_t bound) { return random_() % bound; }

  void Work() {
    if (Below(8) == 0) {
      world_.Checkpoint(Below(2) == 0 ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE);
    } else {
      RunTransaction(/*commit=*/true);
    }
  }

  // Inserts, replaces and deletes. Without `commit` it is left open.
  void RunTransaction(bool commit) {
    Rows after = rows_;
    int code = world_.db->Run("BEGIN IMMEDIATE");
    for (std::size_t n = 1 + Below(Below(6) == 0 ? 60 : 6); n > 0 && code == SQLITE_OK; --n) {
      const int id = static_cast<int>(Below(150));
      if (Below(4) == 0) {
        after.erase(id);
        code = world_.db->Run("DELETE FROM t WHERE id=" + std::to_string(id));
      } else {
        const Row row{random_(), Below(Below(8) == 0 ? 20'000 : 300)};
        after[id] = row;
        code = world_.db->Run("REPLACE INTO t VALUES(" + std::to_string(id) + ",'" + BodyOf(row) +
                              "')");
      }
    }
    if (code == SQLITE_OK && !commit) return;
    if (code == SQLITE_OK) code = world_.db->Run("COMMIT");
    // The automatic checkpoint after a commit may fail, and the commit succeeds all the same.
    if (code == SQLITE_OK) {
      if (options_.durable) possible_.clear();
      rows_ = std::move(after);
      possible_.push_back(rows_);
      ++transactions_;
    } else {
      // Refused, so not visible; but the disk may have it (ARefusedCommitMayReappear…).
      if (sqlite3_get_autocommit(world_.db->get()) == 0) world_.db->Run("ROLLBACK");
      if (options_.survive_probability > 0) possible_.push_back(std::move(after));
    }
  }

  void Compare() {
    ASSERT_EQ(world_.db->Text("PRAGMA integrity_check"), "ok");
    const Rows found = ReadAll();
    bool known = false;
    for (const Rows& rows : possible_) known = known || rows == found;
    ASSERT_TRUE(known) << "not a state that was ever committed, or an acknowledged one is lost: "
                       << found.size() << " rows";
    if (found != rows_) ++(found == possible_.back() ? reappeared_ : lost_);
    rows_ = found;
  }

  Rows ReadAll() {
    std::map<std::pair<int, std::uint64_t>, Row> known;
    for (const Rows& rows : possible_) {
      for (const auto& [id, row] : rows) known[{id, row.seed}] = row;
    }
    Rows found;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(
        sqlite3_prepare_v2(world_.db->get(), "SELECT id, body FROM t", -1, &statement, nullptr),
        SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      const int id = sqlite3_column_int(statement, 0);
      const std::string body = reinterpret_cast<const char*>(sqlite3_column_text(statement, 1));
      const auto it = known.find({id, std::strtoull(body.c_str(), nullptr, 10)});
      const bool written = it != known.end() && BodyOf(it->second) == body;
      EXPECT_TRUE(written) << "row " << id << " was never written so";
      if (written) found[id] = it->second;
    }
    EXPECT_EQ(sqlite3_finalize(statement), SQLITE_OK);
    return found;
  }

  const ModelOptions options_;
  std::mt19937_64 random_;
  FaultVfsFixture world_;
  /// What was acknowledged last.
  Rows rows_;
  /// What may be found after a power cut, oldest first.
  std::vector<Rows> possible_;
  std::uint64_t faults_seen_ = 0;
  std::size_t transactions_ = 0;
  std::size_t lost_ = 0;
  std::size_t reappeared_ = 0;
};

// Several worlds, 30 power cuts each. The first seed is 1, or what TXTCHAT_TEST_FIRST_SEED says.
void RunModel(const ModelOptions& options, int worlds) {
  const char* const wanted = std::getenv("TXTCHAT_TEST_FIRST_SEED");
  const std::uint64_t first = wanted == nullptr ? 1 : std::stoull(wanted);
  constexpr int kRounds = 30;
  std::size_t transactions = 0;
  std::size_t lost = 0;
  std::size_t reappeared = 0;
  std::uint64_t seed = first;
  for (; seed < first + static_cast<std::uint64_t>(worlds); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PowerCutModel model(options, seed);
    for (int i = 0; i < kRounds && !::testing::Test::HasFailure(); ++i) model.Round();
    if (::testing::Test::HasFailure()) return;
    transactions += model.transactions();
    lost += model.lost();
    reappeared += model.reappeared();
  }
  std::printf(
      "seeds %llu to %llu: %d power cuts, %zu transactions; %zu cuts took some, %zu brought "
      "a refused one back\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(seed - 1),
      worlds * kRounds, transactions, lost, reappeared);
  if (options.durable) {
    EXPECT_EQ(lost, 0u);
  } else {
    EXPECT_GT(lost, 0u) << "the model would not notice";
  }
}

TEST(FaultVfsModel, FullKeepsEveryAcknowledgedTransaction) {
  RunModel({FaultVfsFixture::kFull, 0, true}, 4);
}

TEST(FaultVfsModel, FullKeepsEveryAcknowledgedTransactionWhateverElseSurvives) {
  RunModel({FaultVfsFixture::kFull, 0.3, true}, 4);
  RunModel({FaultVfsFixture::kFull, 0.95, true}, 4);
}

TEST(FaultVfsModel, RollbackJournalKeepsEveryAcknowledgedTransaction) {
  constexpr char kJournal[] = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL";
  RunModel({kJournal, 0, true}, 3);
  RunModel({kJournal, 0.5, true}, 3);
}

TEST(FaultVfsModel, NormalGoesBackToACommittedState) {
  RunModel({FaultVfsFixture::kNormal, 0, false}, 4);
  RunModel({FaultVfsFixture::kNormal, 0.5, false}, 4);
}

}  // namespace
}  // namespace txtchat::testing
