#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "client/chat_client.h"
#include "client/chat_command.h"
#include "client/chat_model.h"
#include "client/exit_code.h"
#include "client/signals.h"

namespace txtchat::client {

// What RunChatClient runs; only chat_client*.cc know it.
//
// Everything on the thread that runs `io_`. Typed lines are carried out one after the other: each
// waits until the one before has its answer, so that `$join X` and a text sent right after it mean
// what they say, and nothing is reordered.
class ChatClient {
 public:
  explicit ChatClient(const ChatClientOptions& options)
      : options_(options),
        io_(std::make_shared<boost::asio::io_context>()),
        work_(io_->get_executor()),
        retry_timer_(*io_),
        linger_timer_(*io_),
        model_(&LocalTimeOfDay, WantsColour(options.console.out_fd)),
        console_(*io_, options.console),
        signals_(*io_, [this](int signal) { OnSignal(signal); }),
        busy_backoff_({std::chrono::milliseconds(100), std::chrono::milliseconds(3'000), 2.0, 0.5},
                      options.session.random),
        session_(io_, options.session, SessionHandlers()) {}

  int Run() {
    session_.Start();
    io_->run();
    return exit_code_;
  }

 private:
  ChatSession::Handlers SessionHandlers();
  void OnLive(const ChatSession::Live& live);
  void OnResponse(const v1::SubscribeResponse& response);
  void OnSeen(const std::string& client_message_id);
  void OnLost(const std::string& why, std::chrono::milliseconds delay);
  void OnSignal(int signal);
  void OnTyped(std::string line);
  void OnInputEnd();
  void DropWaiting();
  void Linger();

  void CarryOutNext();
  void CarryOut(const ChatCommand& command);
  void Done();
  void SendText(const std::string& text);
  void OnSent(const grpc::Status& status, const std::string& text);
  void Join(const std::string& channel_id);
  void Leave(const std::string& channel_id);
  void Create(const std::string& name);
  void ListChannels(const std::string& page_token, int page);
  void ListMembers(const std::string& channel_id, const std::string& page_token, int page);
  void WhoAmI();
  void SetCurrent(const std::string& channel_id);
  void LearnName(const std::string& channel_id);
  void ShowPrompt();
  void LimitInput();
  bool EndsWithInput() const {
    return quitting_ || options_.exit_on_eof || console_.input_is_terminal();
  }
  void EndIfDone();
  void End(int exit_code, const std::string& note);

  // Tells of a command that could not be carried out.
  void Refuse(const std::string& note) {
    all_done_ = false;
    console_.Note(note);
  }
  // Somebody who quits was told of every refusal; a script has only this.
  int ExitCodeAtEnd() const {
    const bool done = waiting_.empty() && all_sent_ && (all_done_ || quitting_);
    return done ? kExitOk : kExitError;
  }

  std::string Explain(const std::string& what, const grpc::Status& status) const {
    return ExplainFailure(what, options_.session.server, status);
  }

  const ChatClientOptions& options_;
  const std::shared_ptr<boost::asio::io_context> io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer linger_timer_;
  ChatModel model_;
  Console console_;
  SignalSource signals_;
  std::deque<std::string> waiting_;  // typed, not carried out; the front is under way if carrying_
  bool carrying_ = false;
  Backoff busy_backoff_;
  int busy_retries_ = 0;
  std::uint64_t sent_ = 0;
  std::string sending_id_;  // the client_message_id of the text under way
  bool sending_seen_ = false;
  std::set<std::string> unseen_;  // client_message_ids of ours that did not come back yet
  const std::string own_prefix_ = std::to_string(std::random_device{}()) + "-";
  bool started_ = false;
  bool online_ = false;
  std::string current_when_lost_;
  bool quitting_ = false;  // by $quit
  bool input_ended_ = false;
  bool ended_ = false;
  bool all_sent_ = true;
  bool all_done_ = true;  // no command was refused, either
  int exit_code_ = kExitOk;
  ChatSession session_;  // last, so that it goes first
};

}  // namespace txtchat::client
