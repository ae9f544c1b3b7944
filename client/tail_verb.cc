#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <random>
#include <utility>

#include "client/chat_model.h"
#include "client/chat_session.h"
#include "client/console.h"
#include "client/exit_code.h"
#include "client/json_output.h"
#include "client/script_verbs.h"
#include "client/signals.h"

namespace txtchat::client {
namespace {

namespace asio = boost::asio;

// Everything on the thread that runs `io_`.
class Tail {
 public:
  Tail(const ScriptOptions& options, const TailOptions& tail)
      : options_(options),
        tail_(tail),
        io_(std::make_shared<asio::io_context>()),
        work_(io_->get_executor()),
        model_(&LocalTimeOfDay, !options.json && WantsColour(1)),
        signals_(*io_,
                 [this](int signal) {
                   if (signal != SIGCONT) End(128 + signal, "");
                 }),
        session_(io_, SessionOptions(), SessionHandlers()) {}

  int Run() {
    session_.Start();
    io_->run();
    return exit_code_;
  }

 private:
  ChatSession::Options SessionOptions() {
    ChatSession::Options options;
    options.server = options_.server;
    options.name = options_.name;
    options.token = options_.token;
    options.join = tail_.channels;
    options.channels = tail_.channels;
    options.reconnect = tail_.reconnect;
    options.timeout = options_.timeout;
    options.random = [generator = std::mt19937(std::random_device{}())]() mutable {
      return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
    };
    options.connect = [server = options_.server] { return MakeChannel(server); };
    return options;
  }

  ChatSession::Handlers SessionHandlers() {
    ChatSession::Handlers handlers;
    handlers.on_live = [](const ChatSession::Live& live) {
      if (!live.first) Note("connected again");
    };
    handlers.on_response = [this](const v1::SubscribeResponse& response) {
      for (const v1::Event& event : response.events()) {
        if (!ended_) OnEvent(event);
      }
    };
    handlers.on_lost = [this](const std::string& why, std::chrono::milliseconds delay) {
      model_.SetDisconnected();
      Note(why);
      Note("reconnecting in " + std::to_string(delay.count()) + " ms");
    };
    handlers.on_joined = [this](const v1::Channel& channel) { model_.Learn(channel); };
    handlers.on_not_joined = [this](const std::string&, const grpc::Status& status) {
      End(ExitCodeOf(status), ExplainFailure("cannot join again", options_.server, status));
    };
    handlers.on_failed = [this](int exit_code, const std::string& why) { End(exit_code, why); };
    handlers.positions = [this] { return model_.Positions(); };
    handlers.rejoin = [this] { return tail_.channels; };
    return handlers;
  }

  void OnEvent(const v1::Event& event) {
    const std::vector<std::string> lines = model_.Show(event);
    if (lines.empty()) return;  // nothing to say, or seen before
    const bool message = event.has_message_posted();
    // In place of a message, so that a reader sees that there was one.
    const bool told = message || event.has_message_removed() || event.has_gap() || tail_.events;
    if (event.has_heartbeat() || event.has_recovery()) {
      for (const std::string& line : lines) Note(line);
    } else if (told && options_.json) {
      if (const std::string json = JsonOf(event); !json.empty()) Print(json);
    } else if (told) {
      for (const std::string& line : lines) Print(line);
    }
    if (message && ++messages_ == tail_.count) End(kExitOk, "");
  }

  static void Print(const std::string& line) {
    std::fwrite((line + "\n").data(), 1, line.size() + 1, stdout);
    std::fflush(stdout);
  }
  static void Note(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

  void End(int exit_code, const std::string& why) {
    if (std::exchange(ended_, true)) return;
    exit_code_ = exit_code;
    if (!why.empty()) Note(why);
    session_.Stop();
    io_->stop();
  }

  const ScriptOptions& options_;
  const TailOptions& tail_;
  const std::shared_ptr<asio::io_context> io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  ChatModel model_;
  SignalSource signals_;
  std::uint64_t messages_ = 0;
  bool ended_ = false;
  int exit_code_ = kExitOk;
  ChatSession session_;  // last, so that it goes first
};

}  // namespace

int RunTail(const ScriptOptions& options, const TailOptions& tail) {
  return Tail(options, tail).Run();
}

}  // namespace txtchat::client
