#!/usr/bin/env python3
"""Prints g711.tsv: what Python's audioop (up to 3.12) makes of every sample and every octet.

A line a code: law, octet, decoded sample, lowest and highest sample that encode to it (`-` for a code that none does).
"""

import audioop
import struct

LAWS = [("a", audioop.lin2alaw, audioop.alaw2lin), ("mu", audioop.lin2ulaw, audioop.ulaw2lin)]
samples = range(-32768, 32768)
pcm = struct.pack(f"<{len(samples)}h", *samples)
for law, encode, decode in LAWS:
    encoded = encode(pcm, 2)
    for octet in range(256):
        decoded = struct.unpack("<h", decode(bytes([octet]), 2))[0]
        made = [sample for sample, code in zip(samples, encoded) if code == octet]
        assert not made or made == list(range(made[0], made[-1] + 1))
        ends = (made[0], made[-1]) if made else ("-", "-")
        print(law, octet, decoded, *ends, sep="\t")
