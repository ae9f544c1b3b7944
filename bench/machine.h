#pragma once

#include <cstdint>
#include <string>

namespace txtchat::bench {

/// What a result was measured on.
struct Machine {
  std::string cpu;
  std::uint32_t cores = 0;          ///< Online.
  std::uint32_t cores_allowed = 0;  ///< That this process may use (taskset, containers).
  std::uint64_t memory_bytes = 0;
  std::string kernel;
};

/// Reads it from the system; what cannot be read stays empty.
Machine ThisMachine();

}  // namespace txtchat::bench
