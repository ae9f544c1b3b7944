// Requests of the API, from bytes to what the core makes of them.
//
// The input is a series of calls by a few actors: each call is the bytes of a request of any of the
// three services. It is parsed and made a command as the services do, and the whole core on one
// thread decides it, with a store in memory. A field that names a channel, a user, a token or an
// invite and holds one character is given one that exists. Checked:
//   - every command is answered, once;
//   - sequence numbers of each channel have no holes, in the answers, in what a subscriber is sent
//     and in the store;
//   - what a subscriber is sent is well-formed SubscribeResponses, in UTF-8, of the channels that
//   it
//     is in;
//   - answers can be made responses of the API.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/chat_engine.h"
#include "core/delivery_lane.h"
#include "core/history_reader.h"
#include "core/subscription.h"
#include "fuzz/check.h"
#include "fuzz/request_world_parts.h"
#include "grpc-service/conversions.h"
#include "grpc-service/proto_encoder.h"
#include "grpc-service/requests.h"
#include "storage/memory_store.h"

namespace txtchat::rpc {
namespace {

constexpr int kCallsMax = 60;
constexpr std::size_t kActors = 4;
constexpr std::int64_t kBeginMs = 1'700'000'000'000;

const ProtoEncoder& Encoder() {
  static const ProtoEncoder encoder;
  return encoder;
}

EncoderSet Encoders() {
  EncoderSet encoders;
  encoders.fill(&Encoder());
  return encoders;
}

Limits SmallLimits() {
  Limits limits;
  limits.users_max = 12;
  limits.channels_max = 10;
  limits.channels_per_user_max = 6;
  limits.sessions_per_user_max = 3;
  limits.sanctions_per_channel_max = 3;
  limits.invites_per_channel_max = 3;
  limits.queue_events_max = 8;
  limits.tokens_per_user_max = 3;
  limits.page_size_default = 2;
  limits.store_page_events_max = 4;
  return limits;
}

class World {
 public:
  World()
      : memory_(limits_.store_bytes_max),
        history_(&memory_, Encoders(), limits_, /*threads=*/0),
        lane_(&history_),
        engine_(limits_, Encoders(), &memory_) {
    Check(engine_.Recover(now_ms_).ok(), "an empty store cannot be read");
    for (std::size_t i = 0; i < kActors; ++i) {
      v1::RegisterRequest request;
      request.set_display_name(absl::StrCat("user ", i));
      Actor& actor = actors_.emplace_back();
      actor.credential = absl::StrCat("#token", i);
      Run({}, CommandOf(request, actor.credential, secrets_));
    }
  }

  void Call(FuzzedDataProvider& input) {
    actor_ = input.ConsumeIntegralInRange<std::size_t>(0, kActors - 1);
    const int kind = input.ConsumeIntegralInRange(0, 33);
    if (kind == 33) {  // Time passes; what falls due happens with the next command.
      now_ms_ += input.ConsumeIntegralInRange<std::int64_t>(0, 4 * 3'600'000);
      Process({});
      return;
    }
    bytes_ = input.ConsumeRandomLengthString(512);
    Dispatch(kind);
  }

  void CheckStore() {
    for (const auto& [channel, head] : lane_.heads) {
      const auto page = memory_.Read({.channel = channel,
                                      .after = 0,
                                      .up_to = head,
                                      .events_max = 100'000,
                                      .bytes_max = 100'000'000});
      Check(page.ok(), "the store cannot be read");
      for (std::size_t i = 1; i < page->size(); ++i) {
        Check((*page)[i]->sequence == (*page)[i - 1]->sequence + 1, "the store has a hole");
      }
    }
  }

