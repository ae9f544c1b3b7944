#include "server/config.h"

#include <charconv>
#include <limits>
#include <map>
#include <string>

#include "CLI/CLI.hpp"
#include "server/option_table.h"
#include "server/peer_options.h"
#include "server/version.h"

namespace txtchat::server {
namespace {

/// gRPC keeps its settings in ints.
constexpr std::size_t kGrpcNumberMax = std::numeric_limits<int>::max();

void AddTlsOptions(OptionTable& options, Config& config) {
  options.Group("TLS");
  options
      .Add("tls-cert", config.tls_cert,
           "The server's certificate, then those between it and its authority, in PEM. This file "
           "and the next two are read again when they change, and on SIGHUP")
      ->type_name("FILE");
  options
      .Add("tls-key", config.tls_key, "The key of the certificate, in PEM, without a passphrase")
      ->type_name("FILE");
  options
      .Add("tls-client-ca", config.tls_client_ca,
           "Authorities in PEM: the certificate that a client shows must be signed by one of them")
      ->type_name("FILE");
  options.Add("tls-client-certificate-required", config.tls_client_certificate_required,
              "With tls-client-ca: whether clients must show a certificate; false: they may");
  options.Add("tls-client-users", config.tls_client_users,
              "With tls-client-ca: whether a client's certificate says who its user is, by its "
              "common name. It needs no token then, and reg$NAME answers that user");
  options.AddMilliseconds("tls-handshake-timeout-ms", config.tls_handshake_timeout_ms,
                          "How long a line connection may take to shake hands");
}

void AddIdentityOptions(OptionTable& options, Config& config) {
  Limits& limits = config.limits;
  options.Group("Who is admitted (docs/security.md)");
  options.Add("guests-admitted", limits.guests_admitted,
              "Whether guests are admitted: reg$NAME, and the call Register");
  options.Add("accounts-open", limits.accounts_open, "Whether anybody may make an account");
  options.Add("refuse-look-alikes", limits.refuse_look_alikes,
              "Whether names are refused that look like another's");
  options
      .Add("jwt-keys", config.jwt_keys,
           "Takes tokens (JWT) that these keys have signed: a public key in PEM, or a JWKS. Read "
           "again when it changes, and on SIGHUP")
      ->type_name("FILE");
  options.Add("jwt-issuer", config.jwt_issuer, "What such a token must say of who made it (iss)")
      ->type_name("TEXT");
  options
      .Add("jwt-audience", config.jwt_audience,
           "What such a token must say of whom it is for (aud)")
      ->type_name("TEXT");
  options.Add("line-plain-login", config.line_plain_login,
              "Whether login$NAME$PASSWORD is taken without TLS");
  options.Add("grpc-plain-login", config.grpc_plain_login,
              "Whether gRPC takes passwords without TLS from other machines than this one");
  options.AddSize("password-threads", config.password_threads,
                  "Passwords that are checked at once");
  options.AddSize(
      "password-memory-bytes", config.password_memory_bytes,
      "What hashing a password takes. Of another value, passwords are hashed anew by the "
      "next login with them; until then its time tells old accounts from names that are "
      "not taken",
      8 * kMiB, std::size_t{4} << 30);
  options.AddSize("passwords-waiting-max", config.passwords_waiting_max,
                  "Passwords that may wait to be checked; one more gets resource_exhausted");
  options.AddSize("accounts-max", limits.accounts_max,
                  "Accounts and vouched users, which have a quarter to themselves; four fifths of "
                  "users-max at the most");
  options.AddSize("tokens-per-user-max", limits.tokens_per_user_max,
                  "Tokens of an account; a further one takes the place of the one that ends first");
}

void AddGeneralOptions(OptionTable& options, Config& config) {
  options.Group("Listening");
  options.AddListen("line-listen", config.line_listen,
                    "Where the line protocol is served; port 0 picks a free one; off: nowhere");
  options.AddListen("grpc-listen", config.grpc_listen,
                    "Where gRPC is served; port 0 picks a free one; off: nowhere");
  options.AddListen("line-tls-listen", config.line_tls_listen,
                    "Where the line protocol is served with TLS, such as 0.0.0.0:9443");
  options.AddListen("grpc-tls-listen", config.grpc_tls_listen,
                    "Where gRPC is served with TLS, such as 0.0.0.0:50443");
  AddTlsOptions(options, config);
  AddIdentityOptions(options, config);

  options.Group("Storing");
  static const std::map<std::string, StoreKind> kStores{{"sqlite", StoreKind::kSqlite},
                                                        {"memory", StoreKind::kMemory}};
  static const std::map<std::string, storage::Durability> kDurabilities{
      {"full", storage::Durability::kFull}, {"normal", storage::Durability::kNormal}};
  options.AddChoice("store", config.store, kStores, "sqlite",
                    "Where messages are kept; memory ends with the process");
  options.Add("data-dir", config.data_dir, "The directory of the store, made if it is not there")
      ->type_name("DIR");
  options.AddChoice("durability", config.durability, kDurabilities, "full",
                    "full: what was acknowledged outlives a power cut; normal: it outlives the "
                    "process, and a power cut may take the newest");
  options.AddSeconds("retention-age", config.retention_age_s,
                     "Seconds that an event is kept; 0: for ever", 0, 100LL * 365 * 86'400);
  options.AddSize("retention-events", config.retention_events,
                  "Newest events that are kept of each channel; 0: all", 0);
  options.AddSize("retention-bytes", config.retention_bytes,
                  "Bytes of text that are kept of each channel, the newest; 0: all", 0);

  options.Group("Logging");
  static const std::map<std::string, LogFormat> kFormats{{"text", LogFormat::kText},
                                                         {"json", LogFormat::kJson}};
  static const std::map<std::string, LogLevel> kLevels{{"debug", LogLevel::kDebug},
                                                       {"info", LogLevel::kInfo},
                                                       {"warning", LogLevel::kWarning},
                                                       {"error", LogLevel::kError}};
  options.AddChoice("log-format", config.log_format, kFormats, "text",
                    "Text, or one JSON object a line");
  options.AddChoice("log-level", config.log_level, kLevels, "info",
                    "The least level that is written");

  options.Group("Stopping");
  options.AddSeconds("drain-timeout", config.drain_timeout_s,
                     "Seconds that a stop may take to deliver what was accepted");
}

void AddTransportOptions(OptionTable& options, Config& config) {
  options.Group("Line protocol");
  options.AddSize("line-io-threads", config.line_io_threads,
                  "Threads that serve line connections; 0: one for each core", 0);
  options.AddSize("line-connections-max", config.line_connections_max,
                  "Line connections at once; one more is refused with resource_exhausted");
  options.AddSize("line-bytes-max", config.line_bytes_max,
                  "Bytes of one line; 0: text-bytes-max and 1 KiB. A longer one is skipped", 0);
  options.AddSeconds("line-register-timeout", config.line_register_timeout_s,
                     "Seconds until a connection must have registered; 0: for ever", 0);
  options.Add("line-errors", config.line_errors,
              "Whether errors are told ($$error: …); false for clients that cannot bear it");
  options.AddSize("line-reply-backlog-bytes-max", config.line_reply_backlog_bytes_max,
                  "Bytes of answers that may wait for a client before its input waits, too");

  options.Group("gRPC");
  options.AddSize("grpc-connections-max", config.grpc_connections_max,
                  "gRPC connections at once; one more is closed");
  options.AddSize("grpc-streams-max", config.grpc_streams_max,
                  "Subscribe streams at once; one more gets RESOURCE_EXHAUSTED");
  options.AddSize("grpc-calls-per-connection-max", config.grpc_calls_per_connection_max,
                  "Calls that one connection may have open, streams counted; one more waits", 1,
                  kGrpcNumberMax);
  options.AddSeconds("grpc-idle-timeout", config.grpc_idle_timeout_s,
                     "Seconds that a connection may be there without a call; 0: for ever", 0,
                     86'400);
  options.AddSize("grpc-metadata-bytes-max", config.grpc_metadata_bytes_max,
                  "Bytes of a request's metadata; more gets RESOURCE_EXHAUSTED", kKiB,
                  kGrpcNumberMax);
  options.AddSize("grpc-memory-bytes-max", config.grpc_memory_bytes_max,
                  "Bytes that gRPC may hold in buffers, all connections together; beyond, it stops "
                  "reading",
                  16 * kMiB);
  options.AddSeconds("heartbeat-interval", config.heartbeat_interval_s,
                     "Seconds between the heartbeats of a stream, 19 at the most: clients are "
                     "promised one within 20",
                     1, 19);

  options.AddSize("grpc-calls-max", config.grpc_calls_max,
                  "Calls at once, streams not counted; one more gets RESOURCE_EXHAUSTED");
  options.AddSize("grpc-other-calls-max", config.grpc_other_calls_max,
                  "Calls of health and reflection at once, half of them streams; one more gets "
                  "RESOURCE_EXHAUSTED",
                  2);
  options.AddSize("grpc-unread-reply-bytes-max", config.grpc_unread_reply_bytes_max,
                  "Bytes of replies that clients have not read; beyond, calls get "
                  "RESOURCE_EXHAUSTED",
                  8 * kMiB);

  options.Group("Both transports");
  options.AddSeconds("write-stall-timeout", config.write_stall_timeout_s,
                     "Seconds that a client may not read before it is cut off");
  options.AddSize("reserved-files", config.reserved_files,
                  "Of the files that the process may open (ulimit -n), those that connections are "
                  "not given",
                  64);
}

void AddLimitOptions(OptionTable& options, Limits& limits) {
  options.Group("Limits");
  options.AddSize("name-bytes-max", limits.name_bytes_max, "Bytes of a user's or channel's name");
  options.AddSize("text-bytes-max", limits.text_bytes_max, "Bytes of a message's text");
  options.AddSize("client-message-id-bytes-max", limits.client_message_id_bytes_max,
                  "Bytes of a client_message_id");
  options.AddSize("topic-bytes-max", limits.topic_bytes_max, "Bytes of a channel's topic");
  options.AddSize("reason-bytes-max", limits.reason_bytes_max,
                  "Bytes of the reason of a kick, a ban or a mute");
  options.AddSize("sanctions-per-channel-max", limits.sanctions_per_channel_max,
                  "Bans and mutes of a channel");
  options.AddSize("invites-per-channel-max", limits.invites_per_channel_max,
                  "Invites of a channel");
  options.AddSize(
      "sanctions-max", limits.sanctions_max,
      "Bans and mutes of all channels, beyond the first four of each; one channel gets a "
      "64th of what is left of them at the most");
  options.AddSize("invites-max", limits.invites_max, "Invites of all channels, in the same way");
  options.AddSize("officers-per-channel-max", limits.officers_per_channel_max,
                  "Owners and moderators of a channel");
  options.AddSize("users-max", limits.users_max,
                  "Users at once; the last sixteenth is for accounts and vouched users");
  options.AddSize("channels-max", limits.channels_max,
                  "Channels at once, personal ones not counted");
  options.AddSize("channels-per-user-max", limits.channels_per_user_max,
                  "Channels that a user may be in");
  options.AddSize("members-per-channel-max", limits.members_per_channel_max,
                  "Members of a channel");
  options.AddSize("sessions-per-user-max", limits.sessions_per_user_max,
                  "Open Subscribe streams of a user");
  options.AddSize("queue-events-max", limits.queue_events_max,
                  "Newest events of a channel kept ready to send, for each wire format");
  options.AddSize("queue-bytes-max", limits.queue_bytes_max,
                  "Encoded bytes of these, for each wire format");
  options.AddSize("queues-bytes-max", limits.queues_bytes_max,
                  "Encoded bytes of all channels together; beyond, idle ones keep none");
  options.AddSize("inbox-commands-max", limits.inbox_commands_max,
                  "Commands that may wait to be decided");
  options.AddSize("inbox-bytes-max", limits.inbox_bytes_max, "Bytes of these");
  options.AddSize("batch-commands-max", limits.batch_commands_max, "Commands that share a commit");
  options.AddSize("page-size-default", limits.page_size_default,
                  "Entries of a list's page where none is asked for");
  options.AddSize("page-size-max", limits.page_size_max, "Entries of a list's page at the most");
  options.AddSize("page-bytes-max", limits.page_bytes_max, "Bytes of such a page");
  options.AddSize("store-page-events-max", limits.store_page_events_max,
                  "Events of one page that a lagging reader takes from the store");
  options.AddSize("store-page-bytes-max", limits.store_page_bytes_max, "Bytes of such a page");
  options.AddSize("history-scan-events-max", limits.history_scan_events_max,
                  "Events that one page of history looks through for messages");
  options.AddSize("history-cache-bytes-max", limits.history_cache_bytes_max,
                  "Bytes of pages of history kept for the next reader of the same", 0);
  options.AddSize("history-reads-max", limits.history_reads_max,
                  "Reads of history that may wait; one more gets resource_exhausted");
  options.AddSize("store-bytes-max", limits.store_bytes_max,
                  "Bytes of the memory store; beyond, the oldest events go");

  options.Group("Lifetimes");
  options.AddMilliseconds("guest-grace-ms", limits.guest_grace_ms,
                          "How long a gRPC guest lives without a stream or a call");
  options.AddMilliseconds("empty-channel-ttl-ms", limits.empty_channel_ttl_ms,
                          "How long a channel without members is kept if nothing was said there");
  options.AddMilliseconds("quiet-channel-ttl-ms", limits.quiet_channel_ttl_ms,
                          "How long a channel without members is kept if something was said there");
}

}  // namespace

std::string HostPort::ToString() const {
  if (!on()) return "off";
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> ParseHostPort(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  HostPort parsed{text.substr(0, colon), 0};
  const char* const first = text.data() + colon + 1;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, parsed.port);
  if (error != std::errc() || end != last) return std::nullopt;
  if (parsed.host.empty()) parsed.host = "0.0.0.0";
  if (parsed.host.front() == '[') {
    if (parsed.host.size() < 3 || parsed.host.back() != ']') return std::nullopt;
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  } else if (parsed.host.find(':') != std::string::npos) {
    return std::nullopt;  // An IPv6 address needs its brackets.
  }
  return parsed;
}

ParsedConfig ParseConfig(int argc, char** argv) {
  ParsedConfig parsed;
  CLI::App app(
      "txtchatd: a chat server for line clients and gRPC clients.\n\n"
      "Every option can also be given as an environment variable (--line-listen is\n"
      "TXTCHAT_LINE_LISTEN) or in a configuration file (line-listen = \"0.0.0.0:9090\").",
      "txtchatd");
  app.set_version_flag("--version", std::string("txtchatd ") + kVersion);
  app.set_config("--config", "", "Configuration file, TOML or INI")->envname("TXTCHAT_CONFIG");
  app.allow_config_extras(CLI::config_extras_mode::error);  // A misspelt key must not be ignored.
  app.get_formatter()->column_width(38);
  app.footer(
      "\nExamples:\n"
      "  txtchatd\n"
      "      line protocol on port 9090, gRPC on port 50051\n"
      "  txtchatd --line-listen 127.0.0.1:0 --grpc-listen 127.0.0.1:0 --log-format json\n"
      "      loopback only, on free ports that the log names\n"
      "  txtchatd --line-listen off --grpc-listen 127.0.0.1:50051 --line-tls-listen :9443\n"
      "           --grpc-tls-listen :50443 --tls-cert chain.pem --tls-key key.pem\n"
      "      TLS only, but for gRPC on the machine itself\n"
      "  txtchatd --data-dir /var/lib/txtchat --retention-age 2592000\n"
      "      what is said is kept for 30 days\n"
      "\nExit codes: 0 stopped as asked, everything delivered; 1 could not start, or the drain\n"
      "timeout cut clients off; 2 wrong usage.");
  OptionTable options(app);
  AddGeneralOptions(options, parsed.config);
  AddTransportOptions(options, parsed.config);
  AddPeerOptions(options, parsed.config);
  AddLimitOptions(options, parsed.config.limits);
  try {
    app.parse(options.ArgumentsOf(argc, argv));
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    parsed.exit_code = code == 0 ? 0 : 2;
  }
  return parsed;
}

}  // namespace txtchat::server
