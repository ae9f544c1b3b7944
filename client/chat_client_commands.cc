// What chat mode does with each typed line.

#include <utility>

#include "client/chat_client_impl.h"
#include "client/terminal_text.h"

namespace txtchat::client {
namespace {

using AsyncStub = v1::ChatService::StubInterface::async_interface;
using Kind = ChatCommand::Kind;

// Own texts whose arrival is watched for.
constexpr std::size_t kUnseenMax = 100;
constexpr int kBusyRetriesMax = 6;
constexpr int kListPage = 500;
constexpr int kListPagesMax = 4;

}  // namespace

void ChatClient::CarryOut(const ChatCommand& command) {
  if (command.kind == Kind::kText) return SendText(command.argument);
  if (command.kind == Kind::kCreate) return Create(command.argument);
  if (command.kind == Kind::kChannels) return ListChannels("", 1);
  if (command.kind == Kind::kWhoAmI) return WhoAmI();
  const bool none = command.argument.empty();
  if (none && model_.current().empty()) {
    Refuse("no current channel: say which one, or $join CHAN first");
    return Done();
  }
  const auto channel = none ? model_.current() : model_.Resolve(command.argument);
  if (!channel.ok()) {
    Refuse(std::string(channel.status().message()));
    return Done();
  }
  if (command.kind == Kind::kJoin) return Join(*channel);
  if (command.kind == Kind::kLeave) return Leave(*channel);
  if (command.kind == Kind::kMembers) return ListMembers(*channel, "", 1);
  if (model_.joined().contains(*channel)) {
    SetCurrent(*channel);
  } else {
    Refuse("you are not a member of " + model_.Label(*channel) + ": $join it first");
  }
  Done();
}

void ChatClient::SendText(const std::string& text) {
  if (model_.current().empty()) {
    all_sent_ = false;
    console_.Note("not sent, no current channel ($join CHAN first): " + SanitizeLine(text));
    return Done();
  }
  v1::SendMessageRequest request;
  request.set_channel_id(model_.current());
  request.set_text(text);
  request.set_client_message_id(own_prefix_ + std::to_string(++sent_));
  if (unseen_.size() < kUnseenMax) unseen_.insert(request.client_message_id());
  sending_id_ = request.client_message_id();
  sending_seen_ = false;
  session_.Call<v1::SendMessageRequest, v1::SendMessageResponse>(
      &AsyncStub::SendMessage, request,
      [this, text, id = request.client_message_id()](const grpc::Status& status,
                                                     const v1::SendMessageResponse&) {
        if (!status.ok()) unseen_.erase(id);
        // Its arrival proves that it was sent, whatever became of the answer.
        OnSent(sending_seen_ ? grpc::Status::OK : status, text);
      });
}

void ChatClient::OnSent(const grpc::Status& status, const std::string& text) {
  const bool busy = status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
  if (busy && busy_retries_ < kBusyRetriesMax) {
    // The server did nothing, and said so: the same again, a little later.
    ++busy_retries_;
    retry_timer_.expires_after(busy_backoff_.Next());
    retry_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error || ended_) return;
      carrying_ = false;
      CarryOutNext();
    });
    return;
  }
  busy_retries_ = 0;
  busy_backoff_.Reset();
  if (!status.ok()) {
    all_sent_ = false;
    console_.Note(Explain(SurelyNotDone(status) ? "not sent" : "may not have been sent", status));
    console_.Note("    the text was: " + SanitizeLine(text));
  }
  Done();
}

void ChatClient::Join(const std::string& channel_id) {
  v1::JoinChannelRequest request;
  request.set_channel_id(channel_id);
  session_.Call<v1::JoinChannelRequest, v1::JoinChannelResponse>(
      &AsyncStub::JoinChannel, request,
      [this](const grpc::Status& status, const v1::JoinChannelResponse& response) {
        if (status.ok()) {
          model_.Learn(response.channel());
          model_.SetJoined(response.channel().id());
          SetCurrent(response.channel().id());
        } else {
          Refuse(Explain("cannot join", status));
        }
        Done();
      });
}

