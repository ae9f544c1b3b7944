#include "client/line_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <memory>
#include <utility>

#include "client/exit_code.h"
#include "client/line_session.h"
#include "client/signals.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

// A server's line may be as long as an operator allows; beyond this it is no line protocol.
constexpr std::size_t kServerLineMax = 64 << 20;
// How long a typed line waits for the answer to the $join or $create_chan before it.
constexpr auto kSwitchPatience = std::chrono::seconds(2);
// Typed lines wait in their pipe while this much waits for the socket.
constexpr std::size_t kUnsentMax = 256 << 10;

// Like Rust's and the server's: `IP:PORT`, `[IP]:PORT`.
std::string AddressOf(const tcp::endpoint& endpoint) {
  const std::string ip = endpoint.address().to_string();
  const std::string port = ":" + std::to_string(endpoint.port());
  return (endpoint.address().is_v6() ? "[" + ip + "]" : ip) + port;
}

// One connection, on one thread. Owned by RunLineClient, which runs `io_` until everything here has
// ended.
class LineClient {
 public:
  explicit LineClient(const LineClientOptions& options)
      : options_(options),
        socket_(io_),
        deadline_(io_),
        patience_(io_),
        console_(io_, options.console),
        signals_(io_, [this](int signal) { OnSignal(signal); }) {}

  int Run() {
    asio::co_spawn(io_, Talk(), asio::detached);
    io_.run();
    return exit_code_;
  }

 private:
  asio::awaitable<void> Talk();
  asio::awaitable<bool> Connect();
  asio::awaitable<void> WriteWaiting();
  void OnBytes(std::string_view bytes);
  void OnClosed(const error_code& error);
  void OnSignal(int signal);
  void OnInputEnd();
  void HalfClose();
  bool EndsWithInput() const { return options_.exit_on_eof || console_.input_is_terminal(); }
  void AwaitSwitch();
  void LimitInput();
  void Apply(const LineActions& actions);
  void StartDeadline(std::chrono::milliseconds after, std::string what, int exit_code);
  void EndIfAnswered();
  void EndAfterInput(const std::string& note);
  void End(int exit_code, const std::string& note);

  const LineClientOptions& options_;
  asio::io_context io_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer patience_;
  Console console_;
  SignalSource signals_;
  std::unique_ptr<LineSession> session_;
  std::string received_;  // an incomplete line
  std::string unsent_;    // waiting for the write that is under way
  bool writing_ = false;
  bool chatting_ = false;   // registered, reading input
  bool switching_ = false;  // typed lines wait for a join's or a creation's answer
  bool input_ended_ = false;
  bool half_closed_ = false;
  bool ended_ = false;
  int exit_code_ = kExitOk;
};

asio::awaitable<bool> LineClient::Connect() {
  StartDeadline(options_.timeout, "no connection", kExitUnreachable);
  tcp::resolver resolver(io_);
  const auto [resolve_error, addresses] = co_await resolver.async_resolve(
      options_.server.host, std::to_string(options_.server.port), kAsTuple);
  if (ended_) co_return false;
  if (resolve_error) {
    End(kExitUnreachable, "cannot find the server " + options_.server.ToString() + ": " +
                              resolve_error.message() + ". Check the host's name.");
    co_return false;
  }
  const auto [error, peer] = co_await asio::async_connect(socket_, addresses, kAsTuple);
  if (ended_) co_return false;
  if (error) {
    End(kExitUnreachable, "cannot connect to " + options_.server.ToString() + ": " +
                              error.message() +
                              ". Is the server running, and is this its line port (9090 unless "
                              "configured)? --server HOST:PORT chooses another.");
    co_return false;
  }
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  console_.Note("Connected to " + AddressOf(peer));
  co_return true;
}

asio::awaitable<void> LineClient::Talk() {
  if (!co_await Connect()) co_return;
  error_code error;
  const tcp::endpoint own = socket_.local_endpoint(error);
  session_ = std::make_unique<LineSession>(options_.name, AddressOf(own));
  StartDeadline(options_.timeout, "the connection is there, but no welcome or no registration",
                kExitUnreachable);
  std::string buffer(64 << 10, '\0');
  while (!ended_) {
    const auto [read_error, size] =
        co_await socket_.async_read_some(asio::buffer(buffer), kAsTuple);
    if (ended_) break;
    if (read_error) {
      OnClosed(read_error);
      break;
    }
    OnBytes(std::string_view(buffer).substr(0, size));
  }
}

void LineClient::OnBytes(std::string_view bytes) {
  while (!ended_ && !bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    received_.append(bytes.substr(0, end));
    if (received_.size() > kServerLineMax) {
      return End(kExitError, "the server sent a line that never ends: is this its line port?");
    }
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    std::string line = std::exchange(received_, "");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    Apply(session_->OnServerLine(line));
  }
}

