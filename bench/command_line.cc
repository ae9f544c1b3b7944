#include "bench/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <vector>

#include "bench/run.h"
#include "bench/stamp.h"

namespace txtchat::bench {
namespace {

constexpr std::uint16_t kLinePort = 9090;
constexpr std::uint16_t kGrpcPort = 50051;
constexpr std::uint16_t kNatsPort = 4222;
constexpr std::uint16_t kRedisPort = 6379;

// CLI11 takes a word like "[::1]" for a list. This character before it, which no terminal types,
// keeps the word whole.
constexpr char kWhole = '\x1f';

constexpr char kFooter[] = R"(
What is measured: acknowledged messages per second; how long until a message is acknowledged (gRPC: until
SendMessage answers; all others: until its sender gets it itself) and until each subscriber has it. With
--server-pid, the server's CPU time per delivery and its memory: the figures to compare where machines
are noisy. Every delivery to every subscriber is checked.

Exit codes:
  0    everything was delivered to everybody, once, in order
  1    it could not run, or messages were refused; the message says why
  2    the command line is wrong
  3    deliveries were lost, came twice or out of order
  130  interrupted; what was sent until then is reported
`txtchat-bench VERB --help` shows the options and examples.)";

constexpr char kLineExamples[] = R"(
Examples:
  txtchat-bench line
  txtchat-bench line --subscribers 1000 --window 200 --server-pid $(pidof txtchatd)
  txtchat-bench line --subscribers 100 --rate 200 --messages 2000       latency at 200 a second
  txtchat-bench line --subscribers 1000 --channels 100 --publishers 100 --window 50 --tagged
  txtchat-bench line --subscribers 0 --publishers 0 --messages 0 --idle 15000 --server-pid PID
  txtchat-bench line --subscribers 800 --stalled 200 --json | jq .server.cpu_us_per_delivery
Pin the server to one core and the load to another (taskset) to compare CPU times.)";

constexpr char kGrpcExamples[] = R"(
Examples:
  txtchat-bench grpc
  txtchat-bench grpc --subscribers 1000 --connections 20 --window 200 --burst 50
  txtchat-bench grpc --subscribers 0 --publishers 100 --window 1       100 concurrent senders
  txtchat-bench grpc --subscribers 100 --rate 200 --messages 2000       latency at 200 a second
  txtchat-bench grpc --subscribers 1000 --storms 3
  txtchat-bench grpc --line-server localhost:9090 --window 200 --burst 50
With --line-server only streams are on gRPC: what delivery costs, without the calls of SendMessage. The
load then polls without pause.
In an open loop (--rate) the load polls without pause, because gRPC's timers are no finer than 1 ms.)";

constexpr char kAbuseExamples[] = R"(
Honest users each say a line at a steady pace, and how long that takes to everybody in the channel is
measured twice in one run: before and while abusers do their worst. Printed are both, the ratio of the
p99, and what the abusers did.
  flooding      send lines as fast as their sockets take them, most of them messages to a channel of
                their own, some renaming, some nonsense; ten of them talk to the channels below
  silent        connect and say nothing, or half a line
  unreading     join a busy channel, ask for long answers, and read nothing
  reconnecting  connect, register, say something, break off, and again, without a pause
Abusers are a process of their own, with a nice value of 19: it gets what the server and the honest leave
of the processors, for what the server lets through is measured, not how a machine divides itself between
programs. Pin the server to one core and this to another (taskset).
A server exempts 127.0.0.0/8 from limits of an address. With --shared-address-ranges=192.0.2.0/24 it does
not; then --many-addresses tells a thousand attackers from one.
Examples:
  txtchat-bench abuse --server-pid $(pidof txtchatd)
  txtchat-bench abuse --many-addresses --seconds 20 --json | jq .p99_ratio
  txtchat-bench abuse --users 50 --streams 50        half of the honest on gRPC
  txtchat-bench abuse --flooding 2000 --silent 0 --unreading 0 --reconnecting 0)";

