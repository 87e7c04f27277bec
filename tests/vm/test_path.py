# SPDX-License-Identifier: Apache-2.0
"""From the kernel's event to a sealed segment and out again."""
import struct

from candor import KEY, LAKE, SPOOL, Candor, Dump
from input import CODES, PLAIN, perform
from person import work
from witness import Witness, symbolic

TEXT = ("The quick brown fox jumps over the lazy dog; 1234567890 times, said nobody. Pack my box with five dozen liquor jugs! "
        "How vexingly quick daft zebras jump? Sphinx of black quartz, judge my vow (twice a day).")
TEXT += "." * (200 - len(TEXT))


def assert_recorded(witness, dump):
    """Event for event, with every time stamp, what the kernel delivered."""
    for name in witness.nodes:
        recorded, delivered = dump.of(witness.title(name)), symbolic(witness.events(name))
        differs = next((i for i, pair in enumerate(zip(recorded, delivered)) if pair[0] != pair[1]), None)
        assert recorded == delivered, (
            f"{name}: {len(recorded)} recorded, {len(delivered)} delivered; first difference at {differs}: "
            f"{recorded[differs or 0:][:4]} instead of {delivered[differs or 0:][:4]}")
        times = [event[0] for event in recorded]
        assert times == sorted(times), f"{name}: a time that goes back"


def assert_complete(candor, dump, events):
    """Nothing lost, nothing declared, and the counts agree with themselves."""
    totals = candor.verify()["totals"]
    assert (totals["damaged"], totals["unclosed"], dump.kinds("gap")) == (0, 0, []), (totals, dump.kinds("gap"))
    assert totals["events"] == totals["stored"] == totals["produced"] == events, (totals, events)


def test_event_for_event(machine):
    """What is typed and drawn on four devices at once comes out of the lake event for event, with the kernel's times"""
    candor = Candor(machine)
    candor.grant("full")
    with Witness(machine) as witness:
        evtest = witness.evtest("virtio keyboard")
        scripts, sent = work(TEXT, 2000)
        perform(machine.qemu, scripts, witness)
        witness.wait_for({name: len(events) for name, events in sent.items()})
        candor.settle()
        for name, events in sent.items():
            assert witness.plain(name) == events, f"{name}: the kernel did not deliver what was sent"
        dump = Dump(candor.dump())
        assert_recorded(witness, dump)
        assert_complete(candor, dump, sum(len(witness.events(name)) for name in witness.nodes))
        # evtest shows the wall clock: one offset to CLOCK_MONOTONIC, but for the rounding to microseconds.
        seen, kept = witness.evtest_events(evtest), dump.of(witness.title("virtio keyboard"))
        assert [event[1:] for event in seen] == [event[1:] for event in kept], (len(seen), len(kept))
        offsets = {wall[0] - event[0] for wall, event in zip(seen, kept)}
        assert max(offsets) - min(offsets) <= 1, offsets


def test_consent(machine):
    """Without consent no input device is open; granting opens them, revoking closes them"""
    candor = Candor(machine)
    machine.input.type_text("nobody listens")
    assert candor.open_input() == []
    assert [reason["name"] for reason in candor.status()["reasons"]] == ["consent-none"]
    for user in ("root", "other"):
        refused = machine.run("candorctl consent grant --yes", user=user)
        assert refused["rc"] == 4 and candor.open_input() == [], (user, refused)
    candor.grant()
    captured = sorted(device["node"] for device in candor.devices() if device["captured"])
    assert len(captured) == 4 and candor.open_input() == captured, captured
    candor.revoke()
    # The descriptors are closed when the answer arrives: no waiting.
    assert candor.open_input() == []
    machine.input.type_text("again nobody")
    candor.settle()
    assert [line for line in candor.dump() if line["kind"] == "event"] == []


def test_policy_change(machine):
    """A changed policy, a damaged one and a missing one close the devices, and say so"""
    candor = Candor(machine)
    candor.grant()
    for damage, reason in (("sed -i s/Test/Best/ /etc/candor/policy.conf", "consent-wrong-policy"),
                           ("echo Colour=blue >> /etc/candor/policy.conf", "policy-refused"),
                           ("rm /etc/candor/policy.conf", "policy-refused")):
        machine.sh(f"{damage}; systemctl kill -s HUP candord")
        machine.wait_until(lambda: reason in [one["name"] for one in candor.status()["reasons"]], why=reason)
        assert candor.open_input() == []


