// Every bound of the gRPC service in one place: unit in the name, default beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace txtchat::rpc {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

/// How one Subscribe stream behaves.
struct StreamOptions {
  /// A heartbeat is sent this often, whatever else is sent. The API promises 20 s at the most.
  std::int64_t heartbeat_interval_ms = 15'000;
  /// A write that the client does not take within this time ends the stream.
  std::int64_t write_stall_timeout_ms = 300'000;
  /// After a page of the store could not be read, it is tried again this much later.
  std::int64_t page_retry_ms = 1'000;
  /// A stream whose write is under way for this long lets go of its page of the store.
  std::int64_t page_release_ms = 2'000;
  /// A stream that is cut while a write is under way is broken off this much later, so that a
  /// client that does read is told why.
  std::int64_t cut_grace_ms = 500;
  /// One SubscribeResponse is at most this large, unless a single event is larger. Must stay below
  /// the 4 MiB that clients take by default.
  std::size_t response_bytes_max = 128 * kKiB;
  /// Runs of events up to this size are copied into a response; longer ones are shared with all
  /// other subscribers. Sharing costs about as much as copying this many bytes, and pins a chunk.
  std::size_t copy_bytes_max = 1 * kKiB;
  /// Channel heads in one heartbeat event. A user in more channels gets several events.
  std::size_t heartbeat_heads_max = 1'000;
  /// Told with every heartbeat. Owned by whoever makes the streams, and outlives them.
  std::string_view epoch;
};

/// How unary calls are bounded, all connections together. A reply that its client does not take
/// stays in gRPC, which counts it nowhere.
struct CallOptions {
  /// Unary calls that are open: until gRPC has written the reply out. One costs about 20 KiB beside
  /// its request and its reply. Beyond: RESOURCE_EXHAUSTED; as many refusals again may wait for
  /// their clients, and what goes beyond these is broken off.
  std::size_t calls_max = 10'000;
  /// The same of one connection. More than RpcOptions::concurrent_calls_max, which clients keep to
  /// by themselves: gRPC demands that only of those who have acknowledged it, and what it is done
  /// with is counted here a moment longer.
  std::size_t calls_per_connection_max = 1'024;
  /// Bytes of requests and replies of these calls; a list that is still to be made counts as large
  /// as it may become. Beyond: RESOURCE_EXHAUSTED; for calls that change nothing, an eighth sooner.
  /// With what is between the core and gRPC, about twice as much memory is taken at the most.
  std::size_t unread_reply_bytes_max = 256 * kMiB;
  /// A reply that its client does not take within this time is broken off: CANCELLED, where the
  /// client still listens. The connection stays…
  std::int64_t reply_stall_timeout_ms = 30'000;
  /// …or within this time, while more than half of a limit above is used up.
  std::int64_t reply_stall_pressed_ms = 5'000;
};

/// What TLS needs, as PEM. Never logged. Whoever makes it has checked it: a server that starts with
/// what gRPC cannot use refuses every TLS connection.
struct RpcTls {
  std::string certificate;  ///< The server's own, then those between it and its authority.
  std::string private_key;
  /// Authorities of client certificates. If it is not empty, a client that shows a certificate must
  /// show one that one of them has signed…
  std::string client_ca;
  /// …and must show one at all. As it is at the start.
  bool client_certificate_required = true;
};

/// How the server behaves. A plain value: copied at the start, constant afterwards.
struct RpcOptions {
  /// HOST:PORT; port 0 picks a free one (RpcServer::port). Empty: nowhere.
  std::string listen = "0.0.0.0:50051";
  /// The same for connections that speak TLS, 1.2 at least, with what `tls` says at the start.
  std::string tls_listen;
  RpcTls tls;
  /// Whether passwords are taken over connections without TLS from other machines, too.
  bool plain_login = false;

  /// What the server promises of an acknowledged message: the health service serves under the name
  /// `txtchat.durability.DURABILITY`.
  std::string durability = "none";

  StreamOptions stream;
  /// Open Subscribe streams, all users together. Beyond: RESOURCE_EXHAUSTED.
  std::size_t streams_max = 10'000;
  CallOptions calls;
  /// The same of calls that are none of txtchat's: health, reflection, methods that there are not.
  /// Apart, so that health is answered where the chat has its most. Half may be streams. A client
  /// has one or two of these open on a connection. What is there for reflection to answer is some
  /// 50 KiB.
  CallOptions other_calls{
      .calls_max = 2'000, .calls_per_connection_max = 64, .unread_reply_bytes_max = 64 * kMiB};
  /// Bytes of text in one page of ListMessages; one message is answered however large it is. Must
  /// stay below the 4 MiB that clients take by default.
  std::size_t history_page_bytes_max = 1 * kMiB;
  /// Threads that complete calls and feed streams; 0: half as many as there are processors.
  std::size_t pump_threads = 0;

  // --- One connection.
  /// Calls that one connection may have open, Subscribe streams counted. Beyond: the client's
  /// library waits, however long the streams last, or opens another connection. A person's client
  /// needs a handful; a proxy puts many users on one connection, and with 256 of them 40
  /// connections are enough for `streams_max`. HTTP/2 advises against less than 100.
  int concurrent_calls_max = 256;
  /// Bytes of request metadata. Beyond: RESOURCE_EXHAUSTED.
  int metadata_bytes_max = 16 * 1024;
  /// A connection that does not finish its handshake within this time is closed.
  int handshake_timeout_ms = 20'000;
  /// A connection with nothing to do is asked whether it is alive after `keepalive_time_ms`, and
  /// closed if it does not say so within `keepalive_timeout_ms`.
  int keepalive_time_ms = 60'000;
  int keepalive_timeout_ms = 20'000;
  /// A connection without a call, from its beginning or since the last one, is closed after this
  /// long, however many pings it answers; 0: never. Clients come again with their next call. A
  /// stream is a call.
  int idle_timeout_ms = 300'000;
  /// Clients may ask the same, with or without a call, at most this often.
  int client_ping_interval_min_ms = 10'000;

  // --- What gRPC itself may use, all connections together.
  /// Buffers of connections. Beyond: gRPC stops reading, then refuses.
  std::size_t grpc_memory_bytes_max = 1024 * kMiB;

  /// Connections at once, with TLS and without. Beyond: closed as soon as they come.
  std::size_t connections_max = 10'000;
};

}  // namespace txtchat::rpc
