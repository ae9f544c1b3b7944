// What the transports are told of the configuration. Pure functions.
#pragma once

#include "gateway/gateway_options.h"
#include "grpc-service/rpc_options.h"
#include "server/config.h"

namespace txtchat::server {

gateway::GatewayOptions GatewayOptionsOf(const Config& config);
/// Without what belongs to one start: the durability's name and the certificate.
rpc::RpcOptions RpcOptionsOf(const Config& config);

}  // namespace txtchat::server
