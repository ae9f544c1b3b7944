"""A small gRPC client of Txt Chat: joins a channel (or creates one), says hello, and prints COUNT
messages.

    chat.py HOST:PORT NAME COUNT [CHANNEL]
"""

import sys

import grpc
from txtchat.v1 import chat_pb2, chat_pb2_grpc


def main(server, name, count, channel_id=None):
    with grpc.insecure_channel(server) as connection:
        chat = chat_pb2_grpc.ChatServiceStub(connection)
        token = chat.Register(chat_pb2.RegisterRequest(display_name=name)).token
        me = [("authorization", f"Bearer {token}")]  # Every other call carries the token.

        if channel_id is None:
            request = chat_pb2.CreateChannelRequest(display_name="example")
            channel_id = chat.CreateChannel(request, metadata=me).channel.id
        chat.JoinChannel(chat_pb2.JoinChannelRequest(channel_id=channel_id), metadata=me)
        print("channel", channel_id, flush=True)

        request = chat_pb2.SubscribeRequest(channel_ids=[channel_id])
        stream = chat.Subscribe(request, metadata=me)
        next(stream)  # The first response is a heartbeat: from then on nothing is missed.
        request = chat_pb2.SendMessageRequest(channel_id=channel_id, text=f"hello from {name}")
        chat.SendMessage(request, metadata=me)

        remaining = int(count)
        for response in stream:
            for event in response.events:
                if event.HasField("message_posted"):
                    message = event.message_posted
                    print(f"{message.sender.display_name}: {message.text}", flush=True)
                    remaining -= 1
                if remaining == 0:
                    return


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: chat.py HOST:PORT NAME COUNT [CHANNEL]")
    main(*sys.argv[1:5])