void LineClient::Apply(const LineActions& actions) {
  // A pipe gets the server's very bytes; a terminal must not obey them.
  const bool terminal = console_.output_is_terminal();
  for (const std::string& line : actions.prints) {
    console_.Print(">> " + (terminal ? SanitizeLine(line) : line));
  }
  for (const std::string& note : actions.notes) console_.Note(SanitizeLine(note));
  if (actions.refused) return End(kExitError, "the server refused us");
  if (!actions.send.empty()) {
    unsent_ += actions.send;
    if (!std::exchange(writing_, true)) asio::co_spawn(io_, WriteWaiting(), asio::detached);
  }
  if (actions.await_switch) AwaitSwitch();
  if (switching_ && !session_->switching()) switching_ = false;
  LimitInput();
  if (session_->registered() && !std::exchange(chatting_, true)) {
    deadline_.cancel();
    console_.Start({[this](const std::string& line) { Apply(session_->OnTypedLine(line)); },
                    [this] { OnInputEnd(); }});
  }
  EndIfAnswered();
}

void LineClient::LimitInput() {
  console_.SetInputWanted(!switching_ && unsent_.size() <= kUnsentMax);
}

void LineClient::AwaitSwitch() {
  switching_ = true;
  patience_.expires_after(kSwitchPatience);
  patience_.async_wait([this](const error_code& error) {
    if (error || ended_) return;
    switching_ = false;
    LimitInput();
  });
}

asio::awaitable<void> LineClient::WriteWaiting() {
  while (!ended_ && !unsent_.empty()) {
    const std::string bytes = std::exchange(unsent_, "");
    const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kAsTuple);
    // What broke the connection shows in the read too, with what the server still said before it.
    if (error) unsent_.clear();
    if (error || ended_) break;
    LimitInput();
  }
  writing_ = false;
  if (ended_ || !input_ended_ || !unsent_.empty()) co_return;
  HalfClose();
  EndIfAnswered();
}

void LineClient::HalfClose() {
  if (EndsWithInput()) return;
  half_closed_ = true;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void LineClient::OnInputEnd() {
  input_ended_ = true;
  if (EndsWithInput()) {
    deadline_.expires_after(options_.linger);
    deadline_.async_wait([this](const error_code& error) {
      if (error || ended_) return;
      const std::size_t missing = session_->unanswered();
      EndAfterInput(missing == 0 ? "" : "ended before the server answered everything");
    });
    return EndIfAnswered();
  }
  if (!writing_) HalfClose();  // otherwise when it is done
}

void LineClient::EndIfAnswered() {
  if (!input_ended_ || !EndsWithInput() || ended_ || writing_ || session_->unanswered() > 0) return;
  EndAfterInput("");
}

void LineClient::EndAfterInput(const std::string& note) {
  if (!session_->was_refused()) return End(kExitOk, note);
  const std::string refused = "not everything was done: the server refused some of it";
  End(kExitError, note.empty() ? refused : note + "; " + refused);
}

void LineClient::OnClosed(const error_code& error) {
  if (!received_.empty()) Apply(session_->OnServerLine(std::exchange(received_, "")));
  if (ended_) return;
  if (input_ended_ && error == asio::error::eof) return EndAfterInput("Connection closed.");
  const std::string why = error == asio::error::eof ? "it closed the connection" : error.message();
  if (!chatting_) return End(kExitUnreachable, "lost the server before registering: " + why);
  End(kExitUnreachable, "lost the server " + options_.server.ToString() + ": " + why +
                            ". What was typed last may not have been sent.");
}

void LineClient::OnSignal(int signal) {
  if (signal == SIGCONT) return console_.Resumed();
  End(128 + signal, "");
}

void LineClient::StartDeadline(std::chrono::milliseconds after, std::string what, int exit_code) {
  deadline_.expires_after(after);
  deadline_.async_wait([this, after, what = std::move(what), exit_code](const error_code& error) {
    if (error || ended_ || chatting_) return;
    End(exit_code, what + " within " + std::to_string(after.count() / 1000.0).substr(0, 4) +
                       " s from " + options_.server.ToString() +
                       ". Is this the server's line port (9090 unless configured)?");
  });
}

void LineClient::End(int exit_code, const std::string& note) {
  if (std::exchange(ended_, true)) return;
  exit_code_ = exit_code;
  console_.Stop();
  if (!note.empty()) console_.Note(note);
  deadline_.cancel();
  error_code ignored;
  // The end of a connection alone looks to the server like the end of input, after which one may
  // still be listening; with this word it knows. The original server ignores it.
  if (chatting_ && !writing_ && !half_closed_) {
    socket_.non_blocking(true, ignored);
    socket_.write_some(asio::buffer("quit\n", 5), ignored);
  }
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  io_.stop();
}

}  // namespace

int RunLineClient(const LineClientOptions& options) { return LineClient(options).Run(); }

}  // namespace txtchat::client
