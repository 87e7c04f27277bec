#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""call.py [hold]: reads a JSON list of [interface, method, signature, arguments] and calls candord, all from one connection.

Prints a line for each call: {"error": name or null, "message": text, "answer": [...]}; descriptors are shown as "descriptor".
With hold, it then keeps what descriptors it was given until it is ended.
"""
import json
import sys
import time

import dbus

NAME, PATH = "org.candor.Capture1", "/org/candor/Capture1"


def plain(value):
    if isinstance(value, dbus.types.UnixFd):
        return "descriptor"
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    return str(value)


def main():
    bus = dbus.SystemBus()
    kept = []
    for interface, method, signature, arguments in json.load(sys.stdin):
        try:
            answer = bus.call_blocking(NAME, PATH, interface, method, signature, arguments, timeout=60)
            kept.append(answer)
            answers = answer if isinstance(answer, tuple) else [] if answer is None else [answer]
            print(json.dumps({"error": None, "message": "", "answer": plain(answers)}), flush=True)
        except dbus.DBusException as error:
            print(json.dumps({"error": error.get_dbus_name(), "message": error.get_dbus_message(), "answer": []}), flush=True)
    if sys.argv[1:] == ["hold"]:
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
