// What every fuzz target does with what must hold.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace txtchat {

inline void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace txtchat
