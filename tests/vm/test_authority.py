# SPDX-License-Identifier: Apache-2.0
"""Who may call what."""
from candor import AUDIT, CONSENT, CONTEXT, DATA, MAIN, Candor
from seat import Seat

PROPERTIES = "org.freedesktop.DBus.Properties"
OK, NO = "ok", "NotAuthorized"
CALLERS = ("person", "background", "other", "nobody", "root")
# What each caller gets: the person in the foreground and in the background, another person, a service's user, root.
TABLE = {
    "Consent.GetNotice": (OK, OK, OK, OK, OK),
    "Consent.GetReceipt": (OK, OK, OK, OK, NO),
    "Consent.Grant": (OK, NO, NO, NO, NO),
    "Pause": (OK, OK, OK, OK, NO),
    "Resume": (OK, NO, NO, NO, NO),
    "Inhibit": (OK, OK, OK, OK, OK),
    "Context.Register": (OK, NO, NO, NO, NO),
    "Context.Report": (OK, NO, NO, NO, NO),
    "Context.Heartbeat": (OK, NO, NO, NO, NO),
    "Context.Unregister": (OK, NO, NO, NO, NO),
    "SetEnabled": (NO, NO, NO, NO, OK),
    "ReloadPolicy": (NO, NO, NO, NO, OK),
    "Audit.GetEntries own": (OK, OK, OK, OK, OK),
    "Audit.GetEntries all": (NO, NO, NO, NO, OK),
    "Audit.Verify": (OK, OK, OK, OK, OK),
    "MyData.List": (OK, OK, OK, OK, NO),
    # Asks for the person's own password, and these callers let nobody be asked.
    "MyData.Open": (NO, NO, NO, NO, NO),
    "MyData.Delete": (OK, OK, OK, OK, NO),
    "properties of Capture1": (OK, OK, OK, OK, OK),
    "properties of Consent": (OK, OK, OK, OK, OK),
    "properties of Context": (OK, OK, OK, OK, OK),
    "properties of MyData": (OK, OK, OK, OK, OK),
    "Consent.Revoke": (OK, OK, OK, OK, NO),
}


def calls(policy_hash):
    return {
        "Consent.GetNotice": (CONSENT, "GetNotice", "", []),
        "Consent.GetReceipt": (CONSENT, "GetReceipt", "", []),
        "Consent.Grant": (CONSENT, "Grant", "ssasx", [policy_hash, "actions", [], 0]),
        "Pause": (MAIN, "Pause", "t", [60]),
        "Resume": (MAIN, "Resume", "", []),
        "Inhibit": (MAIN, "Inhibit", "ss", ["a test", "to see who may"]),
        "Context.Register": (CONTEXT, "Register", "as", [["focus"]]),
        "Context.Report": (CONTEXT, "Report", "sss", ["demo", "text", "plain"]),
        "Context.Heartbeat": (CONTEXT, "Heartbeat", "s", [""]),
        "Context.Unregister": (CONTEXT, "Unregister", "", []),
        "SetEnabled": (MAIN, "SetEnabled", "b", [True]),
        "ReloadPolicy": (MAIN, "ReloadPolicy", "", []),
        "Audit.GetEntries own": (AUDIT, "GetEntries", "tub", [0, 1000, False]),
        "Audit.GetEntries all": (AUDIT, "GetEntries", "tub", [0, 1000, True]),
        "Audit.Verify": (AUDIT, "Verify", "", []),
        "MyData.List": (DATA, "List", "", []),
        "MyData.Open": (DATA, "Open", "xx", [0, 0]),
        "MyData.Delete": (DATA, "Delete", "xx", [1, 2]),
        "properties of Capture1": (PROPERTIES, "GetAll", "s", [MAIN]),
        "properties of Consent": (PROPERTIES, "GetAll", "s", [CONSENT]),
        "properties of Context": (PROPERTIES, "GetAll", "s", [CONTEXT]),
        "properties of MyData": (PROPERTIES, "GetAll", "s", [DATA]),
        "Consent.Revoke": (CONSENT, "Revoke", "b", [False]),
    }


