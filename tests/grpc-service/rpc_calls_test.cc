// Every unary call over a real connection: what it answers, and each documented error.
#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "identity/secrets.h"
#include "tests/grpc-service/rpc_harness.h"

namespace txtchat::rpc {
namespace {

class RpcCalls : public ::testing::Test {
 protected:
  RpcHarness harness_;
  Guest alice_{harness_, "alice"};
  Guest bob_{harness_, "bob"};
};

/// One call of each kind, as a function of who calls.
struct AnyCall {
  const char* name;
  std::function<grpc::Status(v1::ChatService::Stub&, grpc::ClientContext*)> make;
};

template <typename Request, typename Response>
AnyCall CallOf(const char* name,
               grpc::Status (v1::ChatService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*)) {
  return {name, [method](v1::ChatService::Stub& stub, grpc::ClientContext* context) {
            Response response;
            return (stub.*method)(context, Request(), &response);
          }};
}

std::vector<AnyCall> CallsThatNeedAToken() {
  using Stub = v1::ChatService::Stub;
  return {CallOf("CreateChannel", &Stub::CreateChannel),
          CallOf("GetChannel", &Stub::GetChannel),
          CallOf("ListChannels", &Stub::ListChannels),
          CallOf("ListMembers", &Stub::ListMembers),
          CallOf("JoinChannel", &Stub::JoinChannel),
          CallOf("LeaveChannel", &Stub::LeaveChannel),
          CallOf("SendMessage", &Stub::SendMessage),
          {"Subscribe", [](Stub& stub, grpc::ClientContext* context) {
             auto reader = stub.Subscribe(context, {});
             v1::SubscribeResponse response;
             while (reader->Read(&response)) {
             }
             return reader->Finish();
           }}};
}

TEST_F(RpcCalls, RegisterAnswersAUserWithItsPersonalChannelAndAToken) {
  EXPECT_TRUE(std::regex_match(alice_.id, std::regex("[0-9a-f]{16}"))) << alice_.id;
  EXPECT_EQ(alice_.token.size(), 43u);
  EXPECT_NE(alice_.token, bob_.token);
  v1::GetChannelRequest request;
  request.set_channel_id(alice_.id);
  v1::GetChannelResponse response;
  ASSERT_TRUE(bob_.stub->GetChannel(bob_.Context().get(), request, &response).ok());
  EXPECT_EQ(response.channel().display_name(), "alice");
  EXPECT_EQ(response.channel().member_count(), 1u);
}

TEST_F(RpcCalls, RegisterRefusesABadName) {
  for (const std::string& name : {std::string(), std::string(129, 'n'), std::string("a$b"),
                                  std::string("a\nb"), std::string("a\0b", 3)}) {
    v1::RegisterRequest request;
    request.set_display_name(name);
    v1::RegisterResponse response;
    grpc::ClientContext context;
    const grpc::Status status = alice_.stub->Register(&context, request, &response);
    EXPECT_EQ(CodeOf(status), "INVALID_ARGUMENT") << name;
    EXPECT_FALSE(status.error_message().empty());
  }
}

TEST_F(RpcCalls, EveryOtherCallNeedsAValidToken) {
  const std::vector<std::string> headers = {"", "Bearer", "Bearer nonsense",
                                            "Basic " + alice_.token, alice_.token};
  for (const AnyCall& call : CallsThatNeedAToken()) {
    for (const std::string& header : headers) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kPatience);
      if (!header.empty()) context.AddMetadata("authorization", header);
      const grpc::Status status = call.make(*alice_.stub, &context);
      EXPECT_EQ(CodeOf(status), "UNAUTHENTICATED") << call.name << " with \"" << header << "\"";
      EXPECT_EQ(status.error_message().find(alice_.token), std::string::npos);
    }
  }
}

TEST_F(RpcCalls, TheSchemeOfTheTokenMayBeInAnyCase) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", "bEARER " + alice_.token);
  v1::ListChannelsResponse response;
  EXPECT_TRUE(alice_.stub->ListChannels(&context, {}, &response).ok());
}

