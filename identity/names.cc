#include "identity/names.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace txtchat::identity {
namespace {

icu::UnicodeString FromUtf8(std::string_view text) {
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

// With tables that were loaded, ICU fails for want of memory only.
void DemandSuccess(UErrorCode status) {
  if (U_FAILURE(status)) throw std::bad_alloc();
}

bool IsBlank(UChar32 c) {
  constexpr UChar32 kBlankBraille = 0x2800;  // No space to Unicode, but it looks like one.
  return u_isUWhiteSpace(c) || c == kBlankBraille;
}

/// Calls `use` with each code point.
template <typename Use>
void ForEach(const icu::UnicodeString& text, Use use) {
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) use(text.char32At(i));
}

icu::UnicodeString WithoutIgnorables(const icu::UnicodeString& text) {
  icu::UnicodeString rest;
  ForEach(text, [&](UChar32 c) {
    if (!u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) rest.append(c);
  });
  return rest;
}

/// Whether these are ASCII characters, with accents or without. `text` is in NFD.
bool LooksAscii(const icu::UnicodeString& text) {
  bool looks = true;
  ForEach(text,
          [&](UChar32 c) { looks = looks && (c < 0x80 || u_charType(c) == U_NON_SPACING_MARK); });
  return looks;
}

// A capital I looks like a small L, and is a small i. So these three are one, as soon as case makes
// no difference; likewise 0, O and o.
UChar32 OneOfItsCases(UChar32 c) {
  if (c == 'i') return 'l';
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/// Without blanks at the ends, and one between words.
icu::UnicodeString Trimmed(const icu::UnicodeString& skeleton) {
  icu::UnicodeString trimmed;
  bool blank = false;
  ForEach(skeleton, [&](UChar32 c) {
    if (IsBlank(c)) {
      blank = true;
      return;
    }
    if (blank && !trimmed.isEmpty()) trimmed.append(static_cast<UChar32>(' '));
    blank = false;
    trimmed.append(c);
  });
  return trimmed;
}

icu::UnicodeString WithoutAsciiCase(const icu::UnicodeString& skeleton) {
  icu::UnicodeString caseless;
  ForEach(skeleton, [&](UChar32 c) { caseless.append(OneOfItsCases(c)); });
  return caseless;
}

}  // namespace

struct IcuNameFolder::Tables {
  icu::LocalUSpoofCheckerPointer confusables;
  const icu::Normalizer2* nfkc = nullptr;
  const icu::Normalizer2* nfkc_casefold = nullptr;

  icu::UnicodeString Fold(const icu::UnicodeString& text) const {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString folded = nfkc_casefold->normalize(text, status);
    DemandSuccess(status);
    return folded;
  }

  icu::UnicodeString Compose(const icu::UnicodeString& text) const {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString composed = nfkc->normalize(text, status);
    DemandSuccess(status);
    return composed;
  }

  icu::UnicodeString Prototype(const icu::UnicodeString& text) const {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString prototype;
    uspoof_getSkeletonUnicodeString(confusables.getAlias(), 0, text, prototype, &status);
    DemandSuccess(status);
    return prototype;
  }

  // A prototype may be a capital (0 has O), the prototype of whose small form is yet another one (M
  // has itself, m has rn).
  icu::UnicodeString WithoutCase(const icu::UnicodeString& prototype) const {
    return Prototype(Fold(prototype));
  }
};

absl::StatusOr<std::unique_ptr<IcuNameFolder>> IcuNameFolder::Create() {
  UErrorCode status = U_ZERO_ERROR;
  auto tables = std::make_unique<Tables>();
  tables->confusables.adoptInstead(uspoof_open(&status));
  tables->nfkc = icu::Normalizer2::getNFKCInstance(status);
  tables->nfkc_casefold = icu::Normalizer2::getNFKCCasefoldInstance(status);
  if (U_FAILURE(status)) {
    return absl::InternalError(
        absl::StrCat("ICU's tables of characters could not be loaded (", u_errorName(status), ")"));
  }
  return std::unique_ptr<IcuNameFolder>(new IcuNameFolder(std::move(tables)));
}

IcuNameFolder::IcuNameFolder(std::unique_ptr<const Tables> tables) : tables_(std::move(tables)) {}
IcuNameFolder::~IcuNameFolder() = default;

// Case hides what looks alike: a Greek capital Beta looks like B, but a small one does not look
// like b. So a name that looks like ASCII as it is written counts as that, in either case. Others
// count as they are written, and folded, each by itself.
std::vector<std::string> IcuNameFolder::Skeletons(std::string_view name) const {
  const auto finished = [](const icu::UnicodeString& caseless) {
    return ToUtf8(Trimmed(WithoutAsciiCase(caseless)));
  };
  const icu::UnicodeString written = FromUtf8(name);
  const icu::UnicodeString seen = tables_->Prototype(WithoutIgnorables(tables_->Compose(written)));
  const icu::UnicodeString caseless = tables_->WithoutCase(seen);
  if (LooksAscii(caseless)) return {finished(caseless)};
  const icu::UnicodeString folded = tables_->Prototype(tables_->Fold(written));
  std::vector<std::string> skeletons{finished(tables_->WithoutCase(folded))};
  std::string as_written = ToUtf8(Trimmed(seen));
  if (as_written != skeletons[0]) skeletons.push_back(std::move(as_written));
  return skeletons;
}

std::string IcuNameFolder::FoldLogin(std::string_view login) const {
  return ToUtf8(tables_->Fold(FromUtf8(login)));
}

}  // namespace txtchat::identity
