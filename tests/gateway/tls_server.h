#pragma once

#include <string>
#include <utility>

#include "tests/gateway/line_server.h"
#include "tests/testing/certificates.h"
#include "tests/testing/tls_client.h"

namespace txtchat::gateway {

/// A line server that serves TLS, too, with what its clients need.
class TlsServer {
 public:
  /// `client_ca`: who must have signed the clients' certificates; empty: nobody.
  explicit TlsServer(LineServerConfig config = {}, const std::string& client_ca = "")
      : line(WithTls(std::move(config), ContextOf(client_ca))) {}

  std::uint16_t port() const { return line.gateway().tls_port(); }
  GatewayStats stats() const { return line.gateway().stats(); }
  testing::TlsClientOptions client() const { return {.server_ca = authority.certificate()}; }
  /// A context with a certificate of its own.
  TlsContext ContextOf(const std::string& client_ca = "") const {
    const testing::Identity own = authority.Issue("server");
    const absl::StatusOr<TlsContext> made = MakeTlsContext({own.certificate, own.key, client_ca});
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : nullptr;
  }
  /// Returns when the number of connections is this, or fails the test if it will not be.
  void AwaitConnections(std::size_t wanted) const { Await(&GatewayStats::connections, wanted); }
  void AwaitFailedHandshakes(std::uint64_t wanted) const {
    Await(&GatewayStats::handshakes_failed, wanted);
  }

  const testing::Authority authority{"authority"};
  LineServer line;

 private:
  template <typename Count>
  void Await(Count GatewayStats::*count, Count wanted) const {
    for (int i = 0; i < 30'000 && stats().*count != wanted; ++i) ::poll(nullptr, 0, 1);
    EXPECT_EQ(stats().*count, wanted);
  }
  static LineServerConfig WithTls(LineServerConfig config, TlsContext context) {
    config.options.tls_address = "127.0.0.1";
    config.options.tls_port = 0;
    config.tls = std::move(context);
    return config;
  }
};

/// A client over TLS that has read the welcome.
class TlsGuest : public Speaker<testing::TlsClient> {
 public:
  TlsGuest(const TlsServer& server, const testing::TlsClientOptions& options)
      : Speaker(server.port(), options) {
    EXPECT_TRUE(shook_hands()) << error();
    EXPECT_EQ(Line(), std::string(kWelcome));
  }
  /// … and has registered.
  TlsGuest(const TlsServer& server, const std::string& name, int receive_buffer_bytes = 0)
      : TlsGuest(server, WithBuffer(server.client(), receive_buffer_bytes)) {
    SendLine("reg$" + name);
    EXPECT_EQ(Line(), LocalAddress());
  }

 private:
  static testing::TlsClientOptions WithBuffer(testing::TlsClientOptions options, int bytes) {
    options.receive_buffer_bytes = bytes;
    return options;
  }
};

}  // namespace txtchat::gateway
