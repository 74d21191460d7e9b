"""Prints what scapy reads in a capture: one JSON array a packet, one object a header.

Keys are wirestorm's field names, values decimal strings (addresses reach 128 bits), data in
hexadecimal, options arrays of such objects. The readers of each area stand in scapy_areas/.
With --unread: the headers that scapy has no layer for, and why they are not read.
"""

import importlib
import json
import os
import sys

from scapy.layers.l2 import Ether
from scapy.utils import RawPcapReader

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True

READERS = []
UNREAD = {}
for file in sorted(os.listdir(os.path.join(here, "scapy_areas"))):
    if file.endswith(".py"):
        area = importlib.import_module("scapy_areas." + file[:-3])
        READERS.extend(area.READERS)
        UNREAD.update(getattr(area, "UNREAD", {}))


def text_of(values):
    """Numbers become decimal strings, bytes hexadecimal, lists stay lists."""
    if isinstance(values, dict):
        return {key: text_of(value) for key, value in values.items()}
    if isinstance(values, list):
        return [text_of(value) for value in values]
    if isinstance(values, bytes):
        return values.hex()
    if isinstance(values, str):
        return values
    return str(int(values))


def headers(raw):
    """A reader is (scapy's class, our name, function). It returns the fields, or (fields, next
    layer) where scapy takes for one layer what we take for several, or the other way round."""
    read = []
    layer = Ether(raw)
    while layer is not None:
        for kind, name, reader in READERS:
            if type(layer) is kind:
                break
        else:
            break
        fields = reader(layer)
        following = layer.payload
        if isinstance(fields, tuple):
            fields, following = fields
        for one in fields if isinstance(fields, list) else [fields]:
            read.append({"header": name, **text_of(one)})
        layer = following if following else None
    return read


if sys.argv[1] == "--unread":
    print(json.dumps(UNREAD))
else:
    for raw, _ in RawPcapReader(sys.argv[1]):
        print(json.dumps(headers(raw)))
