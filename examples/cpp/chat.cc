// A small gRPC client of Txt Chat: joins a channel (or creates one), says hello, and prints COUNT
// messages.
//
//   example_cpp_chat HOST:PORT NAME COUNT [CHANNEL]
#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "txtchat/v1/chat.grpc.pb.h"

namespace v1 = txtchat::v1;

// Every call but Register carries the token.
void Authorize(grpc::ClientContext& context, const std::string& token) {
  context.AddMetadata("authorization", "Bearer " + token);
}

void Check(const grpc::Status& status) {
  if (status.ok()) return;
  std::cerr << "error " << status.error_code() << ": " << status.error_message() << std::endl;
  std::exit(1);
}

std::string Register(v1::ChatService::Stub& chat, const std::string& name) {
  grpc::ClientContext context;
  v1::RegisterRequest request;
  request.set_display_name(name);
  v1::RegisterResponse response;
  Check(chat.Register(&context, request, &response));
  return response.token();
}

std::string Create(v1::ChatService::Stub& chat, const std::string& token) {
  grpc::ClientContext context;
  Authorize(context, token);
  v1::CreateChannelRequest request;
  request.set_display_name("example");
  v1::CreateChannelResponse response;
  Check(chat.CreateChannel(&context, request, &response));
  return response.channel().id();
}

void Join(v1::ChatService::Stub& chat, const std::string& token, const std::string& channel) {
  grpc::ClientContext context;
  Authorize(context, token);
  v1::JoinChannelRequest request;
  request.set_channel_id(channel);
  v1::JoinChannelResponse response;
  Check(chat.JoinChannel(&context, request, &response));
}

void Send(v1::ChatService::Stub& chat, const std::string& token, const std::string& channel,
          const std::string& text) {
  grpc::ClientContext context;
  Authorize(context, token);
  v1::SendMessageRequest request;
  request.set_channel_id(channel);
  request.set_text(text);
  v1::SendMessageResponse response;
  Check(chat.SendMessage(&context, request, &response));
}

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: example_cpp_chat HOST:PORT NAME COUNT [CHANNEL]" << std::endl;
    return 2;
  }
  const std::string name = argv[2];
  int remaining = std::atoi(argv[3]);
  const auto stub =
      v1::ChatService::NewStub(grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));

  const std::string token = Register(*stub, name);
  const std::string channel = argc > 4 ? argv[4] : Create(*stub, token);
  Join(*stub, token, channel);
  std::cout << "channel " << channel << std::endl;

  grpc::ClientContext context;
  Authorize(context, token);
  v1::SubscribeRequest request;
  request.add_channel_ids(channel);
  const auto stream = stub->Subscribe(&context, request);
  v1::SubscribeResponse response;
  // The first response is a heartbeat: from then on nothing is missed.
  if (stream->Read(&response)) Send(*stub, token, channel, "hello from " + name);
  while (remaining > 0 && stream->Read(&response)) {
    for (const v1::Event& event : response.events()) {
      if (!event.has_message_posted() || remaining == 0) continue;
      const v1::MessagePosted& message = event.message_posted();
      std::cout << message.sender().display_name() << ": " << message.text() << std::endl;
      --remaining;
    }
  }
  if (remaining > 0) Check(stream->Finish());  // The server ended the stream: says why.
  context.TryCancel();
  return 0;
}
