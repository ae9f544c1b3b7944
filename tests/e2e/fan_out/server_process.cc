#include "tests/e2e/fan_out/server_process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace txtchat::e2e {
namespace {

// The value of a key in one line of the JSON log; the log writes no spaces and no nesting.
std::string ValueOf(const std::string& line, const std::string& key) {
  const std::string begin = "\"" + key + "\":\"";
  const std::size_t at = line.find(begin);
  if (at == std::string::npos) return "";
  const std::size_t from = at + begin.size();
  return line.substr(from, line.find('"', from) - from);
}

bool ReadLine(FILE* in, std::string& line) {
  line.clear();
  for (int c = 0; (c = std::fgetc(in)) != EOF;) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
  }
  return !line.empty();
}

}  // namespace

ServerProcess::ServerProcess(const std::string& program, const std::vector<std::string>& flags) {
  char data_dir[] = "/tmp/txtchat-fan-out-XXXXXX";
  if (mkdtemp(data_dir) == nullptr) {
    std::perror("fan_out: cannot make a directory");
    std::exit(1);
  }
  data_dir_ = data_dir;
  std::vector<std::string> words{program, "--line-listen=127.0.0.1:0", "--grpc-listen=127.0.0.1:0",
                                 "--log-format=json", "--data-dir=" + data_dir_};
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  int log[2];
  if (pipe(log) != 0 || (pid_ = fork()) < 0) {
    std::perror("fan_out: cannot start a process");
    std::exit(1);
  }
  if (pid_ == 0) {
    dup2(log[1], STDERR_FILENO);
    close(log[0]);
    close(log[1]);
    execv(program.c_str(), arguments.data());
    std::perror("fan_out: cannot run the server");
    _exit(127);
  }
  close(log[1]);
  FILE* const in = fdopen(log[0], "r");
  for (std::string line; line_port_ == 0 || grpc_address_.empty();) {
    if (!ReadLine(in, line)) {
      std::fprintf(stderr, "fan_out: the server did not start\n");
      std::exit(1);
    }
    std::fprintf(stderr, "%s\n", line.c_str());
    if (ValueOf(line, "event") != "listening") continue;
    const std::string address = ValueOf(line, "address");
    if (ValueOf(line, "transport") == "grpc") {
      grpc_address_ = address;
    } else {
      line_port_ = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }
  }
  log_copier_ = std::thread([in] {
    for (std::string line; ReadLine(in, line);) std::fprintf(stderr, "%s\n", line.c_str());
    std::fclose(in);
  });
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  log_copier_.join();
  std::error_code ignored;
  std::filesystem::remove_all(data_dir_, ignored);
}

std::uint64_t ServerProcess::PeakResidentKib() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtoull(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

int ServerProcess::Stop() {
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace txtchat::e2e
