// Shows Abseil's locks to ThreadSanitizer. Linked into the programs of the tsan preset only.
//
// Debian's Abseil is compiled without ThreadSanitizer, so absl::Mutex would order nothing in its
// eyes and every field guarded by one would be reported. These definitions come before those of the
// shared library for everybody in the process, gRPC included: each tells ThreadSanitizer what is
// about to happen and calls the original. They say what Abseil says itself where it is
// instrumented.
//
// What is missing here (…WithTimeout, ReleasableMutexLock) calls one of these through the library.
//
// Between a `pre` and its `post` ThreadSanitizer looks away: a thread that unlocks evaluates the
// conditions of those that wait, which is safe under the lock that it still holds.

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <atomic>

#include "absl/status/status.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

// Mangled names: Abseil's inline namespace in Debian 12 is `debian3`. The typed pointers below are
// looked up once each; a name that is not found stops the program at its first use.
#define TXTCHAT_ORIGINAL(type, mangled) \
  static const auto original = reinterpret_cast<type>(Find(mangled))

// Part of ThreadSanitizer's runtime, without a header.
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);

// Made by the linker: where the program's code begins and ends.
extern "C" const char __executable_start[];
extern "C" const char etext[];

namespace {

constexpr unsigned kRead = __tsan_mutex_read_lock;
constexpr unsigned kTry = __tsan_mutex_try_lock;

void* Find(const char* mangled) {
  void* symbol = dlsym(RTLD_NEXT, mangled);
  if (symbol == nullptr) __builtin_trap();
  return symbol;
}

// Whether an address is in the program itself, not in a shared library.
bool InProgram(const void* address) { return address >= __executable_start && address < etext; }

void Released(absl::Mutex* mutex, unsigned flags = 0) {
  __tsan_mutex_pre_unlock(mutex, flags);
  __tsan_mutex_post_unlock(mutex, flags);
}

// Around an original that takes the lock.
template <typename Call>
void Locking(absl::Mutex* mutex, unsigned flags, Call call) {
  __tsan_mutex_pre_lock(mutex, flags);
  call();
  __tsan_mutex_post_lock(mutex, flags, 0);
}

// Around an original that is called with the lock, gives it up while it waits, and ends with it.
template <typename Call>
auto Waiting(absl::Mutex* mutex, Call call) {
  Released(mutex);
  __tsan_mutex_pre_lock(mutex, 0);
  const auto result = call();
  __tsan_mutex_post_lock(mutex, 0, 0);
  return result;
}

void* FlagOf(const std::atomic<bool>& flag) {
  return const_cast<void*>(static_cast<const void*>(&flag));
}

}  // namespace