def forms_of(codes):
    """A sequence of key codes as a program might keep it: bytes, 16 or 32 bits, either order, and struct input_event."""
    yield bytes(codes)
    for form in ("<%dH", ">%dH", "<%dI", ">%dI"):
        yield struct.pack(form % len(codes), *codes)
    for code in codes[:1]:
        yield struct.pack("<HHi", 1, code, 1) + struct.pack("<HHi", 0, 0, 0)


def test_sealed(machine):
    """The socket, the spool and the lake hold neither the text nor its key codes, and nothing opens without the private key"""
    candor = Candor(machine, batch_seconds=1)
    machine.sh("systemctl stop candor-shipper")
    # Everything that goes through the shipper's descriptors, as hexadecimal.
    tracer = machine.spawn("strace -f -xx -s 70000 -e trace=recvfrom,recvmsg,read,write,sendto -o /root/socket.trace "
                           "setpriv --reuid candor-shipper --regid candor-shipper --init-groups /usr/lib/candor/candor-shipper")
    machine.wait_until(lambda: candor.status()["shipper_connected"], why="the traced shipper")
    candor.grant("full")
    text = "xqzv jwkp ygfb hmdc"  # no four of which stand in a library that the trace shows being loaded
    machine.input.type_text(text)
    # A copy of the spool as it is in the middle of a stream.
    machine.wait_until(f"ls {SPOOL}/*.part", why="a part in the spool")
    machine.sh(f"mkdir /root/seen; cp {SPOOL}/*.part /root/seen/")
    candor.settle()
    tracer.kill()
    machine.sh(f"cp -r {LAKE} /root/seen/lake")
    trace = machine.get("/root/socket.trace").decode()
    wire = b"".join(bytes.fromhex(part.replace("\\x", "")) for part in trace.split('"')[1::2]
                    if part.startswith("\\x"))
    assert b"CANDORSG" in wire, "the trace has no frames in it"
    stored = {name: machine.get(name) for name in machine.sh("find /root/seen -type f").split()}
    assert any(name.endswith(".candor") for name in stored) and any(name.endswith(".part") for name in stored), stored.keys()
    codes = [CODES[PLAIN.get(character, character)] for character in text]
    needles = [text[at:at + 4].encode() for at in range(len(text) - 3)]
    needles += [form for at in range(len(codes) - 3) for form in forms_of(codes[at:at + 4])]
    for name, data in [("the socket", wire), *stored.items()]:
        found = [needle for needle in needles if needle in data]
        assert not found, f"{name} holds {found}"
    machine.sh("candor-refine keygen --no-passphrase /root/other.key")
    for access, complaint in (("--key /root/other.key", "none of its 1 recipients has this key"), ("", "Exactly 1 option from [--key,--credential] is required")):
        refused = machine.run(f"candor-refine dump {access} {LAKE}")
        assert refused["rc"] != 0 and complaint in refused["err"] and "KEY_" not in refused["out"], refused
    assert "KEY_X" in machine.sh(f"candor-refine dump --key {KEY} {LAKE}")


def test_killed_shipper(machine):
    """kill -9 of the shipper while somebody types loses and doubles nothing"""
    candor = Candor(machine, batch_seconds=1)
    # Back at once, so that it can be killed often.
    machine.sh("mkdir -p /run/systemd/system/candor-shipper.service.d && "
               "printf '[Service]\\nRestartSec=100ms\\n' > /run/systemd/system/candor-shipper.service.d/quick.conf && "
               "systemctl daemon-reload")
    candor.grant("full")
    with Witness(machine) as witness:
        killer = machine.spawn("bash -c 'while sleep 0.9; do systemctl kill -s KILL candor-shipper && echo killed; done'")
        scripts, sent = work(TEXT, 1200)
        perform(machine.qemu, scripts, witness)
        witness.wait_for({name: len(events) for name, events in sent.items()})
        killer.kill()
        candor.settle()
        assert killer.output().count("killed") >= 5, killer.output()
        dump = Dump(candor.dump())
        assert_recorded(witness, dump)
        assert_complete(candor, dump, sum(len(witness.events(name)) for name in witness.nodes))
        assert machine.sh(f"ls {SPOOL}/damaged 2>/dev/null || true") == ""
