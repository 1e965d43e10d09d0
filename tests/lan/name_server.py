#!/usr/bin/env python3
"""A name service of a few lines: name_server.py ADDRESS FILE answers on UDP port 53 there, from a JSON object in FILE
that is read anew for each question: {"name": ["10.77.0.1", "fd00::1"], "service": [["name", 5700]], …}. A name that is not
in it does not exist; where it is no object, nothing is answered at all."""
import ipaddress
import json
import socket
import struct
import sys

A, AAAA, SRV = 1, 28, 33


def name_in(question):
    """The name, and where its type begins."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels), at + 1


def data(kind, record):
    """What an answer of that kind says of a record; None if it says nothing of it."""
    if isinstance(record, list):
        name, port = record
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        return struct.pack("!HHH", 0, 0, port) + labels + b"\0" if kind == SRV else None
    address = ipaddress.ip_address(record)
    return address.packed if (address.version, kind) in ((4, A), (6, AAAA)) else None


def reply(question, names):
    name, at = name_in(question)
    kind, = struct.unpack_from("!H", question, at)
    found = list(filter(None, (data(kind, record) for record in names.get(name, []))))
    head = question[:2] + struct.pack("!HHHHH", 0x8180 if name in names else 0x8183, 1, len(found), 0, 0)
    answers = [struct.pack("!HHHIH", 0xc00c, kind, 1, 5, len(one)) + one for one in found]
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
