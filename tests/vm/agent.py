# SPDX-License-Identifier: Apache-2.0
"""The host's end of the agent: runs commands in the guest and moves files."""
import base64
import json
import select
import time

from qemu import MachineDied, connect

CHUNK = 48 * 1024


class Agent:
    def __init__(self, path):
        self.link = connect(path, time.monotonic() + 120)
        self.link.setblocking(False)
        self.buffer = b""
        self.number = int(time.time() * 1000) % 1_000_000_000
        self.transcript = []

    def close(self):
        self.link.close()

    def say_hello(self, timeout):
        """Until the agent answers: after a boot or a snapshot it may have lost what was sent before."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.request({"op": "hello"}, timeout=5)
                return
            except MachineDied:
                if time.monotonic() > deadline:
                    raise

    def request(self, message, timeout=600):
        self.number += 1
        message["id"] = self.number
        data = json.dumps(message).encode()
        deadline = time.monotonic() + timeout
        self.write(b"\n%d\n" % len(data) + data, deadline)
        while True:
            answer = self.read_message(deadline)
            if answer.get("id") != self.number:
                continue
            if "error" in answer:
                raise RuntimeError(f"agent: {answer['error']}")
            return answer

    def write(self, data, deadline):
        while data:
            _, writable, _ = select.select([], [self.link], [], max(0, deadline - time.monotonic()))
            if not writable:
                raise MachineDied("the guest's agent takes no request")
            try:
                data = data[self.link.send(data):]
            except OSError as error:
                raise MachineDied(f"the guest's agent is gone: {error}")

    def fill(self, deadline):
        readable, _, _ = select.select([self.link], [], [], max(0, deadline - time.monotonic()))
        if not readable:
            raise MachineDied("the guest's agent does not answer")
        data = self.link.recv(1 << 16)
        if not data:
            raise MachineDied("the guest's agent is gone")
        self.buffer += data

    def read_message(self, deadline):
        while True:
            while b"\n" not in self.buffer:
                self.fill(deadline)
            line, _, self.buffer = self.buffer.partition(b"\n")
            if not line.strip().isdigit():
                continue
            size = int(line)
            while len(self.buffer) < size:
                self.fill(deadline)
            data, self.buffer = self.buffer[:size], self.buffer[size:]
            try:
                return json.loads(data)
            except ValueError:
                continue

    def put(self, path, data, mode=0o644):
        first = True
        while first or data:
            self.request({"op": "put", "path": path, "append": not first, "mode": mode,
                          "data": base64.b64encode(data[:CHUNK]).decode()})
            data = data[CHUNK:]
            first = False

    def get(self, path, offset=0):
        """The file's bytes from `offset` to its end."""
        data = b""
        while True:
            answer = self.request({"op": "get", "path": path, "offset": offset + len(data), "count": CHUNK})
            part = base64.b64decode(answer["data"])
            data += part
            if len(part) < CHUNK:
                return data
