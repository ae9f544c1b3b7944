#pragma once

#include <string>

#include "core/ip_address.h"

namespace txtchat::gateway {

/// Who is at the other end of a connection, as the network says, or a proxy that is trusted.
struct Peer {
  std::string id;  ///< `IP:PORT`: the id of its user.
  IpAddress address;
};

}  // namespace txtchat::gateway
