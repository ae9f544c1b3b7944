#pragma once

#include "server/config.h"

namespace txtchat::server {

class OptionTable;

/// What peers are held to, and which of them are proxies.
void AddPeerOptions(OptionTable& options, Config& config);

}  // namespace txtchat::server
