#include "identity/certificates.h"

#include <string>

#include "gtest/gtest.h"
#include "identity/subject_hash.h"
#include "tests/testing/certificates.h"

namespace txtchat::identity {
namespace {

TEST(Certificates, VouchForTheirCommonNameUntilTheyExpire) {
  const testing::Authority authority("authority");
  const auto vouched = OpensslCertificateReader().Read(authority.Issue("ann").certificate);
  ASSERT_TRUE(vouched.ok()) << vouched.status();
  EXPECT_EQ(vouched->subject, "cert:ann");
  EXPECT_EQ(vouched->display_name, "ann");
  EXPECT_EQ(vouched->subject_hash, HashOfSubject("cert:ann"));
  EXPECT_GT(vouched->expire_time_unix_ms, 1'700'000'000'000);
  EXPECT_TRUE(vouched->channel_ids.empty());
}

TEST(Certificates, NameNobodyWithoutANameThatUsersCanHave) {
  const testing::Authority authority("authority");
  const OpensslCertificateReader reader;
  for (const std::string& pem :
       {std::string(), std::string("nonsense"), authority.Issue("an$n").certificate,
        authority.Issue(std::string("a\nb")).certificate}) {
    EXPECT_EQ(reader.Read(pem).status().code(), absl::StatusCode::kUnauthenticated) << pem;
  }
}

}  // namespace
}  // namespace txtchat::identity