 private:
  /// One of each service's requests, by number.
  void Dispatch(int kind) {
    switch (kind) {
      case 0:
        return Take<v1::CreateChannelRequest>();
      case 1:
        return Take<v1::OpenDirectChannelRequest>();
      case 2:
        return Take<v1::GetChannelRequest>();
      case 3:
        return TakeList<v1::ListChannelsRequest>();
      case 4:
        return TakeList<v1::ListMembersRequest>();
      case 5:
        return Take<v1::JoinChannelRequest>();
      case 6:
        return Take<v1::LeaveChannelRequest>();
      case 7:
      case 8:
      case 9:
        return Take<v1::SendMessageRequest>();
      case 10:
        return Take<v1::SetTopicRequest>();
      case 11:
        return Take<v1::RenameChannelRequest>();
      case 12:
        return Take<v1::DeleteChannelRequest>();
      case 13:
        return Take<v1::DeleteMessageRequest>();
      case 14:
        return Take<v1::KickMemberRequest>();
      case 15:
        return Take<v1::BanRequest>();
      case 16:
        return Take<v1::UnbanRequest>();
      case 17:
        return Take<v1::MuteRequest>();
      case 18:
        return Take<v1::UnmuteRequest>();
      case 19:
        return Take<v1::ListSanctionsRequest>();
      case 20:
        return Take<v1::SetRoleRequest>();
      case 21:
        return Take<v1::AddMemberRequest>();
      case 22:
        return Take<v1::ListInvitesRequest>();
      case 23:
        return Take<v1::RevokeInviteRequest>();
      case 24:
        return Take<v1::WhoAmIRequest>();
      case 25:
        return Take<v1::SetDisplayNameRequest>();
      case 26:
        return Take<v1::ListTokensRequest>();
      case 27:
        return Take<v1::RevokeTokenRequest>();
      case 28: {
        v1::RegisterRequest request;
        // A token that nobody has, or the same again.
        if (Read(request)) Run({}, CommandOf(request, secrets_.HashOf("new"), secrets_));
        return;
      }
      case 29: {
        v1::CreateInviteRequest request;
        if (Read(request)) RunAs(CommandOf(request, "#code", secrets_));
        return;
      }
      case 30: {
        v1::JoinByInviteRequest request;
        if (!Read(request)) return;
        if (request.code().size() == 1) request.set_code("code");
        RunAs(CommandOf(request, secrets_));
        return;
      }
      case 31: {
        v1::SubscribeRequest request;
        if (!Read(request)) return;
        RunAs(CommandOf(request, {.id = ++last_session_, .lane = &lane_}));
        return;
      }
      default:
        RunAs(CloseSession{}, 1 + bytes_.size() % (last_session_ + 1));
        return;
    }
  }

  template <typename Request>
  void Take() {
    Request request;
    if (Read(request)) RunAs(CommandOf(request));
  }
  template <typename Request>
  void TakeList() {
    Request request;
    if (Read(request)) RunAs(CommandOf(request, limits_));
  }

  template <typename Request>
  bool Read(Request& request) {
    if (!request.ParseFromString(bytes_)) return false;
    FillIn(request);
    return true;
  }

