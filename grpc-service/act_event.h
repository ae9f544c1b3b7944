#pragma once

#include <string>

#include "core/event.h"

namespace txtchat::rpc {

/// Appends an act of moderation, or what is left of a removed message, as one event of a
/// SubscribeResponse. Pure; thread-safe.
void AppendActEvent(const Event& event, std::string& out);

}  // namespace txtchat::rpc
