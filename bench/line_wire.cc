#include "bench/line_wire.h"

#include "bench/txtchat_wire.h"

namespace txtchat::bench {

std::unique_ptr<LineWire> MakeWire(const Options& options) {
  return std::make_unique<TxtchatWire>(options.dialect, options.text_bytes);
}

}  // namespace txtchat::bench
