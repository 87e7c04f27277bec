# SPDX-License-Identifier: Apache-2.0
"""An independent reader of the guest's event devices, to compare with what Candor says."""
EV_SYN, EV_KEY, EV_MSC = 0, 1, 4

NAMES = {"QEMU Virtio Keyboard": "virtio keyboard", "QEMU Virtio Mouse": "virtio mouse",
         "QEMU QEMU USB Keyboard": "usb keyboard", "QEMU QEMU USB Mouse": "usb mouse"}


def hardware_nodes(machine):
    """{"virtio keyboard": "/dev/input/event3", …} of the emulated hardware."""
    nodes = {}
    for line in machine.sh("grep -H . /sys/class/input/event*/device/name").splitlines():
        path, _, name = line.partition(":")
        if name in NAMES:
            nodes[NAMES[name]] = "/dev/input/" + path.split("/")[4]
    assert sorted(nodes) == sorted(NAMES.values()), nodes
    return nodes


class Witness:
    """Reads the given nodes, or the four emulated devices by their names, while the block lasts."""

    def __init__(self, machine, nodes=None):
        self.machine = machine
        self.nodes = {node: node for node in nodes} if nodes else hardware_nodes(machine)

    def __enter__(self):
        self.process = self.machine.spawn("monotonic_witness " + " ".join(self.nodes.values()))
        self.machine.wait_until(lambda: "ready" in self.process.output(), why="the witness")
        return self

    def __exit__(self, *_):
        self.process.close_stdin()

    def events(self, name):
        """[(microseconds, type, code, value)] of one device so far."""
        node = self.nodes[name]
        lines = (line.split() for line in self.process.output().splitlines() if line.startswith(node + " "))
        return [tuple(int(field) for field in fields[1:]) for fields in lines if len(fields) == 5]

    def plain(self, name):
        """What a person did: no SYN_REPORT, no scan codes, no autorepeat."""
        return [(kind, code, value) for _, kind, code, value in self.events(name)
                if kind not in (EV_SYN, EV_MSC) and not (kind == EV_KEY and value == 2)]

    def wait_for(self, counts, timeout=180):
        self.machine.wait_until(lambda: all(len(self.plain(name)) >= count for name, count in counts.items()), timeout,
                                why=f"{counts} events; there are { {name: len(self.plain(name)) for name in counts} }")
