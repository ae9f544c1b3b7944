// Acts of moderation as the database has them.
//
// The input is taken twice: as what a damaged database holds, and as the fields of an act. Checked:
//   - what is accepted is, byte for byte, what encoding makes of it;
//   - everything else is DATA_LOSS;
//   - every act reads back as it was.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/check.h"
#include "storage/act_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using txtchat::Check;
  using namespace txtchat::storage;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto decoded = DecodeAct(bytes);
  if (decoded.ok()) {
    Check(EncodeAct(*decoded) == bytes, "an act has two forms");
  } else {
    Check(decoded.status().code() == absl::StatusCode::kDataLoss, "a refusal is another");
  }

  FuzzedDataProvider input(data, size);
  txtchat::Act act;
  act.role = static_cast<txtchat::Role>(input.ConsumeIntegralInRange(0, 2));
  act.target_sequence = input.ConsumeIntegral<std::uint64_t>();
  act.until_unix_ms = input.ConsumeIntegral<std::int64_t>();
  act.target_id = input.ConsumeRandomLengthString();
  act.target_name = input.ConsumeRandomLengthString();
  act.text = input.ConsumeRemainingBytesAsString();
  const auto again = DecodeAct(EncodeAct(act));
  Check(again.ok() && *again == act, "an act does not read back");
  return 0;
}
