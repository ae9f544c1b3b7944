// Who gets a session over TLS, and who does not.
#include <string>

#include "gtest/gtest.h"
#include "tests/gateway/tls_server.h"

namespace txtchat::gateway {
namespace {

using std::chrono::milliseconds;
using testing::Authority;
using testing::Identity;
using testing::LineClient;
using testing::TlsClient;
using testing::TlsClientOptions;

void ExpectCode(const TlsMaterial& material, const std::string& message) {
  const absl::Status status = MakeTlsContext(material).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()).rfind(message, 0), 0u) << status;
}

TEST(TlsContext, SaysWhatIsWrongWithTheMaterial) {
  const Authority authority("authority");
  const Identity one = authority.Issue("one");
  const Identity two = authority.Issue("two");
  EXPECT_TRUE(MakeTlsContext({one.certificate, one.key, ""}).ok());
  EXPECT_TRUE(MakeTlsContext({one.certificate + authority.certificate(), one.key, ""}).ok());
  EXPECT_TRUE(MakeTlsContext({one.certificate, one.key, authority.certificate()}).ok());
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

  ExpectCode({one.certificate, two.key, ""}, "the key does not belong to the certificate");
  ExpectCode({"", one.key, ""}, "the certificate is not one in PEM");
  ExpectCode({one.key, one.key, ""}, "the certificate is not one in PEM");
  ExpectCode({one.certificate + broken, one.key, ""}, "a further certificate");
  ExpectCode({one.certificate, "", ""}, "the key is not a private key in PEM");
  ExpectCode({one.certificate, testing::EncryptedKey(one.key), ""},
             "the key is not a private key in PEM without a passphrase");
  ExpectCode({one.certificate, one.key, "nonsense"}, "the client authority is not");
  ExpectCode({one.certificate, one.key, authority.certificate() + broken},
             "the client authority is not");
}

TEST(TlsContext, TellsNothingOfTheKey) {
  const Authority authority("authority");
  const Identity one = authority.Issue("one");
  const std::string secret = "c2VjcmV0c2VjcmV0";
  const absl::Status status =
      MakeTlsContext({one.certificate,
                      "-----BEGIN PRIVATE KEY-----\n" + secret + "\n-----END PRIVATE KEY-----\n",
                      ""})
          .status();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.ToString().find(secret), std::string::npos);
}

class TlsVersions : public ::testing::TestWithParam<std::pair<int, std::string>> {};

TEST_P(TlsVersions, AreServedWithForwardSecrecy) {
  TlsServer server;
  TlsClientOptions options = server.client();
  options.version_max = GetParam().first;
  TlsGuest alice(server, options);
  EXPECT_EQ(alice.version(), GetParam().second);
  const bool forward_secret = alice.cipher().rfind("ECDHE-", 0) == 0 ||
                              alice.cipher().rfind("TLS_", 0) == 0;  // All of TLS 1.3 are.
  EXPECT_TRUE(forward_secret) << alice.cipher();
  alice.ExpectQuiet();
}

INSTANTIATE_TEST_SUITE_P(, TlsVersions,
                         ::testing::Values(std::pair(TLS1_2_VERSION, "TLSv1.2"),
                                           std::pair(TLS1_3_VERSION, "TLSv1.3")),
                         [](const auto& version) {
                           return version.param.second == "TLSv1.2" ? "1_2" : "1_3";
                         });

TEST(TlsHandshake, AnOlderVersionIsRefused) {
  TlsServer server;
  TlsClientOptions options = server.client();
  options.version_max = TLS1_1_VERSION;
  const TlsClient old(server.port(), options);
  EXPECT_FALSE(old.shook_hands());
  EXPECT_EQ(old.error(), "tlsv1 alert protocol version");
  server.AwaitFailedHandshakes(1);  // The alert is sent before it is counted.
}

TEST(TlsHandshake, WhatIsNoTlsIsRefused) {
  TlsServer server;
  for (const std::string& garbage :
       {std::string("reg$alice\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string(100'000, '\0'),
        std::string("\x16\x03\x01\x02\x02\x01") + std::string(1'000, 'x')}) {
    LineClient client(server.port());
    client.Send(garbage);
    client.EndSending();
    EXPECT_EQ(client.ReadAll().find(kWelcome), std::string::npos);
  }
  server.AwaitConnections(0);
  EXPECT_EQ(server.stats().handshakes_failed, 4u);
  TlsGuest alice(server, "alice");
  alice.ExpectQuiet();
}

TEST(TlsHandshake, OneThatStallsIsClosed) {
  LineServerConfig config;
  config.options.tls_handshake_timeout = milliseconds(50);
  TlsServer server(config);
  LineClient silent(server.port());
  LineClient half(server.port());
  half.Send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(silent.ReadsEnd());
  EXPECT_TRUE(half.ReadsEnd());
  server.AwaitConnections(0);
  EXPECT_EQ(server.stats().handshakes_failed, 2u);
}

TEST(TlsHandshake, OneTooManyAtOnceIsClosed) {
  LineServerConfig config;
  config.options.tls_handshakes_max = 1;
  TlsServer server(config);
  LineClient stalled(server.port());
  server.AwaitConnections(1);
  LineClient second(server.port());
  EXPECT_TRUE(second.ReadsEnd());
  EXPECT_EQ(server.stats().handshakes_failed, 1u);
  Guest plain(server.line, "plain");  // Not concerned.
  plain.ExpectQuiet();
  stalled.Close();
  server.AwaitConnections(1);
  // Those that have shaken hands do not count.
  TlsGuest alice(server, "alice");
  TlsGuest bob(server, "bob");
  alice.ExpectQuiet();
  bob.ExpectQuiet();
}

TEST(TlsHandshake, AClientCertificateMustBeSignedByTheAuthority) {
  const Authority people("people");
  const Authority strangers("strangers");
  TlsServer server({}, people.certificate());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientOptions options = server.client();
    options.version_max = version;
    {
      options.identity = people.Issue("alice");
      TlsGuest alice(server, options);
      alice.ExpectQuiet();
    }
    {
      options.identity.reset();
      TlsClient absent(server.port(), options);
      // In TLS 1.3 the client believes that all is well until it reads.
      EXPECT_EQ(absent.ReadAll(), "");
      EXPECT_EQ(absent.error(), version == TLS1_2_VERSION ? "sslv3 alert handshake failure"
                                                          : "tlsv13 alert certificate required");
    }
    {
      options.identity = strangers.Issue("mallory");
      TlsClient wrong(server.port(), options);
      EXPECT_EQ(wrong.ReadAll(), "");
      EXPECT_EQ(wrong.error(), "tlsv1 alert unknown ca");
    }
  }
  server.AwaitConnections(0);
  EXPECT_EQ(server.stats().handshakes_failed, 4u);
}

TEST(TlsHandshake, ANewCertificateIsForNewConnections) {
  TlsServer server;
  TlsGuest before(server, "before");
  server.line.gateway().UseTls(server.ContextOf());
  TlsGuest after(server, "after");
  EXPECT_NE(before.serial(), after.serial());
  before.ExpectQuiet();
  after.ExpectQuiet();
}

TEST(TlsHandshake, WithoutACertificateNothingStarts) {
  GatewayOptions options;
  options.address.clear();
  options.tls_address = "127.0.0.1";
  const absl::Status started = Gateway(options, {}).Start();
  EXPECT_EQ(started.code(), absl::StatusCode::kInvalidArgument) << started;
}

}  // namespace
}  // namespace txtchat::gateway
