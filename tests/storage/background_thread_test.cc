#include "storage/background_thread.h"

#include <sched.h>
#include <sys/resource.h>

#include <thread>

#include "gtest/gtest.h"

namespace txtchat::storage {
namespace {

// Of the calling thread: in Linux, who 0 is a thread.
int Nice() { return getpriority(PRIO_PROCESS, 0); }

TEST(BackgroundThread, GivesWayAlone) {
  const int policy = sched_getscheduler(0);
  const int nice = Nice();
  std::thread([] {
    RunInBackground();
    EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
    EXPECT_EQ(Nice(), 5);
  }).join();
  EXPECT_EQ(sched_getscheduler(0), policy);
  EXPECT_EQ(Nice(), nice);
}

}  // namespace
}  // namespace txtchat::storage
