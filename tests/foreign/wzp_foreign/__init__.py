"""A peer of another make: speaks the call protocol and the media datagrams of
docs/protocol.md, on aioquic, and nothing else of this project. Written from that
document; it shares no code with the plugin or the relay.
"""
