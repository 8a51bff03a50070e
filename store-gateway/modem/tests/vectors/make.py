#!/usr/bin/env python3
"""Makes pdu.tsv, the vectors of the PDU codec, from peers that agree. Nothing in it comes from this crate.

Peers: python-messaging 0.5.13 and smspdudecoder (PyPI; the latter with bitstring<5), and smstools' `smsd -E`
(Debian). A vector is written only when two of them agree:

* submit (validity in hours and days: smspdudecoder reads the first rows of the table off by one): python-messaging encodes, smspdudecoder must read the same number, text, validity, report and part back.
* deliver: built octet by octet here from TS 23.040's layout with smsd's septets or Python's UTF-16; python-messaging and
  smspdudecoder must read the same sender, text, time and part.
* septets: `smsd -E` and python-messaging must pack alike.
* status_report: python-messaging reads it and TS 23.040 §9.2.2.3's layout, written out here, is the other source.

    python3 -m venv V && V/bin/pip install python-messaging==0.5.13 smspdudecoder==2.2.0 'bitstring<5'
    apt-get install smstools
    V/bin/python make.py > pdu.tsv
"""

import datetime
import io
import subprocess
import sys

import messaging.sms as pm
import smspdudecoder.fields as spd


def out(*fields):
    print("\t".join(str(f).encode("unicode_escape").decode("ascii") for f in fields))


def swap(digits):
    digits += "F" * (len(digits) % 2)
    return "".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2))


def smsd_pack(text):
    return subprocess.run(["smsd", "-E", text], capture_output=True, text=True, check=True).stdout.strip()


def agree(what, a, b):
    if a != b:
        sys.exit(f"the peers disagree on {what}: {a!r} and {b!r}")


def submit(number, text, minutes, report, reference):
    """python-messaging encodes, smspdudecoder reads back."""
    sms = pm.SmsSubmit(number, text)
    sms.ref = reference
    sms.rand_id = reference
    sms.request_status = report
    if minutes:
        sms.validity = datetime.timedelta(minutes=minutes)
    pdus = sms.to_pdu()
    whole = ""
    for part, pdu in enumerate(pdus, 1):
        back = spd.SMSSubmit.decode(io.StringIO(pdu.pdu))
        agree("number", back["recipient"]["number"], number.lstrip("+"))
        agree("report", back["header"]["srr"], report)
        if minutes:
            lasts = back.get("validity-minutes") or back.get("validity-hours", 0) * 60 or (
                back.get("validity-days") or back["validity-weeks"] * 7) * 1440
            agree("validity", lasts, minutes)
        if len(pdus) > 1:
            concat = back["user_data"]["header"]["elements"][0]["data"]
            agree("part", concat, {"reference": reference, "parts_count": len(pdus), "part_number": part})
        whole += back["user_data"]["data"]
        out("submit", number, text, minutes or 0, int(report), reference, part, len(pdus), int(pdu.length), pdu.pdu)
    agree("text", whole, text)


def deliver(sender, toa, text, scts, zone, concat=None, wide=False):
    """Layout of TS 23.040 §9.2.2.1, content packed by smsd or Python, read back by both decoders."""
    local = scts + datetime.timedelta(minutes=15 * zone)
    quarters = abs(zone)
    tz = swap(f"{quarters // 10 | (8 if zone < 0 else 0):X}{quarters % 10}")
    stamp = swap(local.strftime("%y%m%d%H%M%S")) + tz
    if toa == 0xD0:
        packed = smsd_pack(sender)
        address = f"{(len(sender) * 7 + 3) // 4:02X}D0{packed}"
    else:
        address = f"{len(sender):02X}{toa:02X}{swap(sender)}"
    header = ""
    if concat:
        reference, part, parts = concat
        header = f"060804{reference:04X}{parts:02X}{part:02X}" if wide else f"050003{reference:02X}{parts:02X}{part:02X}"
    gsm = all(c in "@$!?.,-:;()/'0123456789 \n€{}[]" or (c.isascii() and c.isalpha()) for c in text)
    if gsm and header:
        # Seven septets of 8 bit header and one fill bit, or eight septets of 16 bit header without any: let smsd pack
        # that many placeholders and put the header over them.
        count = 8 if wide else 7
        packed = smsd_pack("@" * count + text)
        # The 8 bit header's fill bit shares its octet with the first septet; the placeholders are zero, so is the fill bit.
        body = header + packed[len(header):]
        length = count + sum(2 if c in "€{}[]" else 1 for c in text)
    elif gsm:
        body = smsd_pack(text)
        length = sum(2 if c in "€{}[]" else 1 for c in text)
    else:
        body = header + text.encode("utf-16-be").hex().upper()
        length = len(body) // 2
    first = 0x44 if concat else 0x04
    hexed = "07918406010013F0" + f"{first:02X}" + address + "00" + ("00" if gsm else "08") + stamp + f"{length:02X}" + body
    one = pm.SmsDeliver(hexed)
    two = spd.SMSDeliver.decode(io.StringIO(hexed))
    agree("text", one.text, text)
    agree("text", two["user_data"]["data"], text)
    agree("sender", one.number.lstrip("+"), two["sender"]["number"])
    agree("sender", two["sender"]["number"], sender)
    agree("time", two["scts"].replace(tzinfo=None), scts)
    agree("time", one.date, scts)
    if concat:
        agree("part", (one.udh.concat.ref, one.udh.concat.seq, one.udh.concat.cnt), concat)
    shown = "+" + sender if toa == 0x91 else sender
    unix = int(scts.replace(tzinfo=datetime.timezone.utc).timestamp())
    out("deliver", shown, text, unix, *(concat or (0, 0, 0)), hexed)


