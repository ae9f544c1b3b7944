// What a proxy says before its client speaks, and the addresses in it.
//
// Checked:
//   - what has come so far never says more than all of it: a header is invalid or done at one byte
//     and stays so, whatever follows;
//   - it never asks for more than a header may have, nor for nothing;
//   - an address that it names reads back as what is written, alone and as a range.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "core/ip_address.h"
#include "gateway/proxy_protocol.h"

namespace txtchat::gateway {
namespace {

using State = ProxyHeader::State;

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void CheckPrefixes(std::string_view all) {
  std::optional<ProxyHeader> decided;
  for (std::size_t size = 0; size <= all.size() && size <= kProxyHeaderBytesMax + 8; ++size) {
    const std::string piece(all.substr(0, size));  // Its own allocation: ASan guards it.
    const ProxyHeader header = ParseProxyHeader(piece);
    if (decided.has_value()) {
      Check(header == *decided, "what follows makes a difference");
    } else if (header.state == State::kNeedsMore) {
      Check(header.bytes > size, "it waits for what is there");
      Check(header.bytes <= kProxyHeaderBytesMax, "it waits for too much");
      Check(!header.source.has_value(), "it says something too soon");
    } else {
      Check(header.state == State::kInvalid || header.bytes == size,
            "it takes what is not its own");
      decided = header;
    }
  }
}

void CheckAddress(const IpAddress& address) {
  const std::string text = address.ToString();
  Check(IpAddress::Parse(text) == address, "an address does not read back");
  for (const int bits : {0, 1, 63, 64, 96, 127, 128}) {
    const IpRange range = IpRange::Around(address, bits);
    Check(range.Contains(address), "a range does not hold what it is around");
    Check(IpRange::Parse(range.ToString()) == range, "a range does not read back");
  }
}

}  // namespace
}  // namespace txtchat::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace txtchat::gateway;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  CheckPrefixes(all);
  const ProxyHeader header = ParseProxyHeader(all);
  if (header.source.has_value()) CheckAddress(header.source->address);
  if (const auto address = txtchat::IpAddress::Parse(all)) CheckAddress(*address);
  if (const auto range = txtchat::IpRange::Parse(all)) {
    Check(txtchat::IpRange::Parse(range->ToString()) == range, "a range does not read back");
  }
  return 0;
}
