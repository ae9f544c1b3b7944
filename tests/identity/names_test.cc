#include "identity/names.h"

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace txtchat::identity {
namespace {

const NameFolder& Names() {
  static const std::unique_ptr<IcuNameFolder> names = *IcuNameFolder::Create();
  return *names;
}

std::string Skeleton(const std::string& name) { return Names().Skeleton(name); }

bool LookAlike(const std::string& a, const std::string& b) { return Skeleton(a) == Skeleton(b); }

TEST(Skeleton, IsOneOfNamesThatLookAlike) {
  const std::pair<const char*, const char*> pairs[] = {
      {"alice", "aIice"},                    // A capital I for an l.
      {"alice", "a1ice"},                    // A digit.
      {"alice", "a|ice"},                    // A bar.
      {"Ian", "lan"},                        //
      {"bob", "b0b"},                        //
      {"modern", "modem"},                   // r and n.
      {"Modern", "rnodern"},                 //
      {"alice", "аlice"},                    // Cyrillic.
      {"paypal", "раураl"},                  //
      {"scope", "ѕсоре"},                    //
      {"Bob", "Βob"},                        // A Greek capital.
      {"BOB", "ВОВ"},                        // Cyrillic, all of it.
      {"Nick", "Νісk"},                      //
      {"Béatrice", "Βéatrice"},              // A Greek capital, and an accent.
      {"alice", "ａｌｉｃｅ"},               // Full width.
      {"alice", "𝐚𝒍𝓲𝕔𝖊"},                    // Mathematical letters.
      {"office", "oﬃce"},                    // A ligature.
      {"alice", "al\u200Dice"},              // Joiners, and others that nobody sees.
      {"alice", "al\u200Bi\u00ADce\uFEFF"},  //
      {"alice", "\u202Ealice\u202C"},        // Directions.
      {"alice", "alice\uFE0F\U000E0061"},    // A variation selector, a tag.
      {"é", "e\u0301"},                      // Composed or not.
      {"a\u0323\u0307", "a\u0307\u0323"},    // In whatever order.
      {"a b", "a\u00A0\u3000b"},             // Spaces of all kinds.
      {"a b", " a \u2003 b\u2800"},          //
      {"a b", "a\u1680b"},                   //
  };
  for (const auto& [a, b] : pairs) {
    EXPECT_TRUE(LookAlike(a, b)) << a << " has " << Skeleton(a) << ", " << b << " has "
                                 << Skeleton(b);
  }
}

TEST(Skeleton, IsOneOfEveryCase) {
  for (const auto& [a, b] :
       std::vector<std::pair<const char*, const char*>>{{"Alice", "aLICE"},
                                                        {"MIMI", "mimi"},
                                                        {"Straße", "STRASSE"},
                                                        {"Вася", "вася"},
                                                        {"ВАСЯ", "вася"},
                                                        {"Οδυσσέας", "ΟΔΥΣΣΈΑΣ"},
                                                        {"Éric", "éRIC"},
                                                        {"OOO", "ooo"}}) {
    EXPECT_TRUE(LookAlike(a, b)) << a << " has " << Skeleton(a) << ", " << b << " has "
                                 << Skeleton(b);
  }
}

TEST(Skeleton, OfPlainNamesThatDifferDiffers) {
  std::map<std::string, std::string> names;
  const auto expect_new = [&](const std::string& name) {
    const auto [at, is_new] = names.emplace(Skeleton(name), name);
    EXPECT_TRUE(is_new) << name << " looks like " << at->second;
  };
  for (int i = 1; i <= 999; ++i) expect_new(absl::StrCat("user", i));
  for (const char* name :
       {"alice", "bob",  "carol",   "dave",   "eve",  "frank", "grace", "heidi",   "ivan",
        "judy",  "kim",  "mallory", "nick",   "vick", "oscar", "peggy", "rupert",  "sybil",
        "trent", "uma",  "victor",  "walter", "xena", "yves",  "zoe",   "ann",     "anna",
        "hanna", "jan",  "jon",     "john",   "joan", "josé",  "jose",  "béa",     "bea",
        "a b",   "ab",   "вася",    "петя",   "маша", "Мария", "Νίκος", "Γιώργος", "日本",
        "本日",  "田中", "김",      "이",     "محمد", "אבי",   "😀",     "😁"}) {
    expect_new(name);
  }
}

TEST(Skeleton, KeepsSpacesBetweenWordsOnly) {
  EXPECT_EQ(Skeleton("  a   b  "), "a b");
  EXPECT_EQ(Skeleton("   "), "");
  EXPECT_EQ(Skeleton(""), "");
  EXPECT_EQ(Skeleton("\u200D\u3164"), "") << "nothing to see";
  EXPECT_FALSE(LookAlike("a b", "ab"));
}

TEST(Skeleton, TakesAnyBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      (void)Skeleton({static_cast<char>(first), static_cast<char>(second)});
    }
  }
  EXPECT_TRUE(LookAlike("a\xFF", "a\xFE"));
}

TEST(Skeleton, IsItsOwn) {
  for (const char* name : {"Alice", "M0dem", "аlice", "Вася", "Straße", " é  x "}) {
    EXPECT_EQ(Skeleton(Skeleton(name)), Skeleton(name)) << name;
  }
}

TEST(Skeleton, IsTheSameOnEveryThread) {
  const std::string expected = Skeleton("Аlice Εxample");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) ASSERT_EQ(Skeleton("Аlice Εxample"), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(FoldLogin, IsOneOfEveryCaseAndForm) {
  EXPECT_EQ(Names().FoldLogin("Alice"), "alice");
  EXPECT_EQ(Names().FoldLogin("ＡＬＩＣＥ"), "alice");
  EXPECT_EQ(Names().FoldLogin("STRASSE"), Names().FoldLogin("straße"));
  EXPECT_EQ(Names().FoldLogin("e\u0301"), "é");
  EXPECT_EQ(Names().FoldLogin("al\u200Dice"), "alice");
}

TEST(FoldLogin, KeepsWhatOnlyLooksAlikeApart) {
  EXPECT_NE(Names().FoldLogin("alice"), Names().FoldLogin("аlice"));
  EXPECT_NE(Names().FoldLogin("bob"), Names().FoldLogin("b0b"));
}

}  // namespace
}  // namespace txtchat::identity
