// Users who come by a certificate of their own.
#include <string>

#include "gtest/gtest.h"
#include "identity/certificates.h"
#include "tests/gateway/tls_server.h"

namespace txtchat::gateway {
namespace {

/// A server that takes certificates for users, and needs none.
struct World {
  World() : server(Config()) {
    const testing::Identity own = server.authority.Issue("server");
    const auto context =
        MakeTlsContext({own.certificate, own.key, people.certificate(), /*required=*/false});
    EXPECT_TRUE(context.ok()) << context.status();
    server.line.gateway().UseTls(*context);
  }
  LineServerConfig Config() const {
    LineServerConfig config;
    config.certificates = &reader;
    return config;
  }
  testing::TlsClientOptions With(const testing::Identity& identity) const {
    testing::TlsClientOptions options = server.client();
    options.identity = identity;
    return options;
  }

  const identity::OpensslCertificateReader reader;
  const testing::Authority people{"people"};
  TlsServer server;
};

TEST(TlsUsers, AreTheSameUserOnEveryConnection) {
  World world;
  TlsGuest first(world.server, world.With(world.people.Issue("ann")));
  first.SendLine("reg$whatever");
  const std::string id = first.Line();
  EXPECT_EQ(id.size(), 16u) << id;
  first.SendLine("whoami");
  EXPECT_EQ(first.Line(), "$$whoami: " + id + " ann");
  TlsGuest second(world.server, world.With(world.people.Issue("ann")));
  second.SendLine("reg$someone else");
  EXPECT_EQ(second.Line(), id);
  second.SendLine("reg$renamed");
  EXPECT_EQ(second.Line(),
            "$$error: failed_precondition: your name is what your token says; get another token");
}

TEST(TlsUsers, AreGuestsWithoutACertificateOrWithOneThatNamesNobody) {
  World world;
  TlsGuest without(world.server, "bob");
  TlsGuest nameless(world.server, world.With(world.people.Issue("an$n")));
  nameless.SendLine("reg$cyd");
  EXPECT_EQ(nameless.Line(), nameless.LocalAddress());
}

TEST(TlsUsers, AreNotWhoAStrangersAuthoritySays) {
  World world;
  const testing::Authority strangers("strangers");
  Speaker<testing::TlsClient> mallory(world.server.port(), world.With(strangers.Issue("ann")));
  EXPECT_NE(mallory.Line(), std::string(kWelcome));
}

}  // namespace
}  // namespace txtchat::gateway