constexpr char kNatsExamples[] = R"(
The work of `txtchat-bench line`, given to nats-server: a subject for each channel, publishers that are
subscribed to what they publish. Every delivery is checked, but NATS promises the order of each publisher
only, so how the messages of several mix is not. It keeps no users, no history and no sequence, writes
nothing to disk, and drops whoever reads too slowly: compare with `txtchatd --store=memory`, and
remember what that does beside.
Examples:
  nats-server -a 127.0.0.1
  txtchat-bench nats --subscribers 1000 --window 200 --server-pid $(pidof nats-server)
  txtchat-bench line --subscribers 1000 --window 200 --server-pid $(pidof txtchatd)
  txtchat-bench nats --subscribers 100 --rate 200 --messages 2000 --json | jq .delivered.latency_us)";

constexpr char kRedisExamples[] = R"(
The work of `txtchat-bench line`, given to the pub/sub of redis-server 6 or later, over RESP3: a redis
channel for each channel, publishers that are subscribed to what they publish. Every delivery is checked.
Redis keeps no users, no history and no sequence of these messages, and drops whoever reads too slowly:
compare with `txtchatd --store=memory`, and remember what that does beside.
Examples:
  redis-server --save '' --appendonly no --client-output-buffer-limit pubsub 0 0 0
  txtchat-bench redis --subscribers 1000 --window 200 --server-pid $(pidof redis-server)
  txtchat-bench line --subscribers 1000 --window 200 --server-pid $(pidof txtchatd)
  txtchat-bench redis --subscribers 100 --rate 200 --messages 2000 --json | jq .delivered.latency_us
Without the limit above redis drops slow and stalled readers when 32 MiB wait for them.)";

constexpr char kFloorExamples[] = R"(
Speaks as much of the line protocol as `txtchat-bench line` needs, and for a message does nothing but
copy its text to every socket of the channel: no users, no order, no history, no bounds. Says where it
listens, and serves until SIGTERM or SIGINT.
Examples:
  txtchat-bench floor --listen 127.0.0.1:0
  txtchat-bench line --server 127.0.0.1:PORT --server-pid PID --window 200)";

constexpr char kNaiveExamples[] = R"(
A chat server as one would write it at first with gRPC's C++ callback API and the generated classes:
for each event one message to each stream, one write after the other. No store, no bounds. Speaks as
much of the API as `txtchat-bench grpc` needs. Says where it listens, and serves until SIGTERM or
SIGINT.
With --publish-listen it also takes texts over the line protocol, as the floor does, and hands them to
its streams: the server that `txtchat-bench grpc --line-server` wants.
Examples:
  txtchat-bench naive --listen 127.0.0.1:0
  txtchat-bench grpc --server 127.0.0.1:PORT --server-pid PID --window 200 --burst 50
  txtchat-bench naive --listen 127.0.0.1:0 --publish-listen 127.0.0.1:0)";

class Parser {
 public:
  Parser() {
    app_.set_version_flag("--version", "txtchat-bench " TXTCHAT_VERSION, "Print the version");
    app_.require_subcommand(1);
    app_.footer(kFooter);
    app_.get_formatter()->column_width(34);
    AddLine();
    AddGrpc();
    AddPeer(Transport::kNats, "Give nats-server the work of line", kNatsPort, kNatsExamples);
    AddPeer(Transport::kRedis, "Give redis-server the work of line", kRedisPort, kRedisExamples);
    AddAbuse();
    AddFloor();
    AddNaive();
  }

