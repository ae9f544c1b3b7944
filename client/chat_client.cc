#include "client/chat_client.h"

#include <csignal>
#include <cstdio>
#include <utility>

#include "client/chat_client_impl.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

using AsyncStub = v1::ChatService::StubInterface::async_interface;
using Kind = ChatCommand::Kind;

// Typed lines that wait for the connection or for the one before them.
constexpr std::size_t kWaitingMax = 100;

std::string Plural(std::size_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

ChatSession::Handlers ChatClient::SessionHandlers() {
  ChatSession::Handlers handlers;
  handlers.on_live = [this](const ChatSession::Live& live) { OnLive(live); };
  handlers.on_response = [this](const v1::SubscribeResponse& response) { OnResponse(response); };
  handlers.on_lost = [this](const std::string& why, std::chrono::milliseconds delay) {
    OnLost(why, delay);
  };
  handlers.on_joined = [this](const v1::Channel& channel) {
    model_.Learn(channel);
    model_.SetJoined(channel.id());
    if (!started_) model_.SetCurrent(channel.id());
  };
  handlers.on_not_joined = [this](const std::string& channel_id, const grpc::Status& status) {
    model_.SetLeft(channel_id);
    if (model_.current() == channel_id) model_.SetCurrent("");
    console_.Note(Explain("cannot join " + model_.Label(channel_id) + " again", status));
  };
  handlers.on_failed = [this](int exit_code, const std::string& why) { End(exit_code, why); };
  handlers.positions = [this] { return model_.Positions(); };
  handlers.rejoin = [this] {
    // Not the own personal channel: it ended with the user, and the new one has its own.
    std::vector<std::string> channels;
    for (const std::string& id : model_.joined()) {
      if (id != model_.me().id()) channels.push_back(id);
    }
    return channels;
  };
  return handlers;
}

void ChatClient::OnLive(const ChatSession::Live& live) {
  if (!live.user.id().empty() && live.user.id() != model_.me().id()) {
    const std::string before = model_.me().id();
    if (!before.empty()) model_.SetLeft(before);
    model_.SetMe(live.user);
    if (model_.current().empty() || model_.current() == before) model_.SetCurrent(live.user.id());
  }
  const std::string server = options_.session.server.ToString();
  const bool tells = live.registered || (live.first && !live.user.id().empty());
  const std::string as = tells ? " as " + model_.Name(live.user) + ", id " + live.user.id() : "";
  if (live.first) {
    console_.Note("Connected to " + server + (as.empty() ? " with the token given" : as) +
                  ". $help lists the commands.");
  } else {
    console_.Note("-- Connected to " + server + " again" + as + ".");
    // What was typed for a channel that is gone must not end up in another.
    if (model_.current() != current_when_lost_) DropWaiting();
  }
  if (!std::exchange(started_, true)) {
    console_.Start(
        {[this](std::string line) { OnTyped(std::move(line)); }, [this] { OnInputEnd(); }});
  }
  online_ = true;
  ShowPrompt();
  LimitInput();
  CarryOutNext();
}

void ChatClient::DropWaiting() {
  // The front one may be under way: it tells its own outcome.
  auto next = waiting_.begin() + (carrying_ ? 1 : 0);
  while (next != waiting_.end()) {
    const Kind kind = ParseChatCommand(*next).kind;
    // What was typed after it was meant for another channel.
    if (kind == Kind::kJoin || kind == Kind::kSwitch || kind == Kind::kCreate) return;
    if (kind != Kind::kText) {
      ++next;
      continue;
    }
    all_sent_ = false;
    console_.Note("not sent, the channel is gone: " + SanitizeLine(*next));
    next = waiting_.erase(next);
  }
}

void ChatClient::OnResponse(const v1::SubscribeResponse& response) {
  std::string lines;
  for (const v1::Event& event : response.events()) {
    for (const std::string& line : model_.Show(event)) lines += line + "\n";
    if (event.has_message_posted()) OnSeen(event.message_posted().client_message_id());
    if (!event.channel_id().empty()) LearnName(event.channel_id());
  }
  for (const std::string& id : model_.joined()) LearnName(id);
  if (!lines.empty()) lines.pop_back();
  if (!lines.empty()) console_.Print(lines);
  ShowPrompt();
  EndIfDone();
}

void ChatClient::OnSeen(const std::string& client_message_id) {
  unseen_.erase(client_message_id);
  if (!client_message_id.empty() && client_message_id == sending_id_) sending_seen_ = true;
}

void ChatClient::LearnName(const std::string& channel_id) {
  if (model_.Knows(channel_id) || !session_.live()) return;
  v1::Channel placeholder;  // asked once, whatever the answer
  placeholder.set_id(channel_id);
  placeholder.set_display_name(channel_id);
  model_.Learn(placeholder);
  v1::GetChannelRequest request;
  request.set_channel_id(channel_id);
  session_.Call<v1::GetChannelRequest, v1::GetChannelResponse>(
      &AsyncStub::GetChannel, request,
      [this](const grpc::Status& status, const v1::GetChannelResponse& response) {
        if (!status.ok()) return;
        model_.Learn(response.channel());
        ShowPrompt();
      });
}

void ChatClient::OnLost(const std::string& why, std::chrono::milliseconds delay) {
  if (std::exchange(online_, false)) current_when_lost_ = model_.current();
  model_.SetDisconnected();
  unseen_.clear();
  std::string when = "now";
  if (delay.count() > 0) {
    char seconds[16];
    std::snprintf(seconds, sizeof(seconds), "%.1f", static_cast<double>(delay.count()) / 1000.0);
    when = "in " + std::string(seconds) + " s";
  }
  console_.Note("-- " + why + ". Reconnecting " + when + "; what you type is kept.");
  ShowPrompt();
}

void ChatClient::OnTyped(std::string line) {
  const ChatCommand command = ParseChatCommand(line);
  switch (command.kind) {
    case Kind::kNothing:
      return;
    case Kind::kWrong:
      return Refuse(command.argument);
    case Kind::kHelp:
      for (const std::string& help : ChatHelp()) console_.Note(help);
      return;
    case Kind::kQuit:
      quitting_ = true;
      console_.SetInputWanted(false);
      return OnInputEnd();
    default:
      break;
  }
  if (waiting_.size() >= kWaitingMax) {
    all_sent_ = false;
    return console_.Note("not sent, " + Plural(waiting_.size(), "line") +
                         " wait already: " + SanitizeLine(line));
  }
  if (!session_.live()) console_.Note("kept until connected again: " + SanitizeLine(line));
  waiting_.push_back(std::move(line));
  LimitInput();
  CarryOutNext();
}

void ChatClient::LimitInput() {
  // A person can always type; a pipe waits.
  if (started_ && !quitting_)
    console_.SetInputWanted(console_.input_is_terminal() || waiting_.size() < 8);
}

void ChatClient::CarryOutNext() {
  if (carrying_ || waiting_.empty() || !session_.live() || ended_) return;
  carrying_ = true;
  CarryOut(ParseChatCommand(waiting_.front()));
}

void ChatClient::Done() {
  waiting_.pop_front();
  carrying_ = false;
  sending_seen_ = false;
  Linger();
  ShowPrompt();
  LimitInput();
  CarryOutNext();
  EndIfDone();
}

void ChatClient::ShowPrompt() {
  if (!console_.interactive()) return;
  const std::string where = model_.current().empty() ? "" : model_.Label(model_.current());
  console_.SetPrompt((session_.live() ? "" : "(offline) ") + where + "> ");
}

void ChatClient::OnInputEnd() {
  input_ended_ = true;
  Linger();
  EndIfDone();
}

// After the end of input: gives what is still under way a while from now.
void ChatClient::Linger() {
  if (!input_ended_ || !EndsWithInput()) return;
  linger_timer_.expires_after(options_.linger);
  linger_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || ended_) return;
    End(ExitCodeAtEnd(), "");
  });
}

void ChatClient::EndIfDone() {
  if (!input_ended_ || !EndsWithInput() || ended_) return;
  const bool done = waiting_.empty() && unseen_.empty();
  // A person who leaves does not wait for a server that is not there.
  if (!done && (session_.live() || !(quitting_ || console_.input_is_terminal()))) return;
  End(ExitCodeAtEnd(), "");
}

void ChatClient::OnSignal(int signal) {
  if (signal == SIGCONT) return console_.Resumed();
  End(128 + signal, "");
}

void ChatClient::End(int exit_code, const std::string& note) {
  if (std::exchange(ended_, true)) return;
  exit_code_ = exit_code;
  console_.Stop();
  if (!note.empty()) console_.Note(note);
  if (carrying_ && sending_seen_) waiting_.pop_front();
  carrying_ = carrying_ && !sending_seen_;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    console_.Note((i == 0 && carrying_ ? "may not have been sent: " : "not sent: ") +
                  SanitizeLine(waiting_[i]));
  }
  session_.Stop();
  io_->stop();
}

int RunChatClient(const ChatClientOptions& options) { return ChatClient(options).Run(); }

}  // namespace txtchat::client
