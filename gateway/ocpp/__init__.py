"""The protocol: frames, one station's conversation, repair of what stations write, without sockets or clocks."""
