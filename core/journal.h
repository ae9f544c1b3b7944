#pragma once

#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace txtchat {

/// How to take back what a batch changed. Single-threaded.
class Journal {
 public:
  using Undo = absl::AnyInvocable<void()>;

  /// Notes how to undo a change that was just made.
  void Record(Undo undo) { undos_.push_back(std::move(undo)); }
  /// The changes hold: forget how to undo them.
  void Commit() { undos_.clear(); }
  /// Undoes everything, newest first.
  void RollBack() {
    while (!undos_.empty()) {
      Undo undo = std::move(undos_.back());
      undos_.pop_back();
      undo();
    }
  }

 private:
  std::vector<Undo> undos_;
};

}  // namespace txtchat
