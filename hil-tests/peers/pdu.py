#!/usr/bin/env python3
"""Holds the product's SMS PDUs against two decoders written by others, and theirs against the product's.

    PYTHON hil-tests/peers/pdu.py target/debug/store-gateway

Ours to theirs: `store-gateway sms encode` makes the parts; smspdudecoder reads number, report and text back, and
python-messaging, which reads no SMS-SUBMIT, gets the same user data as an SMS-DELIVER. Theirs to ours: python-messaging
makes the parts, and `store-gateway sms decode` reads them back. The vectors of the codec's own tests are made anew and
must be the same file. Known faults of the peers are avoided by the choice of texts and named beside it.
"""

import io
import json
import pathlib
import subprocess
import sys

import messaging.sms as pm
import smspdudecoder.fields as spd

GATEWAY = sys.argv[1]
VECTORS = pathlib.Path("store-gateway/modem/tests/vectors")
NUMBER = "+48600100200"

# smspdudecoder appends "@" when seven padding bits remain, so no text leaves seven; python-messaging splits an escape pair
# at the end of a part and corrupts emoji, so no escape stands near a seam and no text leaves the basic plane.
TEXTS = [
    "a",
    "Zamowienie 2026/11/00123 czeka. Kod 482913.",
    "Żółta łódź, regał 7, do piątku 20:00",
    "€{}[]~^|\\ @$_",
    "x" * 160,
    "abcdefghij" * 16 + "k",
    "Numer 17 " * 50,
    "Ваше замовлення чекає",
    "я" * 70,
    "я" * 71,
    "Ваше замовлення чекає на вас у магазині. " * 4,
]
SC_AND_TIME = "07918406010013F0", "62501201703380"


def gateway(*arguments):
    return subprocess.run([GATEWAY, "sms", *arguments], check=True, capture_output=True, text=True).stdout


def ours(text):
    lines = gateway("encode", "--to", NUMBER, "--text", text, "--report", "--validity", "24h", "--reference", "77")
    return [line.split() for line in lines.splitlines()]


def as_deliver(submit):
    """The same coding and user data under an SMS-DELIVER header (TS 23.040 §9.2.2.1), for a peer that reads nothing else."""
    octets = bytes.fromhex(submit)
    header, digits = octets[1], octets[3]
    end = 5 + (digits + 1) // 2
    address, protocol_and_coding = octets[3:end], octets[end:end + 2]
    validity = {0: 0, 2: 1, 1: 7, 3: 7}[header >> 3 & 3]
    data = octets[end + 2 + validity:]
    first = 0x04 | header & 0x40
    return SC_AND_TIME[0] + f"{first:02X}" + (address + protocol_and_coding).hex() + SC_AND_TIME[1] + data.hex()


def ours_to_smspdudecoder(text):
    whole = ""
    for length, pdu in ours(text):
        back = spd.SMSSubmit.decode(io.StringIO(pdu))
        assert int(length) == len(pdu) // 2 - 1, "the length leaves the service centre's octet out"
        assert back["recipient"]["number"] == NUMBER.lstrip("+"), back
        assert back["header"]["srr"], "a report is asked for"
        whole += back["user_data"]["data"]
    assert whole == text, whole


def ours_to_python_messaging(text):
    whole = ""
    for _, pdu in ours(text):
        whole += pm.SmsDeliver(as_deliver(pdu)).text
    assert whole == text, whole


def python_messaging_to_ours(text):
    whole = ""
    submit = pm.SmsSubmit(NUMBER, text)
    submit.ref = submit.rand_id = 9
    parts = submit.to_pdu()
    for part, pdu in enumerate(parts, 1):
        back = json.loads(gateway("decode", "--from", "ms", pdu.pdu))
        assert back["kind"] == "submit" and back["number"] == NUMBER, back
        if len(parts) > 1:
            assert back["concat"] == {"reference": 9, "part": part, "parts": len(parts)}, back
        whole += back["text"]
    assert whole == text, whole


def vectors_are_what_the_peers_make(_):
    made = subprocess.run([sys.executable, VECTORS / "make.py"], check=True, capture_output=True, text=True).stdout
    assert made == (VECTORS / "pdu.tsv").read_text(), "make.py makes another pdu.tsv"


def main():
    checks = [(check, text) for check in (ours_to_smspdudecoder, ours_to_python_messaging, python_messaging_to_ours) for text in TEXTS]
    failed = 0
    for check, text in [*checks, (vectors_are_what_the_peers_make, "")]:
        try:
            check(text)
        except Exception as error:  # a peer's own exception is a finding too
            failed += 1
            said = getattr(error, "stderr", None) or error
            print(f"not ok - {check.__name__} {text[:40]!r} ({len(text)}): {type(error).__name__}: {said}")
    print(f"# pass {len(checks) + 1 - failed}\n# fail {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
