#include "server/peer_options.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "server/option_table.h"

namespace txtchat::server {
namespace {

/// A rate and what may come at once after a pause, under NAME and NAME-burst.
void AddRate(OptionTable& options, const std::string& name, std::int64_t& per_second,
             std::int64_t& burst, const std::string& help) {
  options.AddRate(name, per_second, help + " a second; 0: any number", 0);
  options.AddRate(name + "-burst", burst, "How many of these at once, after a pause", 1);
}

/// What stays, of one address or user.
void AddCreations(OptionTable& options, const std::string& whose, std::int64_t& per_minute,
                  std::int64_t& burst) {
  const std::string name = "creations-per-" + whose;
  options.AddRate(name, per_minute,
                  "Channels, bans, mutes and invites that one " + whose +
                      " may make in a minute; 0: any number",
                  0);
  options.AddRate(name + "-burst", burst, "How many of these at once, after a pause", 1);
}

}  // namespace

void AddPeerOptions(OptionTable& options, Config& config) {
  PeerLimits& limits = config.peers;
  options.Group("Limits of peers (docs/limits.md)");
  AddRate(options, "commands-per-connection", limits.commands_per_connection_per_s,
          limits.commands_per_connection_burst, "Lines or calls of one connection");
  AddRate(options, "bytes-per-connection", limits.bytes_per_connection_per_s,
          limits.bytes_per_connection_burst, "Bytes that one connection may send");
  AddRate(options, "strikes-per-connection", limits.strikes_per_connection_per_s,
          limits.strikes_per_connection_burst,
          "Calls of a gRPC connection that are refused, broken off or none of txtchat's before "
          "it is closed,");
  options.AddSize("connections-per-address", limits.connections_per_address,
                  "Connections of one address, of both transports; 0: any number", 0);
  AddRate(options, "commands-per-address", limits.commands_per_address_per_s,
          limits.commands_per_address_burst, "Lines and calls of one address");
  AddRate(options, "bytes-per-address", limits.bytes_per_address_per_s,
          limits.bytes_per_address_burst, "Bytes that one address may send");
  options.AddRate("attempts-per-address", limits.attempts_per_address_per_minute,
                  "Passwords and tokens that one address may try in a minute; 0: "
                  "any number",
                  0);
  options.AddRate("registrations-per-address", limits.registrations_per_address_per_minute,
                  "Guests and accounts that one address may register in a minute; 0: any number",
                  0);
  AddCreations(options, "address", limits.creations_per_address_per_minute,
               limits.creations_per_address_burst);
  options.AddRate("attempts-per-login", limits.attempts_per_login_per_minute,
                  "Passwords that may be tried for one login name in a minute; 0: any number", 0);
  AddRate(options, "commands-per-user", limits.commands_per_user_per_s,
          limits.commands_per_user_burst, "Commands of one user");
  AddRate(options, "bytes-per-user", limits.bytes_per_user_per_s, limits.bytes_per_user_burst,
          "Bytes of one user's commands");
  AddCreations(options, "user", limits.creations_per_user_per_minute,
               limits.creations_per_user_burst);
  options.AddRanges("shared-address-ranges", limits.shared_address_ranges,
                    "Addresses that many peers share, and that are held to no limit of one "
                    "address; none: every address is held to them");
  options.AddRanges("proxy-protocol-from", config.proxy_protocol_from,
                    "Proxies before the line ports: their connections must begin with the header "
                    "of the PROXY protocol, version 2");
}

}  // namespace txtchat::server
