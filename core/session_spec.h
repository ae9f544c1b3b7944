#pragma once

#include <string>

#include "core/event.h"
#include "core/wire_format.h"

namespace txtchat {

class DeliveryLane;

/// A stream of events to one client.
struct SessionSpec {
  SessionId id = 0;
  DeliveryLane* lane = nullptr;  ///< Outlives the sequencer.
  WireFormat format = WireFormat::kProto;
  /// Whether the creator of a channel is sent the event of its own joining. Line dialects answer a
  /// creation with the id alone.
  bool sees_own_creation = true;
};

struct UserInfo {
  std::string id;
  std::string display_name;
};

}  // namespace txtchat
