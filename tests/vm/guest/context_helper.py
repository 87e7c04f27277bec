#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""context_helper.py [FILE]: stands in for a context helper in the person's session.

Registers, says that a plain field is focused, and shows an indicator that always works; begins again whenever it is told
that it is not registered. With FILE: when it changes, its first three lines (application, role, field) are reported.
"""
import pathlib
import sys
import time

import dbus

NAME, PATH = "org.candor.Capture1", "/org/candor/Capture1"
CONTEXT = NAME + ".Context"
FOCUS = ["demo", "text", "plain"]


class Helper:
    def __init__(self, bus):
        self.bus = bus
        self.interval = 0.0
        self.due = 0.0
        self.focus = FOCUS

    def call(self, interface, method, signature, *arguments):
        return self.bus.call_blocking(NAME, PATH, interface, method, signature, arguments, timeout=60)

    def register(self):
        milliseconds = self.call(CONTEXT, "Register", "as", ["focus", "indicator"])
        self.interval = milliseconds / 2000
        self.report()
        self.beat()

    def report(self):
        self.call(CONTEXT, "Report", "sss", *self.focus)

    def beat(self):
        state = self.call("org.freedesktop.DBus.Properties", "Get", "ss", NAME, "State")
        self.call(CONTEXT, "Heartbeat", "s", "shown" if state == "recording" else "ready")
        self.due = time.monotonic() + self.interval

    def look_at(self, file):
        try:
            focus = (file.read_text().split("\n") + ["", "", ""])[:3]
        except OSError:
            return
        if focus != self.focus:
            self.focus = focus
            self.report()


def main():
    file = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    helper = Helper(dbus.SystemBus())
    registered = False
    while True:
        try:
            if not registered:
                helper.register()
                registered = True
                print("registered", flush=True)
            if file:
                helper.look_at(file)
            if time.monotonic() >= helper.due:
                helper.beat()
        except dbus.DBusException as error:
            if registered or error.get_dbus_name() != NAME + ".Error.NotAuthorized":
                print(error.get_dbus_name(), error.get_dbus_message(), flush=True)
            registered = False
            time.sleep(0.2)
        time.sleep(0.1 if file or not registered else max(0.0, helper.due - time.monotonic()))


if __name__ == "__main__":
    main()
