#include "identity/jwt_claims.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/text.h"
#include "identity/strict_json.h"
#include "identity/subject_hash.h"

namespace txtchat::identity {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kStringBytesMax = 256;
constexpr std::size_t kChannelsMax = 100;
constexpr std::size_t kChannelIdBytesMax = 128;
constexpr std::int64_t kMsPerSecond = 1'000;
/// The end of the year 9999. A number beyond is milliseconds by mistake, or no date at all.
constexpr double kDateMax = 253'402'300'799;

absl::Status Refused(const std::string& why) { return absl::UnauthenticatedError(why); }

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

bool IsPlainText(std::string_view text, std::size_t bytes_max) {
  // The controls above ASCII are U+0080 to U+009F: C2 80 to C2 9F.
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;
  }
  return text.size() <= bytes_max && !HasControls(text) && IsValidUtf8(text);
}

/// The string of that name, empty if there is none.
absl::StatusOr<std::string> TextOf(const Json& claims, const char* name) {
  if (!claims.contains(name)) return std::string();
  const std::string* const text = FindString(claims, name);
  if (text == nullptr || text->empty() || !IsPlainText(*text, kStringBytesMax)) {
    return Refused(absl::StrCat("the token's \"", name, "\" is no text of 1 to ", kStringBytesMax,
                                " bytes without control characters"));
  }
  return *text;
}

/// A NumericDate in milliseconds; empty if there is none.
absl::StatusOr<std::optional<std::int64_t>> DateOf(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::optional<std::int64_t>();
  // As a double: exact up to 2^53, above every date.
  const double seconds = found->is_number() ? found->get<double>() : -1;
  if (!(seconds >= 0 && seconds <= kDateMax)) {
    return Refused(absl::StrCat("the token's \"", name, "\" is no time in seconds since 1970"));
  }
  return std::optional<std::int64_t>(std::llround(std::floor(seconds * kMsPerSecond)));
}

/// RFC 7519, 4.1.3: who is not among those named must refuse the token.
absl::Status CheckAudience(const Json& claims, const std::string& audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) {
    if (audience.empty()) return absl::OkStatus();
    return Refused("the token does not say that it is for this server: it has no \"aud\"");
  }
  const auto is_us = [&](const Json& name) {
    return !audience.empty() && name.is_string() && name.get_ref<const std::string&>() == audience;
  };
  const bool for_us =
      found->is_array() ? std::any_of(found->begin(), found->end(), is_us) : is_us(*found);
  return for_us ? absl::OkStatus()
                : Refused("the token is for others: its \"aud\" does not name this server");
}

absl::StatusOr<std::vector<std::string>> ChannelsOf(const Json& claims) {
  std::vector<std::string> channels;
  const auto found = claims.find("channels");
  if (found == claims.end()) return channels;
  const auto malformed = [] {
    return Refused(absl::StrCat("the token's \"channels\" are no list of ", kChannelsMax,
                                " ids of 1 to ", kChannelIdBytesMax, " bytes at the most"));
  };
  if (!found->is_array() || found->size() > kChannelsMax) return malformed();
  for (const Json& entry : *found) {
    const std::string* const id = entry.get_ptr<const std::string*>();
    if (id == nullptr || id->empty() || !IsPlainText(*id, kChannelIdBytesMax)) return malformed();
    channels.push_back(*id);
  }
  return channels;
}

/// Fills in what says who it is.
absl::Status ReadUser(const Json& claims, const JwtOptions& options, Vouched& user) {
  const absl::StatusOr<std::string> issuer = TextOf(claims, "iss");
  if (!issuer.ok()) return issuer.status();
  if (!options.issuer.empty() && *issuer != options.issuer) {
    return Refused("the token is of another issuer than this server's");
  }
  const absl::StatusOr<std::string> subject = TextOf(claims, "sub");
  if (!subject.ok()) return subject.status();
  if (subject->empty()) return Refused("the token does not say whose it is: it has no \"sub\"");
  absl::StatusOr<std::string> name = TextOf(claims, "name");
  if (!name.ok()) return name.status();
  absl::StatusOr<std::vector<std::string>> channels = ChannelsOf(claims);
  if (!channels.ok()) return channels.status();
  user.subject = absl::StrCat("jwt:", *issuer, ":", *subject);
  user.subject_hash = HashOfSubject(user.subject);
  user.display_name = *std::move(name);
  user.channel_ids = *std::move(channels);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JwtClaims> ParseJwtClaims(std::string_view json, const JwtOptions& options) {
  const std::optional<Json> object = ParseStrictObject(json, kDepthMax);
  if (!object.has_value()) return Refused("the token's claims are not strict JSON");
  JwtClaims claims;
  if (absl::Status s = CheckAudience(*object, options.audience); !s.ok()) return s;
  if (absl::Status s = ReadUser(*object, options, claims.vouched); !s.ok()) return s;
  const absl::StatusOr<std::optional<std::int64_t>> expiry = DateOf(*object, "exp");
  if (!expiry.ok()) return expiry.status();
  if (!expiry->has_value()) {
    return Refused("the token does not say until when it is valid: it has no \"exp\"");
  }
  claims.vouched.expire_time_unix_ms = **expiry + options.leeway_ms;
  const absl::StatusOr<std::optional<std::int64_t>> begin = DateOf(*object, "nbf");
  if (!begin.ok()) return begin.status();
  if (begin->has_value()) claims.valid_from_unix_ms = **begin - options.leeway_ms;
  // When it was issued says nothing about whether it counts; but it must be a time.
  if (absl::Status s = DateOf(*object, "iat").status(); !s.ok()) return s;
  return claims;
}

absl::Status CheckJwtTime(const JwtClaims& claims, std::int64_t now_unix_ms) {
  if (now_unix_ms >= claims.vouched.expire_time_unix_ms) return Refused("the token has expired");
  if (now_unix_ms < claims.valid_from_unix_ms) return Refused("the token is not valid yet");
  return absl::OkStatus();
}

}  // namespace txtchat::identity