void ChatClient::Leave(const std::string& channel_id) {
  v1::LeaveChannelRequest request;
  request.set_channel_id(channel_id);
  session_.Call<v1::LeaveChannelRequest, v1::LeaveChannelResponse>(
      &AsyncStub::LeaveChannel, request,
      [this, channel_id](const grpc::Status& status, const v1::LeaveChannelResponse&) {
        if (!status.ok()) {
          Refuse(Explain("cannot leave " + model_.Label(channel_id), status));
          return Done();
        }
        model_.SetLeft(channel_id);
        console_.Note("left " + model_.Label(channel_id));
        if (channel_id == model_.current()) {
          const bool personal = model_.joined().contains(model_.me().id());
          SetCurrent(personal ? model_.me().id() : "");
        }
        Done();
      });
}

void ChatClient::Create(const std::string& name) {
  v1::CreateChannelRequest request;
  request.set_display_name(name);
  session_.Call<v1::CreateChannelRequest, v1::CreateChannelResponse>(
      &AsyncStub::CreateChannel, request,
      [this](const grpc::Status& status, const v1::CreateChannelResponse& response) {
        if (status.ok()) {
          model_.Learn(response.channel());
          model_.SetJoined(response.channel().id());
          SetCurrent(response.channel().id());
          console_.Note("others join it with: $join " + SanitizeLine(response.channel().id()));
        } else {
          Refuse(Explain("cannot create the channel", status));
        }
        Done();
      });
}

void ChatClient::ListChannels(const std::string& page_token, int page) {
  v1::ListChannelsRequest request;
  request.set_page_size(kListPage);
  request.set_page_token(page_token);
  session_.Call<v1::ListChannelsRequest, v1::ListChannelsResponse>(
      &AsyncStub::ListChannels, request,
      [this, page](const grpc::Status& status, const v1::ListChannelsResponse& response) {
        if (!status.ok()) {
          Refuse(Explain("cannot list the channels", status));
          return Done();
        }
        if (page == 1 && response.channels().empty()) {
          console_.Note("there are no channels yet; $create_chan NAME creates one");
        }
        for (const v1::Channel& channel : response.channels()) model_.Learn(channel);
        for (const v1::Channel& channel : response.channels()) {
          console_.Print(model_.ChannelLine(channel));
        }
        if (response.next_page_token().empty()) return Done();
        if (page < kListPagesMax) return ListChannels(response.next_page_token(), page + 1);
        console_.Note("... and more; `txtchat channels` lists them all");
        Done();
      });
}

void ChatClient::ListMembers(const std::string& channel_id, const std::string& page_token,
                             int page) {
  v1::ListMembersRequest request;
  request.set_channel_id(channel_id);
  request.set_page_size(kListPage);
  request.set_page_token(page_token);
  session_.Call<v1::ListMembersRequest, v1::ListMembersResponse>(
      &AsyncStub::ListMembers, request,
      [this, channel_id, page](const grpc::Status& status,
                               const v1::ListMembersResponse& response) {
        if (!status.ok()) {
          Refuse(Explain("cannot list the members of " + model_.Label(channel_id), status));
          return Done();
        }
        for (const v1::User& member : response.members()) {
          console_.Print(SanitizeLine(member.id()) + "  " + SanitizeLine(member.display_name()) +
                         (member.id() == model_.me().id() ? "  (you)" : ""));
        }
        if (response.next_page_token().empty()) return Done();
        if (page < kListPagesMax) {
          return ListMembers(channel_id, response.next_page_token(), page + 1);
        }
        console_.Note("... and more");
        Done();
      });
}

void ChatClient::WhoAmI() {
  const v1::User& me = model_.me();
  if (me.id().empty()) {
    console_.Note("the user of the token that was given");
  } else {
    console_.Print(SanitizeLine(me.id()) + "  " + SanitizeLine(me.display_name()));
  }
  Done();
}

void ChatClient::SetCurrent(const std::string& channel_id) {
  model_.SetCurrent(channel_id);
  console_.Note(channel_id.empty() ? "no current channel: $join CHAN or $switch CHAN"
                                   : "switched to " + model_.Label(channel_id));
}

}  // namespace txtchat::client
