#pragma once

#include <grpcpp/server.h>

#include <memory>

#include "client/endpoint.h"
#include "tests/client/fake_account_service.h"
#include "tests/client/fake_chat_service.h"

namespace txtchat::client {

// Serves the fakes on a port of the loopback, with the standard health service.
class FakeServer {
 public:
  FakeServer() { Start(); }
  ~FakeServer() { Stop(); }

  void Start();  // on the same port as before
  void Stop();
  void SetServing(bool serving);

  FakeChatService& service() { return service_; }
  FakeAccountService& accounts() { return accounts_; }
  FakeModerationService& moderation() { return moderation_; }
  Endpoint endpoint() const { return {"127.0.0.1", static_cast<std::uint16_t>(port_)}; }

 private:
  FakeChatService service_;
  FakeAccountService accounts_{service_};
  FakeModerationService moderation_{service_};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace txtchat::client
