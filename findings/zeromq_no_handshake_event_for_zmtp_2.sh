#!/usr/bin/env bash
# libzmq 4.3.4 of Debian 12 (the same in 4.3.5), seen by python3-zmq 24.0.1. Seen on 2026-11-29.
#
# Behaviour: with a peer that speaks ZMTP 2 (libzmq 3, JeroMQ up to 0.3) a connection works in both directions, but its
# monitor never reports ZMQ_EVENT_HANDSHAKE_SUCCEEDED. A program that waits for that event before it sends, which is what the
# event is for, waits for ever, while its socket would send. When such a connection closes, after any time and any number of
# messages, the monitor reports that the handshake has failed. The peer here is a plain TCP server with the greeting of ZMTP 2.
#
# Output seen:
#   libzmq 4.3.4
#   the peer has read: hello; the socket has read: answer
#   events while it works: CONNECT_DELAYED CONNECTED
#   events when it closes: HANDSHAKE_FAILED_NO_DETAIL DISCONNECTED
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/events.py" <<'SCRIPT'
import socket
import sys
import threading

import zmq
from zmq.utils.monitor import recv_monitor_message

heard, links = [], []


def exactly(link, count):
    data = b""
    while len(data) < count:
        data += link.recv(count - len(data)) or sys.exit("closed")
    return data


def serve(listener):
    link, _ = listener.accept()
    links.append(link)  # it stays open
    link.sendall(b"\xff" + bytes(7) + b"\x01\x7f" + b"\x01\x06" + b"\x00\x00")  # revision 2.0, ROUTER, no identity
    exactly(link, 10)  # signature
    exactly(link, 2)  # revision, socket type
    exactly(link, exactly(link, 2)[1])  # identity
    heard.append(exactly(link, exactly(link, 2)[1]).decode())
    link.sendall(b"\x00\x06answer")


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
context = zmq.Context()
dealer = context.socket(zmq.DEALER)
dealer.linger = 0
monitor = dealer.get_monitor_socket()
dealer.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
dealer.send(b"hello")
answer = dealer.recv().decode() if dealer.poll(10000) else "nothing"


def events():
    """What the monitor says until it is quiet, or the connection is gone."""
    names = []
    while monitor.poll(1000) and "DISCONNECTED" not in names:
        names.append(recv_monitor_message(monitor)["event"].name)
    return " ".join(names)


print(f"libzmq {zmq.zmq_version()}")
print(f"the peer has read: {' '.join(heard)}; the socket has read: {answer}")
print(f"events while it works: {events()}")
links[0].close()
print(f"events when it closes: {events()}")
context.destroy()
SCRIPT
seen=$(/usr/bin/python3 "$folder/events.py")
echo "$seen"
[[ $seen == *"the peer has read: hello; the socket has read: answer
events while it works: CONNECT_DELAYED CONNECTED
events when it closes: HANDSHAKE_FAILED_NO_DETAIL DISCONNECTED" ]]
