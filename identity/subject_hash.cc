#include "identity/subject_hash.h"

#include "identity/secrets.h"

namespace txtchat::identity {

std::string HashOfSubject(std::string_view subject) {
  return SodiumSecrets().HashOf(subject).substr(0, 16);
}

}  // namespace txtchat::identity
