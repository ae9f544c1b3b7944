// How an act of moderation stands in the database: in the place of a message's text.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/event.h"

namespace txtchat::storage {

/// `1,ROLE,SEQUENCE,UNTIL,N,M:` and then the id of the target in N bytes, its name in M bytes and
/// the text in the rest, whatever these hold. 1 is the version of the form.
std::string EncodeAct(const Act& act);

/// The act that was encoded so. DATA_LOSS for everything that EncodeAct does not make.
absl::StatusOr<Act> DecodeAct(std::string_view bytes);

}  // namespace txtchat::storage
