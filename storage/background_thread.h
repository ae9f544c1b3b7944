#pragma once

namespace txtchat::storage {

/// Tells the kernel that the calling thread works in the background: it gets about a quarter of a
/// core that others want, does not take one from a thread that is running when it wakes, and gives
/// it back within some 0.1 ms when one of them wakes. For work that can wait, and that would
/// otherwise hold up the threads that decide and deliver for a whole time slice, some ms (sched(7),
/// SCHED_BATCH; sched_setattr(2), whose slice Linux takes note of from 6.12 on).
///
/// There is no way back for the thread, and none is needed. Where the kernel refuses, nothing
/// changes.
void RunInBackground() noexcept;

}  // namespace txtchat::storage
