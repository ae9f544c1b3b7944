// gRPC over TLS: who is served, and with which certificate.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "identity/certificates.h"
#include "tests/grpc-service/rpc_harness.h"
#include "tests/testing/certificates.h"
#include "txtchat/v1/accounts.grpc.pb.h"

namespace txtchat::rpc {
namespace {

using testing::Authority;
using testing::Identity;

class RpcTlsTest : public ::testing::Test {
 protected:
  void Start(const std::string& client_ca = "", RpcOptions options = {}) {
    options.tls_listen = "127.0.0.1:0";
    options.tls = MaterialOf(authority_, client_ca);
    harness_ = std::make_unique<RpcHarness>(Limits(), options);
  }
  /// Another server over the same core.
  absl::StatusOr<std::unique_ptr<RpcServer>> StartBeside(const RpcOptions& options) const {
    return RpcServer::Start({.sequencer = &harness_->sequencer,
                             .history = &harness_->history,
                             .clock = &harness_->clock,
                             .session_ids = &harness_->session_ids,
                             .secrets = &harness_->secrets},
                            options);
  }
  static RpcTls MaterialOf(const Authority& authority, const std::string& client_ca = "") {
    const Identity own = authority.Issue("server");
    return {own.certificate, own.key, client_ca};
  }
  std::shared_ptr<grpc::Channel> Connect(const Authority& trusted,
                                         const std::optional<Identity>& identity = {}) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = trusted.certificate();
    if (identity.has_value()) {
      options.pem_cert_chain = identity->certificate;
      options.pem_private_key = identity->key;
    }
    return ConnectWith(grpc::SslCredentials(options));
  }
  std::shared_ptr<grpc::Channel> ConnectWith(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", harness_->server->tls_port()),
                                     credentials, arguments);
  }
  static std::string Register(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::RegisterRequest request;
    request.set_display_name("alice");
    v1::RegisterResponse response;
    return CodeOf(v1::ChatService::NewStub(channel)->Register(&context, request, &response));
  }

  const Authority authority_{"authority"};
  std::unique_ptr<RpcHarness> harness_;
};

TEST_F(RpcTlsTest, ServesBesideAPortWithoutIt) {
  Start();
  EXPECT_EQ(Register(Connect(authority_)), "OK");
  EXPECT_EQ(Register(harness_->Connect()), "OK");
}

/// An IPv4 address of this machine that is none of loopback; empty if it has none.
std::string OuterAddress() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return "";
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(all, &freeifaddrs);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    if ((each->ifa_flags & IFF_LOOPBACK) != 0 || (each->ifa_flags & IFF_UP) == 0) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    const auto& address = reinterpret_cast<const sockaddr_in&>(*each->ifa_addr);
    inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return text.data();
  }
  return "";
}

/// What each call with a password comes to. Past the door this server says that it has no accounts.
std::vector<std::string> CallsWithPasswords(const std::shared_ptr<grpc::Channel>& channel,
                                            const std::string& token) {
  const auto stub = v1::AccountService::NewStub(channel);
  const auto call = [&](auto method, auto request, auto response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    context.AddMetadata("authorization", "Bearer " + token);
    return CodeOf((stub.get()->*method)(&context, request, &response));
  };
  using Stub = v1::AccountService::Stub;
  v1::EraseUserRequest erase;
  const std::string without = call(&Stub::EraseUser, erase, v1::EraseUserResponse());
  EXPECT_EQ(without, "UNIMPLEMENTED") << "it shows none";
  erase.set_password("secret");
  return {call(&Stub::CreateAccount, v1::CreateAccountRequest(), v1::CreateAccountResponse()),
          call(&Stub::Login, v1::LoginRequest(), v1::LoginResponse()),
          call(&Stub::ChangePassword, v1::ChangePasswordRequest(), v1::ChangePasswordResponse()),
          call(&Stub::EraseUser, erase, v1::EraseUserResponse())};
}

TEST_F(RpcTlsTest, PasswordsFromOtherMachinesAreTakenWithTlsOnly) {
  const std::string outer = OuterAddress();
  if (outer.empty()) GTEST_SKIP() << "this machine has no address but loopback";
  const std::vector<std::string> taken(4, "UNIMPLEMENTED");
  const std::vector<std::string> refused(4, "PERMISSION_DENIED");
  Start();
  const std::string token = Guest(*harness_, "alice").token;
  EXPECT_EQ(CallsWithPasswords(harness_->Connect(), token), taken) << "over loopback";
  for (const bool plain_login : {false, true}) {
    RpcOptions options;
    options.listen = outer + ":0";
    options.tls_listen = outer + ":0";
    options.tls = MaterialOf(authority_);
    options.plain_login = plain_login;
    const auto server = StartBeside(options);
    ASSERT_TRUE(server.ok()) << server.status();
    const auto plain = grpc::CreateChannel(absl::StrCat(outer, ":", (*server)->port()),
                                           grpc::InsecureChannelCredentials());
    EXPECT_EQ(CallsWithPasswords(plain, token), plain_login ? taken : refused);
    grpc::SslCredentialsOptions trusted;
    trusted.pem_root_certs = authority_.certificate();
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    const auto over_tls = grpc::CreateCustomChannel(absl::StrCat(outer, ":", (*server)->tls_port()),
                                                    grpc::SslCredentials(trusted), arguments);
    EXPECT_EQ(CallsWithPasswords(over_tls, token), taken);
  }
}