def status_report(reference, recipient, scts, discharge, status):
    stamp = lambda t: swap(t.strftime("%y%m%d%H%M%S")) + "00"
    hexed = f"0006{reference:02X}{len(recipient):02X}91{swap(recipient)}{stamp(scts)}{stamp(discharge)}{status:02X}"
    one = pm.SmsDeliver(hexed)
    agree("recipient", one.sr["recipient"].lstrip("+"), recipient)
    agree("reference", one.data["ref"], reference)
    agree("times", (one.sr["scts"], one.sr["dt"]), (scts, discharge))
    agree("status", one.sr["status"], status)
    unix = lambda t: int(t.replace(tzinfo=datetime.timezone.utc).timestamp())
    out("status_report", reference, "+" + recipient, unix(scts), unix(discharge), status, hexed)


def septets(text):
    pm_packed = pm.SmsSubmit("+48600100200", text)
    pm_packed.ref = 0
    body = pm_packed.to_pdu()[0].pdu[-len(smsd_pack(text)):]
    agree("septets", body, smsd_pack(text))
    out("septets", text, body)


def main():
    at = datetime.datetime
    print("# kind and fields, tab-separated, \\-escaped; made by make.py from peers that agree; see there")
    # Not seven characters: smsd fills the seven spare bits with CR, python-messaging with zeros.
    for text in ["a", "123456", "12345678", "Hello world", "{}[]~^|\\ €", "x" * 160]:
        septets(text)
    submit("+48600100200", "Zamowienie 2026/11/00123 czeka. Kod 482913.", 1440, True, 0)
    submit("600100200", "a", None, False, 255)
    submit("+4860010020", "parzysta liczba cyfr", 780, False, 1)
    submit("+48600100200", "€{}[]~^|\\ @$_", 2880, True, 7)
    submit("+48600100200", "x" * 160, 60 * 24 * 3, False, 9)
    submit("+48600100200", "abcdefghij" * 16 + "k", 1440, True, 33)
    submit("+48600100200", "Numer 17 " * 50, 10080 * 5, True, 200)
    submit("+380501234567", "Ваше замовлення чекає", 1440, True, 12)
    submit("+380501234567", "я" * 70, 1440, True, 13)
    submit("+380501234567", "Ваше замовлення чекає на вас у магазині. " * 4, 1440, True, 14)
    deliver("48600100200", 0x91, "jestem", at(2026, 5, 21, 10, 7, 33), 8)
    deliver("48600100200", 0x91, "Dzień dobry, już jestem", at(2026, 12, 31, 22, 59, 59), 4)
    deliver("15551234567", 0x91, "status", at(2026, 1, 1, 3, 0, 1), -20)
    deliver("80510", 0x81, "Twoj kod to 1234", at(2026, 2, 28, 23, 0, 0), 4)
    deliver("Sklep 12", 0xD0, "Czekamy (do 20:00)", at(2026, 3, 29, 1, 0, 0), 8)
    deliver("Pepco", 0xD0, "Taniej o {5} €", at(2026, 3, 29, 1, 0, 0), 0)
    deliver("48600100200", 0x91, "druga czesc", at(2026, 5, 21, 10, 7, 34), 8, (77, 2, 2))
    deliver("48600100200", 0x91, "druga część", at(2026, 5, 21, 10, 7, 34), 8, (78, 2, 3))
    deliver("48600100200", 0x91, "trzecia czesc", at(2026, 5, 21, 10, 7, 34), 8, (4660, 3, 3), wide=True)
    deliver("48600100200", 0x91, "цілком інша", at(2026, 5, 21, 10, 7, 34), 8, (51966, 1, 2), wide=True)
    status_report(17, "48600100200", at(2026, 5, 21, 10, 7, 33), at(2026, 5, 21, 10, 7, 36), 0x00)
    status_report(255, "48600100200", at(2026, 5, 21, 10, 7, 33), at(2026, 5, 22, 10, 7, 36), 0x46)
    status_report(3, "380501234567", at(2026, 5, 21, 10, 7, 33), at(2026, 5, 21, 10, 8, 36), 0x30)


main()