namespace absl {

Mutex::~Mutex() {
  TXTCHAT_ORIGINAL(void (*)(Mutex*), "_ZN4absl7debian35MutexD1Ev");
  // What keeps a library's own locks alive long enough is atomics inside the library.
  if (!InProgram(__builtin_return_address(0))) __tsan_acquire(this);
  __tsan_mutex_destroy(this, 0);
  original(this);
}

void Mutex::Lock() {
  TXTCHAT_ORIGINAL(void (*)(Mutex*), "_ZN4absl7debian35Mutex4LockEv");
  Locking(this, 0, [&] { original(this); });
}

void Mutex::Unlock() {
  TXTCHAT_ORIGINAL(void (*)(Mutex*), "_ZN4absl7debian35Mutex6UnlockEv");
  __tsan_mutex_pre_unlock(this, 0);
  original(this);
  __tsan_mutex_post_unlock(this, 0);
}

bool Mutex::TryLock() {
  TXTCHAT_ORIGINAL(bool (*)(Mutex*), "_ZN4absl7debian35Mutex7TryLockEv");
  __tsan_mutex_pre_lock(this, kTry);
  const bool locked = original(this);
  __tsan_mutex_post_lock(this, kTry | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return locked;
}

void Mutex::ReaderLock() {
  TXTCHAT_ORIGINAL(void (*)(Mutex*), "_ZN4absl7debian35Mutex10ReaderLockEv");
  Locking(this, kRead, [&] { original(this); });
}

void Mutex::ReaderUnlock() {
  TXTCHAT_ORIGINAL(void (*)(Mutex*), "_ZN4absl7debian35Mutex12ReaderUnlockEv");
  __tsan_mutex_pre_unlock(this, kRead);
  original(this);
  __tsan_mutex_post_unlock(this, kRead);
}

void Mutex::LockWhen(const Condition& condition) {
  TXTCHAT_ORIGINAL(void (*)(Mutex*, const Condition&),
                   "_ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE");
  Locking(this, 0, [&] { original(this, condition); });
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  TXTCHAT_ORIGINAL(bool (*)(Mutex*, const Condition&, Time),
                   "_ZN4absl7debian35Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  bool met = false;
  Locking(this, 0, [&] { met = original(this, condition, deadline); });
  return met;
}

void Mutex::Await(const Condition& condition) {
  TXTCHAT_ORIGINAL(void (*)(Mutex*, const Condition&),
                   "_ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE");
  Waiting(this, [&] { return original(this, condition), true; });
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  TXTCHAT_ORIGINAL(bool (*)(Mutex*, const Condition&, Time),
                   "_ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  return Waiting(this, [&] { return original(this, condition, deadline); });
}

void CondVar::Wait(Mutex* mutex) {
  TXTCHAT_ORIGINAL(void (*)(CondVar*, Mutex*), "_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE");
  Waiting(mutex, [&] { return original(this, mutex), true; });
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  TXTCHAT_ORIGINAL(bool (*)(CondVar*, Mutex*, Time),
                   "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  return Waiting(mutex, [&] { return original(this, mutex, deadline); });
}

// HasBeenNotified() is inline and reads the flag itself, hence the flag's address.
void Notification::Notify() {
  TXTCHAT_ORIGINAL(void (*)(Notification*), "_ZN4absl7debian312Notification6NotifyEv");
  __tsan_release(&notified_yet_);
  original(this);
}

void Notification::WaitForNotification() const {
  TXTCHAT_ORIGINAL(void (*)(const Notification*),
                   "_ZNK4absl7debian312Notification19WaitForNotificationEv");
  original(this);
  __tsan_acquire(FlagOf(notified_yet_));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  TXTCHAT_ORIGINAL(
      bool (*)(const Notification*, Duration),
      "_ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool notified = original(this, timeout);
  if (notified) __tsan_acquire(FlagOf(notified_yet_));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  TXTCHAT_ORIGINAL(bool (*)(const Notification*, Time),
                   "_ZNK4absl7debian312Notification31WaitForNotificationWithDeadlineENS0_4TimeE");
  const bool notified = original(this, deadline);
  if (notified) __tsan_acquire(FlagOf(notified_yet_));
  return notified;
}

bool BlockingCounter::DecrementCount() {
  TXTCHAT_ORIGINAL(bool (*)(BlockingCounter*),
                   "_ZN4absl7debian315BlockingCounter14DecrementCountEv");
  __tsan_release(this);
  return original(this);
}

void BlockingCounter::Wait() {
  TXTCHAT_ORIGINAL(void (*)(BlockingCounter*), "_ZN4absl7debian315BlockingCounter4WaitEv");
  original(this);
  __tsan_acquire(this);
}

// A status that several threads have copies of is deleted by whoever lets go of it last. What puts
// that behind the others' use of it is a count inside the library, so ThreadSanitizer must not
// judge the deletion. (A copy that is used too late is AddressSanitizer's to find.)
void Status::UnrefNonInlined(uintptr_t rep) {
  TXTCHAT_ORIGINAL(void (*)(uintptr_t), "_ZN4absl7debian36Status15UnrefNonInlinedEm");
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  original(rep);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}

}  // namespace absl
