#include "identity/names.h"

#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace txtchat::identity {
namespace {

const NameFolder& Names() {
  static const std::unique_ptr<IcuNameFolder> names = *IcuNameFolder::Create();
  return *names;
}

std::string Skeletons(const std::string& name) {
  return absl::StrJoin(Names().Skeletons(name), " or ");
}

bool LookAlike(const std::string& a, const std::string& b) {
  const std::vector<std::string> ones = Names().Skeletons(a);
  const std::vector<std::string> others = Names().Skeletons(b);
  return absl::c_any_of(ones,
                        [&](const std::string& one) { return absl::c_linear_search(others, one); });
}

TEST(Skeletons, IsOneOfNamesThatLookAlike) {
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
      {"Максим", "Mаксим"},                  // A Latin capital before Cyrillic letters.
      {"Вася", "Bася"},                      //
      {"НИНА", "HИHА"},                      //
      {"Νίκος", "Nίκος"},                    // Before Greek ones.
  };
  for (const auto& [a, b] : pairs) {
    EXPECT_TRUE(LookAlike(a, b)) << a << " has " << Skeletons(a) << ", " << b << " has "
                                 << Skeletons(b);
  }
}

TEST(Skeletons, IsOneOfEveryCase) {
  for (const auto& [a, b] :
       std::vector<std::pair<const char*, const char*>>{{"Alice", "aLICE"},
                                                        {"MIMI", "mimi"},
                                                        {"Straße", "STRASSE"},
                                                        {"Вася", "вася"},
                                                        {"ВАСЯ", "вася"},
                                                        {"Οδυσσέας", "ΟΔΥΣΣΈΑΣ"},
                                                        {"Éric", "éRIC"},
                                                        {"OOO", "ooo"}}) {
    EXPECT_TRUE(LookAlike(a, b)) << a << " has " << Skeletons(a) << ", " << b << " has "
                                 << Skeletons(b);
  }
}

TEST(Skeletons, OfPlainNamesThatDifferDiffers) {
  std::map<std::string, std::string> names;
  const auto expect_new = [&](const std::string& name) {
    for (const std::string& skeleton : Names().Skeletons(name)) {
      const auto [at, is_new] = names.emplace(skeleton, name);
      EXPECT_TRUE(is_new) << name << " looks like " << at->second;
    }
  };
  for (int i = 1; i <= 999; ++i) expect_new(absl::StrCat("user", i));
  for (const char* name :
       {"alice",   "bob",   "carol",   "dave",   "eve",    "frank", "grace", "heidi",   "ivan",
        "judy",    "kim",   "mallory", "nick",   "vick",   "oscar", "peggy", "rupert",  "sybil",
        "trent",   "uma",   "victor",  "walter", "xena",   "yves",  "zoe",   "ann",     "anna",
        "hanna",   "jan",   "jon",     "john",   "joan",   "josé",  "jose",  "béa",     "bea",
        "a b",     "ab",    "вася",    "петя",   "маша",   "Мария", "Νίκος", "Γιώργος", "日本",
        "本日",    "田中",  "김",      "이",     "محمد",   "אבי",   "😀",     "😁",       "Анна",
        "Инна",    "Нина",  "Нонна",   "Тимур",  "Тамара", "Рита",  "Вера",  "Света",   "Роман",
        "Руслан",  "Һаман", "Наман",   "Ольга",  "Олег",   "Ηλίας", "Ήρα",   "Χρήστος", "Ρένα",
        "Βασίλης", "Ёлка",  "Елка",    "Їжак"}) {
    expect_new(name);
  }
}

TEST(Skeletons, KeepsSpacesBetweenWordsOnly) {
  EXPECT_EQ(Skeletons("  a   b  "), "a b");
  EXPECT_EQ(Skeletons("   "), "");
  EXPECT_EQ(Skeletons(""), "");
  EXPECT_EQ(Skeletons("\u200D\u3164"), "") << "nothing to see";
  EXPECT_FALSE(LookAlike("a b", "ab"));
}

TEST(Skeletons, TakesAnyBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      (void)Names().Skeletons(std::string{static_cast<char>(first), static_cast<char>(second)});
    }
  }
  EXPECT_TRUE(LookAlike("a\xFF", "a\xFE"));
}

TEST(Skeletons, LooksLikeItsName) {
  for (const char* name : {"Alice", "M0dem", "аlice", "Вася", "Straße", " é  x "}) {
    for (const std::string& skeleton : Names().Skeletons(name)) {
      EXPECT_TRUE(LookAlike(skeleton, name)) << name << " and its " << skeleton;
    }
  }
}

TEST(Skeletons, IsTheSameOnEveryThread) {
  const std::string expected = Skeletons("Аlice Εxample");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) ASSERT_EQ(Skeletons("Аlice Εxample"), expected);
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
