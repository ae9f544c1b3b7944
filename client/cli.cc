#include "client/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "client/api.h"
#include "client/chat_client.h"
#include "client/exit_code.h"
#include "client/health.h"
#include "client/line_client.h"
#include "client/line_session.h"
#include "client/script_verbs.h"
#include "client/signals.h"

namespace txtchat::client {
namespace {

constexpr std::uint16_t kLinePort = 9090;
constexpr std::uint16_t kGrpcPort = 50051;
constexpr std::uint16_t kGrpcTlsPort = 50443;

// CLI11 takes a word like "[a,b]" for a list. This character before it, which no terminal types,
// keeps the word whole.
constexpr char kWhole = '\x1f';

constexpr char kExitCodes[] = R"(Exit codes:
  0    done
  1    the server refused, or something else went wrong; the message says what
  2    the command line is wrong
  3    cannot connect, no answer in time, or the server was lost
  130  interrupted by Ctrl-C (143: ended by SIGTERM)
`txtchat VERB --help` shows examples.)";

std::string DefaultName() {
  const char* user = std::getenv("USER");
  return user != nullptr && NameProblem(user).empty() ? user : "guest";
}

// What the command line can hold, for all verbs.
struct Flags {
  std::string server;
  bool tls = false;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  double timeout_s = 10;
  std::string name = DefaultName();
  std::string token;
  bool json = false;
  bool exit_on_eof = false;
  std::string channel;
  std::vector<std::string> channels;
  std::vector<std::string> words;
  std::uint64_t count = 0;
  bool events = false;
  bool reconnect = false;
  bool joined = false;
  bool token_only = false;

  std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_s * 1000));
  }
};

int Usage(const std::string& problem) {
  std::fprintf(stderr, "txtchat: %s\n", problem.c_str());
  return kExitUsage;
}

// Builds the commands, and keeps what they refer to. Not movable: CLI11 holds pointers into it.
class Cli {
 public:
  Cli();
  int Run(int argc, const char* const* argv);

 private:
  CLI::App* Verb(const std::string& name, const std::string& what, const std::string& examples,
                 std::uint16_t port, std::function<int()> run);
  void AddTls(CLI::App* verb);
  std::string ReadTls();
  void AddUser(CLI::App* verb);
  void AddJson(CLI::App* verb);
  void AddChatVerbs();
  void AddScriptVerbs();
  int RunLine();
  int RunChat();
  int RunSendVerb();
  void Unmark();
  ScriptOptions Script() const;

  CLI::App app_{
      "Txt Chat's command-line client: chat over the line protocol or gRPC, and verbs for "
      "scripts.",
      "txtchat"};
  Flags flags_;
  Endpoint server_;
  std::function<int()> run_;
  std::uint16_t default_port_ = 0;
};

Cli::Cli() {
  app_.set_version_flag("--version", "txtchat " TXTCHAT_VERSION, "Print the version and end");
  app_.require_subcommand(1);
  app_.footer(kExitCodes);
  AddChatVerbs();
  AddScriptVerbs();
}

CLI::App* Cli::Verb(const std::string& name, const std::string& what, const std::string& examples,
                    std::uint16_t port, std::function<int()> run) {
  CLI::App* verb = app_.add_subcommand(name, what);
  verb->footer("Examples:\n" + examples);
  verb->add_option("--server", flags_.server,
                   "HOST, HOST:PORT or [IPV6]:PORT; otherwise localhost:" + std::to_string(port));
  verb->add_option("--timeout", flags_.timeout_s,
                   "Seconds to wait for a connection, and for each answer; otherwise 10")
      ->check(CLI::Range(0.1, 86400.0));
  if (port == kGrpcPort) AddTls(verb);
  verb->callback([this, port, run = std::move(run)] {
    default_port_ = flags_.tls ? kGrpcTlsPort : port;
    run_ = run;
  });
  return verb;
}

void Cli::AddTls(CLI::App* verb) {
  CLI::Option* tls = verb->add_flag(
      "--tls", flags_.tls,
      "Speak TLS; the port is " + std::to_string(kGrpcTlsPort) + " unless --server says another");
  verb->add_option("--tls-ca", flags_.tls_ca,
                   "PEM file of the authorities that may have signed the server's certificate; "
                   "otherwise the system's")
      ->type_name("FILE")
      ->needs(tls);
  CLI::Option* cert = verb->add_option("--tls-cert", flags_.tls_cert,
                                       "PEM file of the client's own certificate, for servers "
                                       "that demand one")
                          ->type_name("FILE")
                          ->needs(tls);
  CLI::Option* key = verb->add_option("--tls-key", flags_.tls_key, "PEM file of its key")
                         ->type_name("FILE")
                         ->needs(cert);
  cert->needs(key);
}