TEST_F(RpcCalls, CreateChannelMakesTheCallerItsFirstMember) {
  v1::CreateChannelRequest request;
  request.set_display_name("Tea room");
  v1::CreateChannelResponse response;
  ASSERT_TRUE(alice_.stub->CreateChannel(alice_.Context().get(), request, &response).ok());
  const v1::Channel& channel = response.channel();
  EXPECT_TRUE(std::regex_match(channel.id(), std::regex("[0-9a-f]{10}"))) << channel.id();
  EXPECT_EQ(channel.display_name(), "Tea room");
  EXPECT_EQ(channel.member_count(), 1u);
  EXPECT_EQ(channel.head_sequence(), 1u);
  EXPECT_GT(channel.create_time().seconds(), 1'600'000'000);

  request.set_display_name("");
  EXPECT_EQ(CodeOf(alice_.stub->CreateChannel(alice_.Context().get(), request, &response)),
            "INVALID_ARGUMENT");
}

TEST_F(RpcCalls, ListChannelsPagesThroughAllOfThem) {
  std::vector<std::string> created;
  for (int i = 0; i < 7; ++i) created.push_back(alice_.Create("c" + std::to_string(i)));
  v1::ListChannelsRequest request;
  request.set_page_size(3);
  std::vector<std::string> listed;
  int pages = 0;
  do {
    v1::ListChannelsResponse response;
    ASSERT_TRUE(bob_.stub->ListChannels(bob_.Context().get(), request, &response).ok());
    EXPECT_LE(response.channels_size(), 3);
    for (const v1::Channel& channel : response.channels()) listed.push_back(channel.id());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, created);
  EXPECT_EQ(pages, 3);

  request.set_joined_only(true);
  v1::ListChannelsResponse response;
  ASSERT_TRUE(bob_.stub->ListChannels(bob_.Context().get(), request, &response).ok());
  ASSERT_EQ(response.channels_size(), 1);
  EXPECT_EQ(response.channels(0).id(), bob_.id) << "his personal channel";
}

TEST(RpcLists, APageEndsWhereItsBytesDo) {
  Limits limits;
  limits.page_bytes_max = 500;
  RpcHarness harness(limits);
  Guest alice(harness, "alice");
  std::vector<std::string> created;
  created.reserve(10);
  for (int i = 0; i < 10; ++i) created.push_back(alice.Create(std::string(100, 'n')));
  v1::ListChannelsRequest request;
  request.set_page_size(1'000);
  std::vector<std::string> listed;
  do {
    v1::ListChannelsResponse response;
    ASSERT_TRUE(alice.stub->ListChannels(alice.Context().get(), request, &response).ok());
    EXPECT_LE(response.ByteSizeLong(), 500u + 150u) << "one entry more";
    EXPECT_LE(response.channels_size(), 4);
    for (const v1::Channel& channel : response.channels()) listed.push_back(channel.id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, created);
}

TEST_F(RpcCalls, ListsRefuseBadPages) {
  const std::string channel = alice_.Create("c");
  v1::ListChannelsRequest channels;
  v1::ListChannelsResponse channels_page;
  channels.set_page_size(-1);
  EXPECT_EQ(CodeOf(alice_.stub->ListChannels(alice_.Context().get(), channels, &channels_page)),
            "INVALID_ARGUMENT");
  channels.set_page_size(0);
  channels.set_page_token("nonsense");
  EXPECT_EQ(CodeOf(alice_.stub->ListChannels(alice_.Context().get(), channels, &channels_page)),
            "INVALID_ARGUMENT");
  v1::ListMembersRequest members;
  v1::ListMembersResponse members_page;
  members.set_channel_id(channel);
  members.set_page_size(-1);
  EXPECT_EQ(CodeOf(alice_.stub->ListMembers(alice_.Context().get(), members, &members_page)),
            "INVALID_ARGUMENT");
  members.set_page_size(0);
  members.set_page_token("nonsense");
  EXPECT_EQ(CodeOf(alice_.stub->ListMembers(alice_.Context().get(), members, &members_page)),
            "INVALID_ARGUMENT");
}

TEST_F(RpcCalls, ListMembersIsForMembers) {
  const std::string channel = alice_.Create("c");
  v1::ListMembersRequest request;
  v1::ListMembersResponse response;
  request.set_channel_id(channel);
  EXPECT_EQ(CodeOf(bob_.stub->ListMembers(bob_.Context().get(), request, &response)),
            "PERMISSION_DENIED");
  ASSERT_TRUE(bob_.Join(channel).ok());
  ASSERT_TRUE(bob_.stub->ListMembers(bob_.Context().get(), request, &response).ok());
  ASSERT_EQ(response.members_size(), 2);
  EXPECT_EQ(response.members(0).id(), alice_.id);
  EXPECT_EQ(response.members(1).display_name(), "bob");
  request.set_channel_id("0000000000");
  EXPECT_EQ(CodeOf(bob_.stub->ListMembers(bob_.Context().get(), request, &response)), "NOT_FOUND");
}

TEST_F(RpcCalls, JoinAndLeaveSayWhatIsWrong) {
  const std::string channel = alice_.Create("c");
  EXPECT_EQ(CodeOf(bob_.Join("0000000000")), "NOT_FOUND");
  EXPECT_EQ(CodeOf(bob_.Leave("0000000000")), "NOT_FOUND");
  EXPECT_EQ(CodeOf(bob_.Leave(channel)), "FAILED_PRECONDITION");
  EXPECT_EQ(CodeOf(bob_.Join(channel)), "OK");
  EXPECT_EQ(CodeOf(bob_.Join(channel)), "OK") << "once more changes nothing";
  EXPECT_EQ(CodeOf(bob_.Leave(channel)), "OK");
  EXPECT_EQ(CodeOf(bob_.Leave(channel)), "FAILED_PRECONDITION");
}

TEST_F(RpcCalls, SendMessageAnswersTheMessageAsItIsStored) {
  const std::string channel = alice_.Create("c");
  v1::SendMessageRequest request;
  request.set_channel_id(channel);
  request.set_text("line one\n$ line two $$joined: x");
  request.set_client_message_id(std::string("\x00\xff", 2));
  v1::SendMessageResponse response;
  ASSERT_TRUE(alice_.stub->SendMessage(alice_.Context().get(), request, &response).ok());
  const v1::Message& message = response.message();
  EXPECT_EQ(message.channel_id(), channel);
  EXPECT_EQ(message.sequence(), 2u);
  EXPECT_EQ(message.sender().id(), alice_.id);
  EXPECT_EQ(message.sender().display_name(), "alice");
  EXPECT_EQ(message.text(), request.text());
  EXPECT_EQ(message.client_message_id(), request.client_message_id());
  EXPECT_GT(message.create_time().seconds(), 1'600'000'000);
}

TEST_F(RpcCalls, SendMessageSaysWhatIsWrong) {
  const std::string channel = alice_.Create("c");
  EXPECT_EQ(CodeOf(alice_.Send("0000000000", "x")), "NOT_FOUND");
  EXPECT_EQ(CodeOf(bob_.Send(channel, "x")), "PERMISSION_DENIED");
  EXPECT_EQ(CodeOf(alice_.Send(channel, "")), "INVALID_ARGUMENT");
  EXPECT_EQ(CodeOf(alice_.Send(channel, std::string("a\0b", 3))), "INVALID_ARGUMENT");
  EXPECT_EQ(CodeOf(alice_.Send(channel, std::string(32 * 1024, 'x'))), "OK");
  EXPECT_EQ(CodeOf(alice_.Send(channel, std::string(32 * 1024 + 1, 'x'))), "INVALID_ARGUMENT");
  v1::SendMessageRequest request;
  request.set_channel_id(channel);
  request.set_text("x");
  request.set_client_message_id(std::string(65, 'i'));
  v1::SendMessageResponse response;
  EXPECT_EQ(CodeOf(alice_.stub->SendMessage(alice_.Context().get(), request, &response)),
            "INVALID_ARGUMENT");
}

TEST_F(RpcCalls, AnErrorFitsItsTrailersWhateverWasSent) {
  const grpc::Status status = alice_.Join(std::string(60'000, 'c'));
  EXPECT_EQ(CodeOf(status), "NOT_FOUND");
  EXPECT_LE(status.error_message().size(), 512u);
}

TEST_F(RpcCalls, ARequestThatIsTooLargeIsRefused) {
  EXPECT_EQ(CodeOf(alice_.Send(alice_.id, std::string(10'000'000, 'x'))), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(CodeOf(alice_.Send(alice_.id, "still there")), "OK");
}

TEST(RpcRefusals, AStoreThatFailsIsUnavailableAndChangesNothing) {
  RpcHarness harness;
  Guest alice(harness, "alice");
  const std::string channel = alice.Create("c");
  harness.store.FailCommits(absl::ResourceExhaustedError("secret words of the disk"));
  const grpc::Status status = alice.Send(channel, "lost");
  EXPECT_EQ(CodeOf(status), "UNAVAILABLE");
  EXPECT_EQ(status.error_message().find("secret"), std::string::npos);
  harness.store.FailCommits(absl::OkStatus());
  v1::Message stored;
  EXPECT_EQ(CodeOf(alice.Send(channel, "kept", &stored)), "OK");
  EXPECT_EQ(stored.sequence(), 2u);
}

/// Takes no command, as if its inbox were full or the server drained.
class RefusingSequencer final : public Sequencer {
 public:
  explicit RefusingSequencer(SubmitResult result) : result_(result) {}
  SubmitResult Submit(Envelope&) override { return result_; }
  SubmitResult Enqueue(Envelope&) override { return result_; }
  void Flush() override {}

 private:
  const SubmitResult result_;
};

void ExpectEveryCallRefused(SubmitResult result, const std::string& code) {
  RefusingSequencer sequencer(result);
  SystemClock clock;
  SessionIds ids;
  identity::SodiumSecrets secrets;
  auto server = RpcServer::Start(
      {.sequencer = &sequencer, .clock = &clock, .session_ids = &ids, .secrets = &secrets},
      {.listen = "127.0.0.1:0"});
  ASSERT_TRUE(server.ok()) << server.status();
  auto stub = v1::ChatService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string((*server)->port()), grpc::InsecureChannelCredentials()));
  std::vector<AnyCall> calls = CallsThatNeedAToken();
  calls.push_back(CallOf("Register", &v1::ChatService::Stub::Register));
  for (const AnyCall& call : calls) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    context.AddMetadata("authorization", "Bearer any");
    const grpc::Status status = call.make(*stub, &context);
    EXPECT_EQ(CodeOf(status), code) << call.name;
    EXPECT_FALSE(status.error_message().empty()) << call.name;
  }
  EXPECT_EQ((*server)->open_streams(), 0u);
}

TEST(RpcRefusals, AFullInboxIsResourceExhausted) {
  ExpectEveryCallRefused(SubmitResult::kFull, "RESOURCE_EXHAUSTED");
}

TEST(RpcRefusals, ADrainingServerIsUnavailable) {
  ExpectEveryCallRefused(SubmitResult::kDraining, "UNAVAILABLE");
}

}  // namespace
}  // namespace txtchat::rpc