  CommandLine Parse(int argc, const char* const* argv) {
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    for (std::string& word : words) {
      if (word.size() > 1 && word.front() == '[' && word.back() == ']') word.insert(0, 1, kWhole);
    }
    std::reverse(words.begin(), words.end());  // As CLI11 wants them.
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      // CLI11 has exit codes of its own; ours are documented.
      line_.verb = CommandLine::Verb::kNone;
      line_.exit_code = app_.exit(error) == 0 ? kExitOk : kExitUsage;
      return line_;
    }
    if (line_.verb == CommandLine::Verb::kAbuse) FinishAbuse();
    if (line_.verb == CommandLine::Verb::kLoad || line_.verb == CommandLine::Verb::kAbuse) Check();
    return line_;
  }

 private:
  CLI::App* AddVerb(const std::string& name, const std::string& what, const char* footer) {
    CLI::App* verb = app_.add_subcommand(name, what);
    verb->footer(footer);
    verb->get_formatter()->column_width(34);
    return verb;
  }

  void AddLine() {
    CLI::App* verb = AddVerb("line", "Load the line protocol", kLineExamples);
    AddServer(verb, kLinePort);
    verb->add_flag_callback(
        "--tagged", [this] { options_.dialect = Dialect::kTagged; },
        "Speak the tagged dialect (hello$2) instead of the classic one");
    AddCommon(verb);
    verb->callback([this] {
      line_.verb = CommandLine::Verb::kLoad;
      options_.transport = Transport::kLine;
    });
  }

  void AddGrpc() {
    CLI::App* verb = AddVerb("grpc", "Load the gRPC API", kGrpcExamples);
    AddServer(verb, kGrpcPort);
    Number(verb, "--connections", options_.connections, 1u, 10'000u,
           "HTTP/2 connections that all users share");
    AddEndpoint(verb, "--line-server", options_.line_server, kLinePort,
                "Publishers speak the line protocol, to this address of the same server");
    AddCommon(verb);
    verb->callback([this] {
      line_.verb = CommandLine::Verb::kLoad;
      options_.transport = Transport::kGrpc;
    });
  }

  void AddPeer(Transport transport, const std::string& what, std::uint16_t port,
               const char* footer) {
    CLI::App* verb = AddVerb(std::string(NameOf(transport)), what, footer);
    AddServer(verb, port);
    AddCommon(verb);
    verb->callback([this, transport] {
      line_.verb = CommandLine::Verb::kLoad;
      options_.transport = transport;
    });
  }

  void AddAbuse() {
    constexpr std::uint32_t kUsersMax = 10'000;
    AbuseOptions& abuse = line_.abuse;
    CLI::App* verb =
        AddVerb("abuse", "Measure honest users while others abuse the server", kAbuseExamples);
    AddServer(verb, kLinePort);
    AddEndpoint(verb, "--grpc-server", grpc_server_, kGrpcPort,
                "Where --streams are, of the same server [localhost:50051]");
    Number(verb, "--users", honest_.users, 1u, kUsersMax, "Honest users on lines, who all talk");
    Number(verb, "--streams", honest_.streams, 0u, kUsersMax,
           "Honest users on gRPC, who only listen");
    Number(verb, "--channels", honest_.channels, 1u, kUsersMax, "Channels, of honest users only");
    Number(verb, "--rate-each", honest_.rate_each, 0.01, 1e4, "Lines a second that each user says");
    Number(verb, "--size", options_.text_bytes, static_cast<std::uint32_t>(Stamp::kBytes),
           32u * 1024, "Bytes of each text");
    const std::string group = "Who abuses";
    Number(verb, "--flooding", abuse.flooding, 0u, kUsersMax, "Connections that flood")
        ->group(group);
    Number(verb, "--silent", abuse.silent, 0u, kUsersMax, "… that say nothing")->group(group);
    Number(verb, "--unreading", abuse.unreading, 0u, kUsersMax, "… that never read")->group(group);
    Number(verb, "--reconnecting", abuse.reconnecting, 0u, kUsersMax, "… that come again and again")
        ->group(group);
    verb->add_flag("--many-addresses", abuse.many_addresses,
                   "Each of them from an address of its own, 127.1.x.y")
        ->group(group);
    Number(verb, "--nice", abuse.nice, -20, 19, "Their nice value")->group(group);
    Number(verb, "--seconds", abuse.seconds, 0.1, 86'400.0, "Seconds of each measurement")
        ->group("Measuring");
    Number(verb, "--settle", abuse.settle_s, 0.0, 3'600.0,
           "Seconds between the beginning of abuse, or of talk, and a measurement")
        ->group("Measuring");
    AddTelling(verb);
    verb->callback([this] { line_.verb = CommandLine::Verb::kAbuse; });
  }

  void FinishAbuse() {
    options_.channels = honest_.channels;
    options_.publishers = honest_.users;
    options_.subscribers = honest_.streams;
    options_.rate = honest_.rate_each * honest_.users;
    if (honest_.streams == 0) return;
    options_.transport = Transport::kGrpc;
    options_.line_server = options_.server;
    options_.server = grpc_server_;
    options_.poll_us = 100;
  }

  void AddFloor() {
    CLI::App* verb =
        AddVerb("floor", "Be the floor to compare a server with: only copy bytes to sockets",
                kFloorExamples);
    AddListen(verb);
    verb->callback([this] { line_.verb = CommandLine::Verb::kFloor; });
  }

  void AddNaive() {
    CLI::App* verb =
        AddVerb("naive", "Be a plain gRPC chat server to compare a server with: one write an event",
                kNaiveExamples);
    AddListen(verb);
    AddEndpoint(verb, "--publish-listen", line_.publish_listen, 0,
                "Take texts over the line protocol, too, on this HOST:PORT");
    verb->callback([this] { line_.verb = CommandLine::Verb::kNaive; });
  }

  void AddListen(CLI::App* verb) {
    line_.listen = {"127.0.0.1", 0};
    AddEndpoint(verb, "--listen", line_.listen, 0,
                "HOST:PORT to listen on; port 0 picks a free one [127.0.0.1:0]");
  }

  void AddServer(CLI::App* verb, std::uint16_t port) {
    AddEndpoint(verb, "--server", options_.server, port,
                "HOST, HOST:PORT or [IPV6]:PORT [localhost:" + std::to_string(port) + "]");
    verb->preparse_callback([this, port](std::size_t) { options_.server = {"localhost", port}; });
  }

  /// `endpoint`: an Endpoint, or an optional one.
  template <typename T>
  static void AddEndpoint(CLI::App* verb, const std::string& name, T& endpoint,
                          std::uint16_t default_port, const std::string& help) {
    const auto parse = [default_port](std::string word) {
      if (!word.empty() && word.front() == kWhole) word.erase(0, 1);
      return ParseEndpoint(word, default_port);
    };
    verb->add_option_function<std::string>(
            name, [&endpoint, parse](const std::string& word) { endpoint = *parse(word); }, help)
        ->check(CLI::Validator(
            [parse](std::string& word) {
              return parse(word).has_value() ? std::string() : "\"" + word + "\" is no HOST:PORT";
            },
            ""))
        ->type_name("HOST:PORT");
  }

  template <typename T>
  static CLI::Option* Number(CLI::App* verb, const std::string& name, T& value, T least, T most,
                             const std::string& help) {
    return verb->add_option(name, value, help)
        ->check(CLI::Range(least, most).description(""))
        ->capture_default_str()
        ->type_name("N");
  }

  void AddCommon(CLI::App* verb) {
    AddCrowd(verb);
    AddMessages(verb);
    AddTelling(verb);
  }

  void AddTelling(CLI::App* verb) {
    verb->add_option("--server-pid", options_.server_pid,
                     "The server's process on this machine: report its CPU time and memory")
        ->check(CLI::Range(1, 1 << 30).description(""))
        ->type_name("PID")
        ->group("Measuring");
    Number(verb, "--patience", options_.patience_s, 0.1, 3600.0,
           "Seconds without any progress until what is missing counts as lost")
        ->group("Measuring");
    verb->add_flag("--json", options_.json, "Print the result as one JSON object")
        ->group("Measuring");
    verb->add_flag("--quiet", options_.quiet, "Do not show progress")->group("Measuring");
    verb->add_option("--label", options_.label, "Copied into the JSON")
        ->type_name("TEXT")
        ->group("Measuring");
  }

  void AddCrowd(CLI::App* verb) {
    constexpr std::uint32_t kUsersMax = 1'000'000;
    const std::string group = "Who is there";
    Number(verb, "--subscribers", options_.subscribers, 0u, kUsersMax,
           "Readers that are checked, spread over the channels")
        ->group(group);
    Number(verb, "--channels", options_.channels, 1u, kUsersMax, "Channels")->group(group);
    Number(verb, "--channels-each", options_.channels_each, 1u, 1'000u,
           "Channels that each subscriber follows")
        ->group(group);
    Number(verb, "--publishers", options_.publishers, 0u, Stamp::kPublishersMax,
           "Senders, spread over the channels")
        ->group(group);
    Number(verb, "--slow", options_.slow, 0u, kUsersMax,
           "Further readers that read slowly, and catch up at the end")
        ->group(group);
    Number(verb, "--slow-rate", options_.slow_bytes_per_s, 50u, 1u << 30,
           "Bytes a second that each of them reads")
        ->group(group);
    Number(verb, "--stalled", options_.stalled, 0u, kUsersMax, "Further readers that never read")
        ->group(group);
    Number(verb, "--idle", options_.idle, 0u, kUsersMax,
           "Further connections (gRPC: streams) in quiet channels")
        ->group(group);
    Number(verb, "--idle-members", options_.idle_channel_members, 1u, kUsersMax,
           "How many of these share a channel")
        ->group(group);
    Number(verb, "--storms", options_.storms, 0u, 1'000u,
           "Afterwards all subscribers vanish and come back at once, N times")
        ->group(group);
  }

  void AddMessages(CLI::App* verb) {
    const std::string group = "What is sent";
    Number(verb, "--messages", options_.messages, std::uint64_t{0},
           std::uint64_t{Stamp::kNumbersMax}, "Messages, all publishers together")
        ->group(group);
    Number(verb, "--warmup", options_.warmup, std::uint64_t{0}, std::uint64_t{Stamp::kNumbersMax},
           "Messages sent before these, not measured")
        ->group(group);
    Number(verb, "--size", options_.text_bytes, static_cast<std::uint32_t>(Stamp::kBytes),
           32u * 1024, "Bytes of each text")
        ->group(group);
    CLI::Option* window =
        Number(verb, "--window", options_.window, 1u, 1'000'000u,
               "Messages that each publisher may have unacknowledged (closed loop)")
            ->group(group);
    Number(verb, "--burst", options_.burst, 1u, 1'000'000u,
           "A publisher sends so many at once, when its window has room for them")
        ->group(group);
    Number(verb, "--rate", options_.rate, 0.01, 1e7,
           "Messages a second, all publishers together, whatever comes back (open loop); latency "
           "counts from when a message was due")
        ->excludes(window)
        ->group(group);
    Number(verb, "--seconds", options_.seconds_max, 0.1, 86'400.0,
           "Stop sending after so long, even if messages are left")
        ->group(group);
  }

  void Check() {
    const std::string problem = ProblemOf(options_);
    if (problem.empty()) return;
    std::fprintf(stderr, "txtchat-bench: %s\n", problem.c_str());
    line_.verb = CommandLine::Verb::kNone;
    line_.exit_code = kExitUsage;
  }

  CLI::App app_{
      "txtchat-bench loads a Txt Chat server, or a peer to compare it with, measures it, and "
      "checks "
      "every delivery.",
      "txtchat-bench"};
  CommandLine line_;
  Options& options_ = line_.options;
  struct Honest {
    std::uint32_t users = 100;
    std::uint32_t streams = 0;
    std::uint32_t channels = 10;
    double rate_each = 1;
  };
  Honest honest_;
  Endpoint grpc_server_{"localhost", kGrpcPort};
};

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  return Parser().Parse(argc, argv);
}

}  // namespace txtchat::bench
