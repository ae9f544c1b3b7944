#include "bench/abuser_process.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/abusers.h"
#include "bench/line_founder.h"
#include "bench/line_socket.h"

namespace txtchat::bench {
namespace {

constexpr std::uint32_t kBusyChannels = 10;
constexpr std::chrono::milliseconds kPatience{20'000};
constexpr rlim_t kOtherFiles = 32;
constexpr useconds_t kLookEveryUs = 1'000;

absl::Status CheckFiles(const AbuseOptions& options) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return ErrnoStatus("cannot read the limit of files");
  if (files.rlim_cur >= options.abusers() + kOtherFiles) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(options.abusers(), " abusers need as many files; this process may have ",
                   files.rlim_cur, " (ulimit -Hn)"));
}

absl::Status BeAbusers(const AbuseOptions& options, const Endpoint& line_server,
                       SharedAbuse& shared) {
  if (absl::Status s = CheckFiles(options); !s.ok()) return s;
  const absl::StatusOr<SocketAddress> server = Resolve(line_server);
  if (!server.ok()) return server.status();
  if (options.many_addresses && server->storage.ss_family != AF_INET) {
    return absl::FailedPreconditionError("--many-addresses needs a server on 127.0.0.1");
  }
  while (!shared.begin && !shared.stop) usleep(kLookEveryUs);
  if (shared.stop) return absl::OkStatus();
  absl::StatusOr<std::vector<std::string>> busy = FoundChannels(*server, kBusyChannels, kPatience);
  if (!busy.ok()) return busy.status();
  if (setpriority(PRIO_PROCESS, 0, options.nice) != 0) {
    return ErrnoStatus(absl::StrCat("cannot take the nice value ", options.nice));
  }
  // A nice value alone does not make the kernel interrupt a process when another wakes (Linux from
  // 6.6 on): the honest would wait for the rest of a time slice of the abusers', and not for the
  // server.
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) return ErrnoStatus("cannot stand back");
  return Abusers(options, *server, *std::move(busy), shared).Run();
}

}  // namespace

AbuserProcess::~AbuserProcess() {
  if (shared_ == nullptr) return;
  Stop();
  munmap(shared_, sizeof *shared_);
}

absl::Status AbuserProcess::Start(const Endpoint& line_server) {
  void* const memory =
      mmap(nullptr, sizeof(SharedAbuse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return ErrnoStatus("cannot share memory");
  shared_ = new (memory) SharedAbuse();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) return ErrnoStatus("cannot start another process");
  if (pid_ > 0) return absl::OkStatus();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  signal(SIGINT, SIG_IGN);  // The parent ends this process.
  signal(SIGTERM, SIG_DFL);
  const absl::Status status = BeAbusers(options_, line_server, *shared_);
  if (!status.ok()) {
    const std::size_t size = std::min(status.message().size(), shared_->problem.size() - 1);
    std::memcpy(shared_->problem.data(), status.message().data(), size);
    shared_->failed = true;
  }
  _exit(status.ok() ? 0 : 1);
}

absl::Status AbuserProcess::Problem() const {
  if (!shared_->failed) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the abusers: ", shared_->problem.data()));
}

void AbuserProcess::Stop() {
  if (pid_ <= 0) return;
  shared_->stop = true;
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

AbuseCounts AbuserProcess::counts() const {
  AbuseCounts counts{};
  for (std::size_t i = 0; i < kAbuseKinds; ++i) {
    ForEachCount(counts[i], shared_->counts[i],
                 [](std::uint64_t& to, const std::atomic<std::uint64_t>& from) { to = from; });
  }
  return counts;
}

}  // namespace txtchat::bench