def test_authority(machine):
    """Every method, called by everybody: the person at the seat, the same in the background, another, a service, root"""
    candor = Candor(machine)
    seat = Seat(machine)
    candor.grant()
    wanted = calls(candor.property("PolicyHash"))
    assert list(wanted) == list(TABLE)
    found = {}
    # Those who decide nothing about the person first: whatever they call, the person's recording goes on.
    for caller in ("other", "nobody", "root"):
        found[caller] = candor.call(list(wanted.values()), user=caller)
        candor.wait_for_recording("actions")
    found["person"] = candor.call(list(wanted.values()))
    # The Revoke at its end has worked.
    assert candor.reasons() == ["consent-withdrawn"] and candor.open_input() == []
    candor.grant()
    seat.switch(2)
    candor.wait_for_reason("no-session")
    found["background"] = candor.call(list(wanted.values()))
    seat.switch(1)
    candor.wait_for_reason("consent-withdrawn")
    rows, wrong = [], []
    for number, (name, expected) in enumerate(TABLE.items()):
        outcomes = [found[caller][number]["error"] or OK for caller in CALLERS]
        rows.append(f"   {name:<24}" + "".join(f"{outcome:<16}" for outcome in outcomes))
        wrong += [f"{name} by {caller}: {outcome} instead of {should}: {found[caller][number]['message']}"
                  for caller, outcome, should in zip(CALLERS, outcomes, expected) if outcome != should]
    print("   " + " " * 24 + "".join(f"{caller:<16}" for caller in CALLERS) + "\n" + "\n".join(rows))
    assert not wrong, "\n".join(wrong)


def test_denied_is_logged(machine):
    """A denied call stands in the audit log, the log is intact, and only the administrator reads what concerns others"""
    candor = Candor(machine)
    policy_hash = candor.property("PolicyHash")
    grant = (CONSENT, "Grant", "ssasx", [policy_hash, "actions", [], 0])
    assert candor.call([grant], user="other")[0]["error"] == NO
    everything = candor.call([(AUDIT, "GetEntries", "tub", [0, 1000, True]), (AUDIT, "Verify", "", [])], user="root")
    denied = [line for line in everything[0]["answer"][0] if "Grant" in line and "1001" in line]
    assert len(denied) == 1, everything[0]
    intact, entries, problem = everything[1]["answer"]
    assert intact and problem == "" and entries == len(everything[0]["answer"][0]), everything[1]
    for user, sees in (("other", True), ("person", False)):
        lines = candor.call([(AUDIT, "GetEntries", "tub", [0, 1000, False])], user=user)[0]["answer"][0]
        assert (denied[0] in lines) == sees, (user, lines)


def test_arguments(machine):
    """What is out of range is refused by name and changes nothing"""
    candor = Candor(machine)
    policy_hash = candor.property("PolicyHash")
    for call, error in (
            ((CONSENT, "Grant", "ssasx", ["0" * 64, "actions", [], 0]), "PolicyChanged"),
            ((CONSENT, "Grant", "ssasx", [policy_hash, "everything", [], 0]), "InvalidArgument"),
            ((CONSENT, "Grant", "ssasx", [policy_hash, "actions", ["joystick"], 0]), "InvalidArgument"),
            ((CONSENT, "Grant", "ssasx", [policy_hash, "actions", [], 1]), "InvalidArgument"),
            ((MAIN, "Pause", "t", [0]), "InvalidArgument"),
            ((MAIN, "Pause", "t", [31622401]), "InvalidArgument"),
            ((MAIN, "Inhibit", "ss", ["", "why"]), "InvalidArgument"),
            ((MAIN, "Inhibit", "ss", ["who", "x" * 129]), "InvalidArgument"),
            ((CONTEXT, "Report", "sss", ["demo", "text", "plain"]), "NotRegistered"),
            ((CONTEXT, "Register", "as", [[]]), "InvalidArgument"),
            ((AUDIT, "GetEntries", "tub", [0, 0, False]), "InvalidArgument"),
            ((AUDIT, "GetEntries", "tub", [0, 1001, False]), "InvalidArgument")):
        answer = candor.call([call])[0]
        assert answer["error"] == error, (call, answer)
    assert candor.reasons() == ["consent-none"] and candor.property("Inhibitors") == []
    # 16 of one uid are the most; the next is refused, another uid's is not.
    inhibit = (MAIN, "Inhibit", "ss", ["a test", "to see how many"])
    assert [answer["error"] for answer in candor.call([inhibit] * 17)] == [None] * 16 + ["LimitReached"]
    machine.wait_until(lambda: candor.property("Inhibitors") == [], why="the inhibitors to go with their caller")
