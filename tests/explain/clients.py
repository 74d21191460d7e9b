"""Asks the servers of servers.py for everything once."""

import socket
import ssl
import urllib.request


def ask(family, address, name):
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b"."))
    query = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0" + labels + b"\0\x00\x01\x00\x01"
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(5)
    client.sendto(query, (address, 53))
    assert len(client.recv(8192)) > len(query)


ask(socket.AF_INET, "198.18.0.2", b"www.example.net")
ask(socket.AF_INET, "198.18.0.2", b"long.example.net")
ask(socket.AF_INET6, "2001:2::2", b"long.example.net")
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),
)
for url in ("http://198.18.0.2/", "https://198.18.0.2/"):
    assert len(opener.open(url, timeout=5).read()) == 10000
