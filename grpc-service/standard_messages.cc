#include "grpc-service/standard_messages.h"

#include <cstdint>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpc-service/proto_wire.h"

namespace txtchat::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

/// Calls `on_text(field, bytes)` and `on_number(field, value)` for each field of a message; false
/// if the bytes are none. Fields of other types are skipped.
template <typename OnText, typename OnNumber>
bool ReadFields(std::string_view message, OnText on_text, OnNumber on_number) {
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(message.data()),
                         static_cast<int>(message.size()));
  while (const std::uint32_t tag = input.ReadTag()) {
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    const WireFormatLite::WireType type = WireFormatLite::GetTagWireType(tag);
    if (type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      std::uint32_t size = 0;
      std::string bytes;
      if (!input.ReadVarint32(&size) || size > message.size() ||
          !input.ReadString(&bytes, static_cast<int>(size))) {
        return false;
      }
      on_text(field, std::move(bytes));
    } else if (type == WireFormatLite::WIRETYPE_VARINT) {
      std::uint64_t value = 0;
      if (!input.ReadVarint64(&value)) return false;
      on_number(field, value);
    } else if (!WireFormatLite::SkipField(&input, tag)) {
      return false;
    }
  }
  return input.ConsumedEntireMessage();
}

// --- Reflection: fields of the messages (grpc/reflection/v1alpha/reflection.proto).

/// What a ServerReflectionRequest asks for.
enum Question {
  kNothing = 0,
  kFileByName = 3,
  kFileOfSymbol = 4,
  kFileOfExtension = 5,
  kExtensionsOfType = 6,
  kListServices = 7,
};

/// Fields of a ServerReflectionResponse.
constexpr int kOriginalRequest = 2;
constexpr int kFiles = 4;
constexpr int kExtensions = 5;
constexpr int kServices = 6;
constexpr int kError = 7;

std::string NotFound() {
  std::string error;
  PutTag(1, kVarint, error);
  PutVarint(static_cast<std::uint64_t>(absl::StatusCode::kNotFound), error);
  PutBytes(2, "this server has nothing of that name", error);
  std::string out;
  PutBytes(kError, error, out);
  return out;
}

/// The file and all that it stands on, each once.
void PutFiles(const FileDescriptor& file, std::set<const FileDescriptor*>& seen, std::string& out) {
  if (!seen.insert(&file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  PutBytes(1, proto.SerializeAsString(), out);
  for (int i = 0; i < file.dependency_count(); ++i) PutFiles(*file.dependency(i), seen, out);
}

std::string FilesOf(const FileDescriptor* file) {
  if (file == nullptr) return NotFound();
  std::set<const FileDescriptor*> seen;
  std::string files;
  PutFiles(*file, seen, files);
  std::string out;
  PutBytes(kFiles, files, out);
  return out;
}

std::string FileOfExtension(std::string_view extension) {
  std::string type;
  int number = 0;
  const bool ok = ReadFields(
      extension,
      [&](int field, std::string text) {
        if (field == 1) type = std::move(text);
      },
      [&](int field, std::uint64_t value) {
        if (field == 2) number = static_cast<int>(value);
      });
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* const of = ok ? pool.FindMessageTypeByName(type) : nullptr;
  const auto* const found = of == nullptr ? nullptr : pool.FindExtensionByNumber(of, number);
  return FilesOf(found == nullptr ? nullptr : found->file());
}

std::string ExtensionsOf(const std::string& type) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* const of = pool.FindMessageTypeByName(type);
  if (of == nullptr) return NotFound();
  std::vector<const google::protobuf::FieldDescriptor*> all;
  // ThreadSanitizer takes the end of this call for a wrong unlock; none of our types needs it.
  if (of->extension_range_count() > 0) pool.FindAllExtensions(of, &all);
  std::string numbers;
  for (const auto* each : all) PutVarint(static_cast<std::uint64_t>(each->number()), numbers);
  std::string response;
  PutBytes(1, type, response);
  PutBytes(2, numbers, response);
  std::string out;
  PutBytes(kExtensions, response, out);
  return out;
}

std::string ListOf(const std::vector<std::string>& services) {
  std::string list;
  for (const std::string& name : services) {
    std::string service;
    PutBytes(1, name, service);
    PutBytes(1, service, list);
  }
  std::string out;
  PutBytes(kServices, list, out);
  return out;
}

std::string AnswerOf(int question, const std::string& name,
                     const std::vector<std::string>& services) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  switch (question) {
    case kFileByName:
      return FilesOf(pool.FindFileByName(name));
    case kFileOfSymbol:
      return FilesOf(pool.FindFileContainingSymbol(name));
    case kFileOfExtension:
      return FileOfExtension(name);
    case kExtensionsOfType:
      return ExtensionsOf(name);
    default:
      return ListOf(services);
  }
}

}  // namespace

std::optional<std::string> ParseHealthRequest(std::string_view request) {
  std::string service;
  const bool ok = ReadFields(
      request,
      [&](int field, std::string text) {
        if (field == 1) service = std::move(text);
      },
      [](int, std::uint64_t) {});
  if (!ok || service.size() > kServiceNameBytesMax) return std::nullopt;
  return service;
}

std::string HealthResponse(Serving serving) {
  std::string out;
  PutTag(1, kVarint, out);
  PutVarint(static_cast<std::uint64_t>(serving), out);
  return out;
}

std::optional<std::string> ReflectionResponse(std::string_view request,
                                              const std::vector<std::string>& services) {
  int question = kNothing;
  std::string name;
  const bool ok = ReadFields(
      request,
      [&](int field, std::string text) {
        if (field < kFileByName || field > kListServices) return;
        question = field;  // The last one counts.
        name = std::move(text);
      },
      [](int, std::uint64_t) {});
  if (!ok || question == kNothing) return std::nullopt;
  std::string out;
  PutBytes(kOriginalRequest, request, out);
  return out + AnswerOf(question, name, services);
}

}  // namespace txtchat::rpc
