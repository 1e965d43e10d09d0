#!/usr/bin/env python3
"""A name service of a few lines: name_server.py ADDRESS FILE answers on UDP port 53 there, from a JSON object in FILE
that is read anew for each question: {"name": ["10.77.0.1", "fd00::1"], …}. A name that is not in it does not exist; where
it is no object, nothing is answered at all."""
import ipaddress
import json
import socket
import struct
import sys

A, AAAA = 1, 28


def name_in(question):
    """The name, and where its type begins."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels), at + 1


def reply(question, names):
    name, at = name_in(question)
    kind, = struct.unpack_from("!H", question, at)
    all_of_it = [ipaddress.ip_address(text) for text in names.get(name, [])]
    found = [one.packed for one in all_of_it if (one.version, kind) in ((4, A), (6, AAAA))]
    head = question[:2] + struct.pack("!HHHHH", 0x8180 if name in names else 0x8183, 1, len(found), 0, 0)
    answers = [struct.pack("!HHHIH", 0xc00c, kind, 1, 5, len(data)) + data for data in found]
    return head + question[12:at + 4] + b"".join(answers)


def main():
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind((sys.argv[1], 53))
    print("ready", flush=True)
    while True:
        question, whose = here.recvfrom(1500)
        with open(sys.argv[2], encoding="utf-8") as file:
            names = json.load(file)
        if isinstance(names, dict):
            here.sendto(reply(question, names), whose)


if __name__ == "__main__":
    main()
