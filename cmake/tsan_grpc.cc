// Shows to ThreadSanitizer what gRPC orders: that an operation's completion comes after its start,
// that OnCancel comes after the method that made the reactor, and OnDone after the reactor's other
// callbacks. Linked into the programs of the tsan preset only; tsan_abseil.cc says how and why.
//
// Completions: grpc_call_start_batch announces under the operation's tag; whoever is handed the tag
// again, by a completion queue or by a callback, takes it in.
//
// OnDone: gRPC counts a call's outstanding callbacks down in an atomic, and whoever reaches zero
// calls ScheduleOnDone. Most of that is inline and instrumented, but the step after OnCancel is
// inside Debian's library. So that step is announced here, by a stand-in for the reactor, and
// ScheduleOnDone takes in what all steps announced, at the address of the counter itself.
//
// OnCancel: whoever of two counts another atomic down to zero calls CallOnCancel. The method's side
// is inline and announces; the other is inside the library, so CallOnCancel takes in for it, and
// hands on to the thread that OnCancel is run on.

#include <dlfcn.h>
#include <grpc/grpc.h>
#include <grpcpp/support/server_callback.h>
#include <sanitizer/tsan_interface.h>

namespace {

template <typename Function>
Function Find(const char* mangled, void* where = RTLD_NEXT) {
  void* symbol = dlsym(where, mangled);
  if (symbol == nullptr && where == RTLD_NEXT) __builtin_trap();
  return reinterpret_cast<Function>(symbol);
}

// Lives for the one OnCancel that it passes on.
class CancelRelay : public grpc::internal::ServerReactor {
 public:
  CancelRelay(grpc::internal::ServerReactor* reactor, void* counter)
      : reactor_(reactor), counter_(counter) {}

  void OnCancel() override {
    __tsan_acquire(this);
    reactor_->OnCancel();
    __tsan_release(counter_);
    delete this;
  }
  void OnDone() override {}
  bool InternalInlineable() override { return reactor_->InternalInlineable(); }

 private:
  grpc::internal::ServerReactor* const reactor_;
  void* const counter_;
};

using Functor = grpc_completion_queue_functor;
using RunFunction = void (*)(Functor*, int);

// Stands in for one of the two functions that gRPC's C++ layer gives to its callback tags.
template <int kWhich>
struct CompletionRelay {
  static RunFunction Original() {
    static const auto original =
        Find<RunFunction>(kWhich == 0 ? "_ZN4grpc8internal22CallbackWithSuccessTag9StaticRunEP29grp"
                                        "c_completion_queue_functori"
                                      : "_ZN4grpc8internal21CallbackWithStatusTag9StaticRunEP29grpc"
                                        "_completion_queue_functori",
                          RTLD_DEFAULT);
    return original;
  }
  static void Run(Functor* functor, int ok) {
    __tsan_acquire(functor);
    functor->functor_run = Original();
    Original()(functor, ok);
  }
  // A tag of another kind does not begin with this function's address, but has a first word.
  static void Install(void* tag) {
    auto* functor = static_cast<Functor*>(tag);
    if (Original() != nullptr && functor->functor_run == Original()) functor->functor_run = &Run;
  }
};

}  // namespace

extern "C" {

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag,
                                      void* reserved) {
  static const auto original = Find<decltype(&grpc_call_start_batch)>("grpc_call_start_batch");
  // A batch without operations may have a small number for a tag.
  if (count > 0) {
    CompletionRelay<0>::Install(tag);
    CompletionRelay<1>::Install(tag);
    __tsan_release(tag);
  }
  return original(call, ops, count, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline,
                                      void* reserved) {
  static const auto original =
      Find<decltype(&grpc_completion_queue_next)>("grpc_completion_queue_next");
  const grpc_event event = original(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                       gpr_timespec deadline, void* reserved) {
  static const auto original =
      Find<decltype(&grpc_completion_queue_pluck)>("grpc_completion_queue_pluck");
  const grpc_event event = original(queue, tag, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

}  // extern "C"

namespace grpc::internal {

void ServerCallbackCall::CallOnCancel(ServerReactor* reactor) {
  static const auto original = Find<void (*)(ServerCallbackCall*, ServerReactor*)>(
      "_ZN4grpc8internal18ServerCallbackCall12CallOnCancelEPNS0_13ServerReactorE");
  __tsan_acquire(&on_cancel_conditions_remaining_);
  auto* const relay = new CancelRelay(reactor, &callbacks_outstanding_);
  __tsan_release(relay);
  original(this, relay);
}

void ServerCallbackCall::ScheduleOnDone(bool inline_ondone) {
  static const auto original = Find<void (*)(ServerCallbackCall*, bool)>(
      "_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb");
  __tsan_acquire(&callbacks_outstanding_);
  // A reactor of both directions holds its lock when the call begins, in code of the library; it is
  // its first member.
  __tsan_acquire(reinterpret_cast<char*>(reactor()) + sizeof(void*));
  original(this, inline_ondone);
}

}  // namespace grpc::internal
