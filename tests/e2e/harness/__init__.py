"""What the end-to-end tests stand on: the real server, small clients, a forwarder."""