  /// Gives names of one character a meaning.
  void FillIn(google::protobuf::Message& message) {
    const auto* const reflection = message.GetReflection();
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const auto* const field : fields) {
      if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
        if (!field->is_repeated()) continue;
        for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
          FillIn(*reflection->MutableRepeatedMessage(&message, field, i));
        }
        continue;
      }
      if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) continue;
      const std::vector<std::string>& known = KnownFor(field->name());
      if (known.empty()) continue;
      if (field->is_repeated()) {
        for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
          const std::string value = reflection->GetRepeatedString(message, field, i);
          if (value.size() != 1) continue;
          reflection->SetRepeatedString(&message, field, i, Pick(known, value[0]));
        }
      } else if (const std::string value = reflection->GetString(message, field);
                 value.size() == 1) {
        reflection->SetString(&message, field, Pick(known, value[0]));
      }
    }
  }

  static const std::string& Pick(const std::vector<std::string>& known, char which) {
    return known[static_cast<unsigned char>(which) % known.size()];
  }

  const std::vector<std::string>& KnownFor(const std::string& field) const {
    static const std::vector<std::string> nothing;
    if (field == "channel_id" || field == "channel_ids") return channels_;
    if (field == "user_id" || field == "subject") return users_;
    if (field == "invite_id") return invites_;
    if (field == "page_token") return page_tokens_;
    return nothing;
  }

  void RunAs(absl::StatusOr<Command> command, SessionId session = 0) {
    Actor actor = actors_[actor_];
    if (session != 0) actor = {.session = session};
    Run(actor, std::move(command));
  }

  void Run(const Actor& actor, absl::StatusOr<Command> command) {
    if (!command.ok()) {
      Check(command.status().code() == absl::StatusCode::kInvalidArgument,
            "a request is refused with another code");
      return;
    }
    int answers = 0;
    Envelope envelope;
    envelope.command = *std::move(command);
    envelope.must_apply = std::holds_alternative<CloseSession>(envelope.command);
    envelope.actor = actor;
    envelope.lane = &lane_;
    envelope.time_unix_ms = now_ms_;
    envelope.entropy = ++entropy_ << 24;
    envelope.done = [&](absl::StatusOr<Result> result) {
      ++answers;
      if (result.ok()) Learn(*result);
    };
    std::vector<Envelope> batch;
    batch.push_back(std::move(envelope));
    Process(std::move(batch));
    Check(answers == 1, "a command is not answered once");
  }

  void Process(std::vector<Envelope> batch) { engine_.Process(batch, now_ms_); }

  static void Note(std::vector<std::string>& known, const std::string& id) {
    if (id.empty() || known.size() >= 16) return;
    if (std::find(known.begin(), known.end(), id) == known.end()) known.push_back(id);
  }

  /// What is named in an answer can be asked for; and it can be answered.
  void Learn(Result& result) {
    if (auto* registered = std::get_if<Registered>(&result)) {
      Note(users_, registered->user.id);
      Note(channels_, registered->user.id);
      v1::User user;
      SetUser(registered->user, user);
      Check(!user.SerializeAsString().empty(), "a user cannot be told");
    } else if (auto* channel = std::get_if<ChannelInfo>(&result)) {
      Note(channels_, channel->id);
      Tell(*channel);
    } else if (auto* joined = std::get_if<Joined>(&result)) {
      Tell(joined->channel);
    } else if (auto* posted = std::get_if<Posted>(&result)) {
      Grow(posted->channel, *posted->event, posted->repeated);
      v1::Message message;
      SetMessage(*posted->event, message);
      Check(!message.SerializeAsString().empty(), "a message cannot be told");
    } else if (auto* acted = std::get_if<Acted>(&result)) {
      Grow(acted->channel, *acted->event, false);
    } else if (auto* invite = std::get_if<InviteRow>(&result)) {
      Note(invites_, invite->id);
    } else if (auto* channels = std::get_if<ChannelPage>(&result)) {
      Note(page_tokens_, channels->next_page_token);
      for (const ChannelInfo& info : channels->channels) Tell(info);
    } else if (auto* members = std::get_if<MemberPage>(&result)) {
      Note(page_tokens_, members->next_page_token);
      for (const MemberInfo& member : members->members) {
        v1::MemberStanding standing;
        SetStanding(member, standing);
      }
    }
  }

  static void Tell(const ChannelInfo& info) {
    v1::Channel channel;
    SetChannel(info, channel);
    Check(!channel.SerializeAsString().empty(), "a channel cannot be told");
  }

  /// An event that was answered is behind those that were answered before.
  void Grow(ChannelKey channel, const Event& event, bool repeated) {
    std::uint64_t& newest = newest_[channel];
    Check(repeated || event.sequence > newest, "a sequence number was used twice");
    newest = std::max(newest, event.sequence);
    lane_.heads[channel] = std::max(lane_.heads[channel], event.sequence);
  }

  const Limits limits_ = SmallLimits();
  CountedSecrets secrets_;
  storage::MemoryStore memory_;
  HistoryReader history_;
  CheckingLane lane_;
  ChatEngine engine_;
  std::int64_t now_ms_ = kBeginMs;
  std::uint64_t entropy_ = 0;
  SessionId last_session_ = 0;
  std::vector<Actor> actors_;
  std::size_t actor_ = 0;
  std::string bytes_;
  std::vector<std::string> users_;
  std::vector<std::string> channels_;
  std::vector<std::string> invites_;
  std::vector<std::string> page_tokens_;
  std::map<ChannelKey, std::uint64_t> newest_;
};

}  // namespace
}  // namespace txtchat::rpc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  txtchat::rpc::World world;
  for (int i = 0; i < txtchat::rpc::kCallsMax && input.remaining_bytes() > 0; ++i) {
    world.Call(input);
  }
  world.CheckStore();
  return 0;
}
