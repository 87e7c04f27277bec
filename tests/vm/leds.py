# SPDX-License-Identifier: Apache-2.0
"""The keyboards' lights as the hardware has them: QEMU tells a VNC client what the guest last told any keyboard."""
import select
import struct
import time

from qemu import connect

LED_STATE = -261  # pseudo-encoding of RFB
SCROLL_LOCK = 1


class Leds:
    def __init__(self, qemu):
        self.link = connect(qemu.folder / "vnc", time.monotonic() + 30)
        self.state = None
        self.read(12)
        self.link.sendall(b"RFB 003.008\n")
        types = self.read(self.read(1)[0])
        assert 1 in types, types
        self.link.sendall(b"\x01")
        assert self.read(4) == bytes(4), "VNC refused"
        self.link.sendall(b"\x01")  # shared
        name = struct.unpack(">HH16xI", self.read(24))[2]
        self.read(name)
        self.link.sendall(struct.pack(">BxHi", 2, 1, LED_STATE))

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.link.recv(count - len(data))
            if not part:
                raise AssertionError("QEMU's VNC has ended")
            data += part
        return data

    def scroll_lock(self, seconds=0.1):
        """Whether it shines, once nothing has changed for so long; None when the guest has never set a light."""
        while select.select([self.link], [], [], seconds)[0]:
            kind = self.read(1)[0]
            assert kind == 0, f"message {kind} of VNC, which was not asked for"
            for _ in range(struct.unpack(">xH", self.read(3))[0]):
                encoding = struct.unpack(">8xi", self.read(12))[0]
                assert encoding == LED_STATE, f"encoding {encoding}"
                self.state = self.read(1)[0]
        return None if self.state is None else bool(self.state & SCROLL_LOCK)

    def close(self):
        self.link.close()
