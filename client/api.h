#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "client/endpoint.h"

namespace txtchat::client {

// A channel of its own connection (nothing shared with other channels of the process), so that each
// new one is one honest new attempt. Connects with the first call; goes through no HTTP proxy.
std::shared_ptr<grpc::Channel> MakeChannel(const Endpoint& server);

// Sets the deadline, and the token unless it is empty.
void PrepareContext(grpc::ClientContext& context, std::string_view token,
                    std::chrono::milliseconds timeout);

// For people: what was tried, what came of it, and what to check. One sanitised line.
std::string ExplainFailure(const std::string& what, const Endpoint& server,
                           const grpc::Status& status);

// Why a call failed, in a few words, without advice: for what is tried again anyway.
std::string BriefReason(const grpc::Status& status);

// The program's exit code if `status` is why it ends.
int ExitCodeOf(const grpc::Status& status);

// True if the server's answer says that nothing was done. False if the call may have been
// carried out although its answer did not arrive.
bool SurelyNotDone(const grpc::Status& status);

}  // namespace txtchat::client
