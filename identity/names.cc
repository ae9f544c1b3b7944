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

icu::UnicodeString Finished(const icu::UnicodeString& skeleton) {
  icu::UnicodeString finished;
  bool blank = false;
  ForEach(skeleton, [&](UChar32 c) {
    if (IsBlank(c)) {
      blank = true;
      return;
    }
    if (blank && !finished.isEmpty()) finished.append(static_cast<UChar32>(' '));
    blank = false;
    finished.append(OneOfItsCases(c));
  });
  return finished;
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
  icu::UnicodeString CaselessPrototype(const icu::UnicodeString& text) const {
    return Prototype(Fold(Prototype(text)));
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
// like b. So a name that looks like ASCII as it is written counts as that; others are folded first,
// that their case makes no difference.
std::string IcuNameFolder::Skeleton(std::string_view name) const {
  const icu::UnicodeString written = FromUtf8(name);
  const icu::UnicodeString seen =
      tables_->CaselessPrototype(WithoutIgnorables(tables_->Compose(written)));
  if (LooksAscii(seen)) return ToUtf8(Finished(seen));
  return ToUtf8(Finished(tables_->CaselessPrototype(tables_->Fold(written))));
}

std::string IcuNameFolder::FoldLogin(std::string_view login) const {
  return ToUtf8(tables_->Fold(FromUtf8(login)));
}

}  // namespace txtchat::identity
