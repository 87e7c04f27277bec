# SPDX-License-Identifier: Apache-2.0
"""Candor in the guest: set up as an administrator would, used as the person would, read as the recipient would."""
import json

LAKE = "/var/lib/candor-lake"
SPOOL = "/var/lib/candor-shipper"
KEY = "/root/recipient.key"

POLICY = """[Policy]
Controller=Test machine
Contact=root@localhost
Purpose=Tests of Candor
BatchSeconds={batch_seconds}
{more}
[Recipients]
{recipient}
"""


class Candor:
    """`allow` names virtual devices that may be recorded."""

    def __init__(self, machine, batch_seconds=5, allow=()):
        self.machine = machine
        recipient = machine.sh(f"candor-refine keygen {KEY}").strip()
        more = "".join(f"AllowVirtual={name}\n" for name in allow)
        machine.put("/etc/candor/policy.conf", POLICY.format(batch_seconds=batch_seconds, more=more, recipient=recipient))
        machine.sh("cp /usr/share/candor/notice.txt /etc/candor/notice.txt")
        machine.sh("systemctl start candor.socket candord.service candor-shipper.service")

    # The person

    def grant(self):
        self.machine.sh("candorctl consent grant --yes", user="person")
        self.machine.wait_until(lambda: self.status()["recording"], why="the recording to begin")

    def revoke(self):
        self.machine.sh("candorctl consent revoke", user="person")

    def status(self):
        return json.loads(self.machine.sh("candorctl status --json", user="person"))

    def devices(self):
        return json.loads(self.machine.sh("candorctl devices --json", user="person"))

    # The administrator

    def pid(self, unit="candord"):
        return int(self.machine.sh(f"systemctl show -P MainPID {unit}"))

    def open_input(self):
        """The input devices that candord has open, as the kernel says."""
        return sorted(self.machine.sh(f"find /proc/{self.pid()}/fd -lname '/dev/input/*' -printf '%l\\n'").split())

    def descriptors(self):
        return int(self.machine.sh(f"ls /proc/{self.pid()}/fd | wc -l"))

    # The recipient

    def settle(self, timeout=300):
        """Stops recording and waits until everything is in the lake."""
        self.revoke()
        self.machine.wait_until(lambda: self.status()["counters"]["FramesWaiting"] == 0, timeout, why="the shipper to take it all")
        self.machine.wait_until(f"! ls {SPOOL}/*.part {SPOOL}/*.candor {SPOOL}/*.grant 2>/dev/null", timeout,
                                why="the spool to be empty")

    def dump(self):
        """Everything in the lake, as dicts in order."""
        out = self.machine.sh(f"candor-refine dump --key {KEY} {LAKE} > /root/dump.jsonl; echo $?").strip()
        assert out == "0", f"dump ended with {out}"
        return [json.loads(line) for line in self.machine.get("/root/dump.jsonl").splitlines()]

    def verify(self):
        return json.loads(self.machine.sh(f"candor-refine verify --json --key {KEY} {LAKE}"))


class Dump:
    """What `candor-refine dump` printed, by device."""

    def __init__(self, lines):
        self.lines = lines
        self.names = {(line["stream"], line["device"]): line["name"] for line in lines if line["kind"] == "device"}

    def of(self, name):
        """[(microseconds, type, code, value)] of the device with this name, symbolic as printed."""
        return [(line["t_us"], line["type"], line["code"], line["value"]) for line in self.lines
                if line["kind"] == "event" and self.names[line["stream"], line["device"]] == name]

    def kinds(self, kind):
        return [line for line in self.lines if line["kind"] == kind]
