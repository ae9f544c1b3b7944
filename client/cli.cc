#include "client/cli.h"

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
#include "client/caller.h"
#include "client/chat_client.h"
#include "client/cli_impl.h"
#include "client/exit_code.h"
#include "client/health.h"
#include "client/line_client.h"
#include "client/line_session.h"
#include "client/secrets.h"
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

// What is wrong with the command line. A value that begins with a dash is taken for an option, and
// then missed: says how to give it.
std::string UsageError(const CLI::App* app, const CLI::Error& error) {
  std::string what = CLI::FailureMessage::simple(app, error);
  for (const std::string& word : app->remaining(/*recurse=*/true)) {
    if (word.size() > 1 && word.front() == '-') {
      what += word + " is no option here; a value is given after all options and `--`.\n";
      break;
    }
  }
  return what;
}

}  // namespace

Cli::Cli() {
  flags_.name = DefaultName();
  app_.failure_message(UsageError);
  app_.set_version_flag("--version", "txtchat " TXTCHAT_VERSION, "Print the version and end");
  app_.require_subcommand(1);
  app_.footer(kExitCodes);
  AddChatVerbs();
  AddScriptVerbs();
  AddSetUpVerbs();
  AddAccountVerbs();
  AddModerationVerbs();
}

CLI::App* Cli::Verb(const std::string& name, const std::string& what, const std::string& examples,
                    std::uint16_t port, std::function<int()> run) {
  return Prepare(app_.add_subcommand(name, what), examples, port, std::move(run));
}

CLI::App* Cli::SubVerb(CLI::App* parent, const std::string& name, const std::string& what,
                       const std::string& examples, std::function<int()> run) {
  return Prepare(parent->add_subcommand(name, what), examples, kGrpcPort, std::move(run));
}

CLI::App* Cli::Prepare(CLI::App* verb, const std::string& examples, std::uint16_t port,
                       std::function<int()> run) {
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

void Cli::AddToken(CLI::App* verb, TokenUse use) {
  const char* what = "Act as the user of the token in this file; otherwise of TXTCHAT_TOKEN's";
  if (use == TokenUse::kOptional) {
    what =
        "Act as the user of the token in this file; otherwise of TXTCHAT_TOKEN's, otherwise as a "
        "guest";
  } else if (use == TokenUse::kWritten) {
    what = "Write the token to this file, which only you can read; otherwise print it";
  }
  verb->add_option("--token-file", flags_.token_file, what)->type_name("FILE");
  verb->preparse_callback([this, use](std::size_t) { token_use_ = use; });
}

// Answers what is wrong with the token; empty if nothing is.
std::string Cli::ReadToken() {
  if (token_use_ == TokenUse::kNone || token_use_ == TokenUse::kWritten) return "";
  if (!flags_.token_file.empty()) {
    auto token = ReadTokenFile(flags_.token_file);
    if (!token.ok()) return std::string(token.status().message());
    flags_.token = *std::move(token);
  } else if (const char* token = std::getenv("TXTCHAT_TOKEN"); token != nullptr && *token != 0) {
    if (const std::string why = TokenProblem(token); !why.empty()) return "TXTCHAT_TOKEN " + why;
    flags_.token = token;
  }
  if (token_use_ == TokenUse::kRequired && flags_.token.empty()) {
    return "whose? --token-file FILE or the environment variable TXTCHAT_TOKEN must tell the "
           "user's "
           "token (`txtchat account login` gets one)";
  }
  return "";
}

void Cli::AddUser(CLI::App* verb) {
  verb->add_option("--name", flags_.name, "Name of the guest to act as; otherwise $USER");
  AddToken(verb, TokenUse::kOptional);
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
  txtchat chat --token-file ~/.txtchat-token --tls --server chat.example.org
  printf '$join 1a2b3c4d5e\nhello\n' | txtchat chat carol --exit-on-eof
$help lists the commands. A connection that is lost, or silent for 45 s, is made again; what you type
meanwhile is kept and sent then, and whatever could not be sent is told. After the end of a piped
input it goes on receiving until Ctrl-C; Ctrl-D on a terminal, $quit, or --exit-on-eof end it.
Colours only on a terminal, and not if NO_COLOR is set.)",
           kGrpcPort, [this] { return RunChat(); });
  chat_name_ = chat->add_option("NAME", flags_.name, "Your name, unless a token tells who you are");
  chat->add_option("--join", flags_.channels, "Channels to join at the start; the last is current");
  AddToken(chat, TokenUse::kOptional);
  chat->add_flag("--exit-on-eof", flags_.exit_on_eof, "End soon after the end of input");
}

void Cli::AddScriptVerbs() {
  CLI::App* send = Verb("send", "Send to a channel, joining it if needed",
                        R"(  txtchat send 1a2b3c4d5e deploy finished
  txtchat send --name ci 1a2b3c4d5e -- --this text begins with dashes
  txtchat send --token-file ~/.txtchat-token 1a2b3c4d5e as myself
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
  tail->add_flag("--events", flags_.events, "Print who joins and leaves, and who moderates, too");
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
}

void Cli::AddSetUpVerbs() {
  CLI::App* create =
      Verb("create", "Create a channel and print its id",
           R"(  chan=$(txtchat create general)
  txtchat create --private --token-file ~/.txtchat-token "the plan"
A private channel can be found by nobody; `txtchat mod invite` makes codes that let others in.)",
           kGrpcPort, [this] { return RunCreate(Script(), flags_.channel, flags_.is_private); });
  create->add_option("NAME", flags_.channel, "The channel's name")->required();
  create->add_option("--as", flags_.name, "Name of the guest to act as; otherwise $USER");
  create->add_flag("--private", flags_.is_private, "Let in only those who are invited");
  AddToken(create, TokenUse::kOptional);
  AddJson(create);

  CLI::App* direct = Verb("direct", "Open the conversation with one other user and print its id",
                          R"(  chan=$(txtchat direct 0123456789abcdef)
  txtchat send "$chan" 'only you can read this'
Nobody else can find it. It is the same one whenever, and by whichever of the two, it is opened.)",
                          kGrpcPort, [this] { return RunDirect(Script(), flags_.subject); });
  direct->add_option("USER", flags_.subject, "Id of the other user, as --json shows it")
      ->required();
  AddToken(direct, TokenUse::kRequired);
  AddJson(direct);

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
  if (flags_.token.empty() && chat_name_->count() == 0) {
    return WrongUsage("NAME is required, unless --token-file or TXTCHAT_TOKEN tells who you are");
  }
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
  if (whole.empty()) return WrongUsage("the text is empty");
  bool done = false;
  return RunSend(Script(), flags_.channel, [&](std::string& text) {
    text = whole;
    return !std::exchange(done, true);
  });
}

void Cli::Unmark() {
  std::vector<std::string*> values = {&flags_.server,  &flags_.name,   &flags_.token_file,
                                      &flags_.channel, &flags_.login,  &flags_.label,
                                      &flags_.subject, &flags_.reason, &flags_.role};
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
  if (!server.ok()) return WrongUsage(std::string(server.status().message()));
  server_ = *server;
  if (std::string why = ReadTls(); !why.empty()) return WrongUsage(why);
  if (std::string why = ReadToken(); !why.empty()) return WrongUsage(why);
  if (std::string why = NameProblem(flags_.name); !why.empty()) return WrongUsage("NAME: " + why);
  ExitOnSignals();  // the verbs that need more install their own
  return run_();
}

int RunCli(int argc, const char* const* argv) {
  // gRPC would log to standard error what is told there in our words; whoever debugs sets it.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  return Cli().Run(argc, argv);
}

}  // namespace txtchat::client
