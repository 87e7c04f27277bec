# SPDX-License-Identifier: Apache-2.0
"""Candor in the guest: set up as an administrator would, used as the person would, read as the recipient would."""
import json
import time

LAKE = "/var/lib/candor-lake"
SPOOL = "/var/lib/candor-shipper"
KEY = "/root/recipient.key"
NOT_RUNNING = 3  # candorctl's exit status
FOCUS = "/run/candor-test-focus"

NAME, PATH = "org.candor.Capture1", "/org/candor/Capture1"
MAIN, CONSENT, CONTEXT, AUDIT, DATA = NAME, *(f"{NAME}.{part}" for part in ("Consent", "Context", "Audit", "MyData"))

POLICY = """[Policy]
Controller=Test machine
Contact=root@localhost
Purpose=Tests of Candor
DPIA=none, nobody is recorded
Level=full
BatchSeconds={batch_seconds}
QuarantineSeconds={quarantine_seconds}
EmbargoMinutes={embargo_minutes}
RequiredIndicators={indicators}
{more}
[Recipients]
{recipient}
"""


class Candor:
    """`allow` names virtual devices that may be recorded, `more` are further lines of the policy. Its ceiling is `full`, and what
    is recorded is shipped at once."""

    def __init__(self, machine, batch_seconds=5, quarantine_seconds=2, allow=(), indicators="light", more=(), embargo_minutes=0):
        self.machine = machine
        self.wait_seconds = batch_seconds + quarantine_seconds + 1
        self.helper = None
        recipient = machine.sh(f"candor-refine keygen --no-passphrase {KEY}").strip()
        lines = [f"AllowVirtual={name}" for name in allow] + list(more)
        machine.put("/etc/candor/policy.conf", POLICY.format(
            batch_seconds=batch_seconds, quarantine_seconds=quarantine_seconds, embargo_minutes=embargo_minutes,
            indicators=indicators, more="\n".join(lines), recipient=recipient))
        machine.sh("cp /usr/share/candor/notice.txt /etc/candor/notice.txt")
        machine.sh("systemctl start candor.socket candord.service candor-shipper.service")
        machine.sh(f"candor-refine enroll --name guest {self.property('Identity')}")

    # The person

    def grant(self, level="actions", devices=()):
        """Consents and waits until it is so. Level full brings the context helper that it needs."""
        if level == "full" and self.helper is None:
            self.start_helper()
        chosen = f" --devices {','.join(devices)}" if devices else ""
        self.machine.sh(f"candorctl consent grant --yes --level {level}{chosen}", user="person")
        self.wait_for_recording(level)

    def revoke(self):
        self.machine.sh("candorctl consent revoke", user="person")

    def status(self):
        return json.loads(self.machine.sh("candorctl status --json", user="person"))

    def devices(self):
        return json.loads(self.machine.sh("candorctl devices --json", user="person"))

    def reasons(self):
        return [reason["name"] for reason in self.status()["reasons"]]

    def start_helper(self):
        """Says that a plain field is focused until focus() says otherwise."""
        self.focus("demo", "text", "plain")
        self.helper = self.machine.spawn(f"context_helper.py {FOCUS}", user="person")
        self.machine.wait_until(lambda: self.property("Alive", CONTEXT) is True, why=self.helper.output)

    def focus(self, application, role, field):
        """What the helper reports from now on."""
        self.machine.put(FOCUS, f"{application}\n{role}\n{field}\n")

    # Over the bus

    def property(self, name, interface=MAIN):
        out = self.machine.sh(f"busctl --json=short get-property {NAME} {PATH} {interface} {name}", user="person")
        return json.loads(out)["data"]

    def call(self, calls, user="person"):
        """Calls [(interface, method, signature, arguments)] from one connection; [{"error", "message", "answer"}]. The
        errors' common prefix is left out."""
        out = self.machine.sh("call.py", user=user, stdin=json.dumps(calls))
        answers = [json.loads(line) for line in out.splitlines()]
        for answer in answers:
            answer["error"] = answer["error"] and answer["error"].removeprefix(NAME + ".Error.")
        assert len(answers) == len(calls), out
        return answers

    def hold(self, who, why, user="person"):
        """A process that holds recording off until it ends."""
        self.machine.put("/run/candor-test-hold", json.dumps([[MAIN, "Inhibit", "ss", [who, why]]]))
        holder = self.machine.spawn("call.py hold < /run/candor-test-hold", user=user)
        self.machine.wait_until(lambda: "descriptor" in holder.output(), timeout=30, why=holder.output)
        return holder

    # Waiting

    def wait_for_recording(self, level=None, timeout=60):
        def recording():
            answer = self.machine.run("candorctl status --json", user="person")
            if answer["rc"] == NOT_RUNNING or not answer["out"]:  # it may end while it is asked
                return False
            status = json.loads(answer["out"])
            return status["recording"] and level in (None, status["level"])
        self.machine.wait_until(recording, timeout, lambda: f"recording{f' at {level}' if level else ''} to begin: {self.reasons()}")

    def wait_for_reason(self, reason, timeout=60):
        self.machine.wait_until(lambda: reason in self.reasons(), timeout, lambda: f"{reason}; there are {self.reasons()}")

    def wait_out_quarantine(self):
        """Until nothing that was typed before waits any more."""
        time.sleep(self.wait_seconds)

    # The administrator

    def pid(self, unit="candord"):
        return int(self.machine.sh(f"systemctl show -P MainPID {unit}"))

    def open_input(self):
        """The input devices that candord has open, as the kernel says."""
        return sorted(self.machine.sh(f"find /proc/{self.pid()}/fd -lname '/dev/input/*' -printf '%l\\n'").split())

    def descriptors(self):
        return int(self.machine.sh(f"ls /proc/{self.pid()}/fd | wc -l"))

    def metrics(self, file="/run/candord/candord.prom"):
        """{"NAME{LABELS}": value} of a file of metrics."""
        lines = self.machine.sh(f"cat {file}").splitlines()
        assert lines[-1] == "# EOF", lines
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    # The recipient

    def settle(self, timeout=300):
        """Stops recording, without a hole at the end, and waits until everything is in the lake."""
        if self.status()["recording"]:
            self.wait_out_quarantine()
        self.revoke()
        self.machine.wait_until(lambda: self.status()["counters"]["FramesWaiting"] == 0, timeout, why="the shipper to take it all")
        self.machine.wait_until(f"test -z \"$(ls {SPOOL}/*.part {SPOOL}/*.candor {SPOOL}/*.note {SPOOL}/*.tombstone 2>/dev/null)\"", timeout,
                                why="the spool to be empty")

    def dump(self, allow_unclosed=False, paths=LAKE):
        """Everything in the lake, or in the files that the words of `paths` name, as dicts in order."""
        out = self.machine.sh(f"candor-refine dump --key {KEY} --grants {LAKE}/grants {paths} > /root/dump.jsonl; echo $?").strip()
        assert out == "0" or allow_unclosed, f"dump ended with {out}"
        return [json.loads(line) for line in self.machine.get("/root/dump.jsonl").splitlines()]

    def verify(self, allow_unclosed=False):
        """What verify says; it holds."""
        more = " --allow-unclosed" if allow_unclosed else ""
        return json.loads(self.machine.sh(f"candor-refine verify --json{more} --key {KEY} {LAKE}"))


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