TEST_F(RpcTlsTest, ServesWithTlsOnly) {
  Start();
  RpcOptions options;
  options.listen.clear();
  options.tls_listen = "127.0.0.1:0";
  options.tls = MaterialOf(authority_);
  auto server = StartBeside(options);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->port(), 0);
  EXPECT_GT((*server)->tls_port(), 0);
}

TEST_F(RpcTlsTest, WhoSpeaksNoTlsOrTrustsOthersIsNotServed) {
  Start();
  EXPECT_EQ(Register(ConnectWith(grpc::InsecureChannelCredentials())), "UNAVAILABLE");
  EXPECT_EQ(Register(Connect(Authority("another"))), "UNAVAILABLE");
  EXPECT_EQ(Register(Connect(authority_)), "OK");
}

TEST_F(RpcTlsTest, AClientCertificateMustBeSignedByTheAuthority) {
  const Authority people("people");
  Start(people.certificate());
  EXPECT_EQ(Register(Connect(authority_, people.Issue("alice"))), "OK");
  EXPECT_EQ(Register(Connect(authority_)), "UNAVAILABLE");
  EXPECT_EQ(Register(Connect(authority_, Authority("strangers").Issue("mallory"))), "UNAVAILABLE");
}

TEST_F(RpcTlsTest, ACertificateSaysWhoItsUserIsWhereItIsTakenForThat) {
  Start();
  const Authority people("people");
  const identity::OpensslCertificateReader reader;
  RpcOptions options;
  options.listen.clear();
  options.tls_listen = "127.0.0.1:0";
  options.tls = MaterialOf(authority_);
  options.tls.client_ca = people.certificate();
  options.tls.client_certificate_required = false;
  auto server = RpcServer::Start({.sequencer = &harness_->sequencer,
                                  .history = &harness_->history,
                                  .clock = &harness_->clock,
                                  .session_ids = &harness_->session_ids,
                                  .secrets = &harness_->secrets,
                                  .certificates = &reader},
                                 options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto who_am_i = [&](const Identity& own) {
    grpc::SslCredentialsOptions ssl{authority_.certificate(), own.key, own.certificate};
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", (*server)->tls_port()), grpc::SslCredentials(ssl), arguments);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    v1::WhoAmIResponse response;
    const grpc::Status status =
        v1::AccountService::NewStub(channel)->WhoAmI(&context, {}, &response);
    return status.ok() ? response.user().id() + " " + response.user().display_name()
                       : CodeOf(status);
  };
  const std::string ann = who_am_i(people.Issue("ann"));
  EXPECT_EQ(ann.substr(ann.find(' ')), " ann");
  EXPECT_EQ(who_am_i(people.Issue("ann")), ann);
  EXPECT_NE(who_am_i(people.Issue("bob")), ann);
  EXPECT_EQ(who_am_i({}), "UNAUTHENTICATED");
  (*server)->Shutdown(absl::Seconds(5));
  harness_->sequencer.Stop();
}

TEST_F(RpcTlsTest, ANewCertificateIsForNewConnections) {
  Start();
  const auto before = Connect(authority_);
  EXPECT_EQ(Register(before), "OK");
  const Authority next("next");
  harness_->server->UseTls(MaterialOf(next));
  EXPECT_EQ(Register(Connect(next)), "OK");
  EXPECT_EQ(Register(Connect(authority_)), "UNAVAILABLE");
  EXPECT_EQ(Register(before), "OK");
}

TEST_F(RpcTlsTest, StaysWithTheFormerCertificateIfTheNewOneCannotBeUsed) {
  Start();
  const Identity other = authority_.Issue("other");
  RpcTls mismatched = MaterialOf(authority_);
  mismatched.private_key = other.key;
  harness_->server->UseTls(mismatched);
  EXPECT_EQ(Register(Connect(authority_)), "OK");
  EXPECT_EQ(Register(Connect(authority_)), "OK");
}

TEST_F(RpcTlsTest, ConnectionsOfBothPortsAreCountedTogether) {
  RpcOptions options;
  options.connections_max = 2;
  Start("", options);
  const auto plain = harness_->Connect();
  const auto encrypted = Connect(authority_);
  EXPECT_EQ(Register(plain), "OK");
  EXPECT_EQ(Register(encrypted), "OK");
  EXPECT_EQ(Register(Connect(authority_)), "UNAVAILABLE");
  EXPECT_GT(harness_->server->refused_connections(), 0u);
  EXPECT_EQ(Register(encrypted), "OK");
}

}  // namespace
}  // namespace txtchat::rpc