// Answers what is wrong with the files; empty if nothing is.
std::string Cli::ReadTls() {
  TlsChoice& tls = server_.tls;
  tls.on = flags_.tls;
  const std::pair<const std::string*, std::string*> files[] = {
      {&flags_.tls_ca, &tls.ca}, {&flags_.tls_cert, &tls.certificate}, {&flags_.tls_key, &tls.key}};
  for (const auto& [path, content] : files) {
    if (path->empty()) continue;
    std::ifstream file(*path, std::ios::binary);
    content->assign(std::istreambuf_iterator<char>(file), {});
    if (content->empty()) return *path + " cannot be read, or is empty";
  }
  return "";
}

void Cli::AddUser(CLI::App* verb) {
  verb->add_option("--name", flags_.name, "Name of the guest to act as; otherwise $USER");
  verb->add_option("--token", flags_.token,
                   "Act as the user of this token (see `txtchat register`). Better in the "
                   "environment: a command line can be seen by others")
      ->envname("TXTCHAT_TOKEN");
}

void Cli::AddJson(CLI::App* verb) {
  verb->add_flag("--json", flags_.json, "Print JSON, one object a line");
}

void Cli::AddChatVerbs() {
  CLI::App* line = Verb("line", "Chat over the line protocol, as the original client does",
                        R"(  txtchat line alice
  txtchat line bob --server chat.example.org:9090
  printf 'hello\n' | txtchat line carol --exit-on-eof
Each line you type goes to the current channel; what the server sends is printed after ">> ".
$join CHAN, $create_chan NAME, $leave CHAN, $switch CHAN and $say TEXT are commands; $help tells more.
After the end of a piped input it goes on receiving until the server closes or Ctrl-C. Ctrl-D on a
terminal, or --exit-on-eof, ends once the server has echoed what was sent, 3 s later at the most.
It ends with 1 if the server refused a message, a join or a channel ($$error: …).)",
                        kLinePort, [this] { return RunLine(); });
  line->add_option("NAME", flags_.name, "Your name")->required();
  line->add_flag("--exit-on-eof", flags_.exit_on_eof, "End soon after the end of input");

  CLI::App* chat =
      Verb("chat", "Chat over gRPC: shows who speaks, where and when; reconnects by itself",
           R"(  txtchat chat alice
  txtchat chat bob --join 1a2b3c4d5e --server chat.example.org:50051
  printf '$join 1a2b3c4d5e\nhello\n' | txtchat chat carol --exit-on-eof
$help lists the commands. A connection that is lost, or silent for 45 s, is made again; what you type
meanwhile is kept and sent then, and whatever could not be sent is told. After the end of a piped
input it goes on receiving until Ctrl-C; Ctrl-D on a terminal, $quit, or --exit-on-eof end it.
Colours only on a terminal, and not if NO_COLOR is set.)",
           kGrpcPort, [this] { return RunChat(); });
  chat->add_option("NAME", flags_.name, "Your name")->required();
  chat->add_option("--join", flags_.channels, "Channels to join at the start; the last is current");
  chat->add_option("--token", flags_.token,
                   "Act as the user of this token instead of registering NAME")
      ->envname("TXTCHAT_TOKEN");
  chat->add_flag("--exit-on-eof", flags_.exit_on_eof, "End soon after the end of input");
}

