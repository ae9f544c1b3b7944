#pragma once

#include <memory>
#include <string>

#include "core/identity.h"
#include "core/ip_address.h"

namespace txtchat::gateway {

/// Who is at the other end of a connection, as the network says, or a proxy that is trusted.
struct Peer {
  std::string id;  ///< `IP:PORT`: the id of its user.
  IpAddress address;
  bool is_private = false;  ///< What is sent is encrypted.
  /// Who the peer's certificate vouches for; null if it showed none.
  std::shared_ptr<const Vouched> vouched;
};

}  // namespace txtchat::gateway
