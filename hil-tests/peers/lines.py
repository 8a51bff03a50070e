#!/usr/bin/env python3
"""Two decoders and an encoder written by others, one JSON object a line in, one out, for tests/peers_pdu.rs.

    {"decode": HEX}                    an SMS-SUBMIT with its service-centre octet → what both decoders read
    {"encode": TEXT, "number": N}      → the parts that python-messaging makes, in hexadecimal
"""

import io
import json
import sys

import messaging.sms as pm
import smspdudecoder.fields as spd

SC, TIME = "07918406010013F0", "62501201703380"


def as_deliver(submit):
    """The same coding and user data under an SMS-DELIVER header (TS 23.040 §9.2.2.1): python-messaging reads nothing else."""
    octets = bytes.fromhex(submit)
    first, digits = octets[1], octets[3]
    end = 5 + (digits + 1) // 2
    validity = {0: 0, 2: 1, 1: 7, 3: 7}[first >> 3 & 3]
    data = octets[end + 2 + validity:]
    return SC + f"{0x04 | first & 0x40:02X}" + octets[3:end + 2].hex() + TIME + data.hex()


def decode(submit):
    one = spd.SMSSubmit.decode(io.StringIO(submit))
    other = pm.SmsDeliver(as_deliver(submit))
    return {
        "smspdudecoder": {
            "number": one["recipient"]["number"], "report": bool(one["header"]["srr"]), "text": one["user_data"]["data"],
            "reference": one["message-ref"], "header": one["user_data"].get("header"),
        },
        "python_messaging": {
            "number": other.number, "text": other.text,
            "concat": [other.udh.concat.ref, other.udh.concat.seq, other.udh.concat.cnt] if other.udh and other.udh.concat else None,
        },
    }


def encode(text, number):
    submit = pm.SmsSubmit(number, text)
    submit.ref = submit.rand_id = 9
    return [part.pdu for part in submit.to_pdu()]


for line in sys.stdin:
    asked = json.loads(line)
    answer = decode(asked["decode"]) if "decode" in asked else encode(asked["encode"], asked["number"])
    print(json.dumps(answer, default=str), flush=True)