void Cli::AddScriptVerbs() {
  CLI::App* send = Verb("send", "Send to a channel, joining it if needed",
                        R"(  txtchat send 1a2b3c4d5e deploy finished
  txtchat send --name ci 1a2b3c4d5e -- --this text begins with dashes
  tail -f log | txtchat send --name log 1a2b3c4d5e -
The words of TEXT are one message. With `-` or no TEXT, each line of the input that is not empty is
one. Prints nothing, or with --json each message as it is stored.)",
                        kGrpcPort, [this] { return RunSendVerb(); });
  send->add_option("CHANNEL", flags_.channel, "Id of the channel")->required();
  send->add_option("TEXT", flags_.words, "The text, or - for the input");
  AddUser(send);
  AddJson(send);

  CLI::App* tail = Verb(
      "tail", "Print what is posted to channels from now on, joining them if needed",
      R"(  txtchat tail 1a2b3c4d5e
  txtchat tail --json --count 1 1a2b3c4d5e | jq -r .text
  txtchat tail --events --reconnect 1a2b3c4d5e 0123456789)",
      kGrpcPort, [this] {
        const TailOptions options{flags_.channels, flags_.count, flags_.events, flags_.reconnect};
        return RunTail(Script(), options);
      });
  tail->add_option("CHANNEL", flags_.channels, "Ids of the channels")->required();
  tail->add_option("--count", flags_.count, "End after so many messages");
  tail->add_flag("--events", flags_.events, "Print who joins and leaves, too");
  tail->add_flag("--reconnect", flags_.reconnect,
                 "Connect again when the server is lost, instead of ending with 3");
  AddUser(tail);
  AddJson(tail);

  CLI::App* channels = Verb("channels", "List the channels",
                            "  txtchat channels\n  txtchat channels --json | jq -r .id", kGrpcPort,
                            [this] { return RunChannels(Script(), flags_.joined); });
  channels->add_flag("--joined", flags_.joined, "Only those that the user is a member of");
  AddUser(channels);
  AddJson(channels);

  CLI::App* create =
      Verb("create", "Create a channel and print its id", "  chan=$(txtchat create general)",
           kGrpcPort, [this] { return RunCreate(Script(), flags_.channel); });
  create->add_option("NAME", flags_.channel, "The channel's name")->required();
  create->add_option("--as", flags_.name, "Name of the guest to act as; otherwise $USER");
  create->add_option("--token", flags_.token, "Act as the user of this token")
      ->envname("TXTCHAT_TOKEN");
  AddJson(create);

  CLI::App* reg = Verb("register", "Register a user and print its id and token",
                       R"(  export TXTCHAT_TOKEN=$(txtchat register bob --token-only)
The token is a secret: whoever has it acts as the user. The user ends when it makes no call and has no
open stream for a while (60 s unless the operator chose another).)",
                       kGrpcPort, [this] { return RunRegister(Script(), flags_.token_only); });
  reg->add_option("NAME", flags_.name, "The user's name")->required();
  reg->add_flag("--token-only", flags_.token_only, "Print the token alone");
  AddJson(reg);

  CLI::App* health =
      Verb("health", "Ask whether the server is serving; 0 only if it is",
           "  txtchat health --timeout 3\n  txtchat health --server [::1]:50051 --json", kGrpcPort,
           [this] { return RunHealth(server_, flags_.timeout(), flags_.json); });
  AddJson(health);
}

ScriptOptions Cli::Script() const {
  return {server_, flags_.timeout(), flags_.name, flags_.token, flags_.json};
}

int Cli::RunLine() {
  LineClientOptions options;
  options.name = flags_.name;
  options.server = server_;
  options.timeout = flags_.timeout();
  options.exit_on_eof = flags_.exit_on_eof;
  return RunLineClient(options);
}

int Cli::RunChat() {
  ChatClientOptions options;
  options.session.server = server_;
  options.session.name = flags_.name;
  options.session.token = flags_.token;
  options.session.join = flags_.channels;
  options.session.timeout = flags_.timeout();
  options.session.random = [generator = std::mt19937(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
  };
  options.session.connect = [server = server_] { return MakeChannel(server); };
  options.exit_on_eof = flags_.exit_on_eof;
  // What is sent comes back as an event, with its time and place.
  options.console.keep_typed = false;
  return RunChatClient(options);
}

int Cli::RunSendVerb() {
  const std::vector<std::string>& words = flags_.words;
  if (words.empty() || (words.size() == 1 && words[0] == "-")) {
    return RunSend(Script(), flags_.channel, [](std::string& text) {
      if (!std::getline(std::cin, text)) return false;
      if (!text.empty() && text.back() == '\r') text.pop_back();
      return true;
    });
  }
  std::string whole;
  for (const std::string& word : words) whole += (whole.empty() ? "" : " ") + word;
  if (whole.empty()) return Usage("the text is empty");
  bool done = false;
  return RunSend(Script(), flags_.channel, [&](std::string& text) {
    text = whole;
    return !std::exchange(done, true);
  });
}

void Cli::Unmark() {
  std::vector<std::string*> values = {&flags_.server, &flags_.name, &flags_.token, &flags_.channel};
  for (std::string& channel : flags_.channels) values.push_back(&channel);
  for (std::string& word : flags_.words) values.push_back(&word);
  for (std::string* value : values) {
    if (!value->empty() && value->front() == kWhole) value->erase(0, 1);
  }
}

int Cli::Run(int argc, const char* const* argv) {
  try {
    std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    for (std::string& word : arguments) {
      if (word.size() > 1 && word.front() == '[' && word.back() == ']') word.insert(0, 1, kWhole);
    }
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app_.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    // CLI11 has exit codes of its own; ours are documented.
    return app_.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  Unmark();
  const auto server =
      ParseEndpoint(flags_.server.empty() ? "localhost" : flags_.server, default_port_);
  if (!server.ok()) return Usage(std::string(server.status().message()));
  server_ = *server;
  if (std::string why = ReadTls(); !why.empty()) return Usage(why);
  if (std::string why = NameProblem(flags_.name); !why.empty()) return Usage("NAME: " + why);
  ExitOnSignals();  // the verbs that need more install their own
  return run_();
}

}  // namespace

int RunCli(int argc, const char* const* argv) {
  // gRPC would log to standard error what is told there in our words; whoever debugs sets it.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  return Cli().Run(argc, argv);
}

}  // namespace txtchat::client
