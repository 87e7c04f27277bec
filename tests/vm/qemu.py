# SPDX-License-Identifier: Apache-2.0
"""One QEMU process under software emulation, and its QMP connection."""
import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

# Two displays only so that input events can be routed: QEMU hands an event to the input device that is bound to the
# display named in it, and without one to a device that is bound to none (usb-mouse cannot be bound).
VIRTIO_DISPLAY = "video0"
USB_DISPLAY = "video1"


class MachineDied(Exception):
    """QEMU ended, or the guest's agent does not answer any more: not the fault of what is being tested."""


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def connect(path, deadline):
    while True:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.connect(str(path))
            return link
        except OSError:
            link.close()
            if time.monotonic() > deadline:
                raise MachineDied(f"nobody listens on {path}")
            time.sleep(0.1)


def version():
    return subprocess.run(["qemu-system-x86_64", "--version"], check=True, capture_output=True, text=True).stdout


class Qemu:
    """`load` starts a snapshot. Without one the machine boots, and its disk keeps what the guest has synced, whatever happens to QEMU;
    with one that does not matter, and would cost time."""

    def __init__(self, folder, disk, kernel, initrd, load=None):
        self.folder = pathlib.Path(folder)
        self.kernel, self.initrd = kernel, initrd
        for name in ("qmp", "agent", "shell"):
            (self.folder / name).unlink(missing_ok=True)
        cache = "unsafe" if load else "writeback"
        command = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "pc,i8042=off", "-cpu", "max", "-m", "1024", "-smp", "2",
            "-nodefaults", "-display", "none", "-net", "none", "-no-reboot",
            "-kernel", str(kernel), "-initrd", str(initrd),
            "-append", "root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 usbcore.autosuspend=-1 systemd.show_status=0 random.trust_cpu=on",
            "-drive", f"file={disk},if=virtio,format=qcow2,cache={cache}",
            "-device", f"VGA,id={VIRTIO_DISPLAY},vgamem_mb=8", "-device", f"secondary-vga,id={USB_DISPLAY},vgamem_mb=8",
            "-device", f"virtio-keyboard-pci,display={VIRTIO_DISPLAY}",
            "-device", f"virtio-mouse-pci,display={VIRTIO_DISPLAY}",
            "-device", "qemu-xhci",
            "-device", f"usb-kbd,display={USB_DISPLAY}", "-device", "usb-mouse",
            "-device", "virtio-rng-pci",
            "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
            "-vnc", f"unix:{self.folder}/vnc",
            "-serial", f"file:{self.folder}/console.log",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,path={self.folder}/agent,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=candor.agent",
            "-chardev", f"socket,id=shell,path={self.folder}/shell,server=on,wait=off",
            "-device", "virtconsole,chardev=shell,name=candor.shell",
        ]
        if load:
            command += ["-loadvm", load]
        self.log = open(self.folder / "qemu.log", "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=die_with_parent)
        try:
            self.link = connect(self.folder / "qmp", time.monotonic() + 120)
            self.link.settimeout(600)
            self.stream = self.link.makefile("rwb")
            self.stream.readline()
            self.command("qmp_capabilities")
        except (OSError, MachineDied) as error:
            self.stop()
            raise MachineDied(f"QEMU did not start: {error}; see {self.folder}/qemu.log")

    def command(self, name, **arguments):
        try:
            self.stream.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
            self.stream.flush()
            while True:
                line = self.stream.readline()
                if not line:
                    raise MachineDied("QEMU has ended")
                answer = json.loads(line)
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise RuntimeError(f"QMP {name}: {answer['error']['desc']}")
        except OSError as error:
            raise MachineDied(f"QMP {name}: {error}")

    def monitor(self, line):
        answer = self.command("human-monitor-command", **{"command-line": line})
        if answer.strip():
            raise RuntimeError(f"{line}: {answer.strip()}")

    def save(self, name):
        self.monitor(f"savevm {name}")

    def load(self, name):
        self.monitor(f"loadvm {name}")
        self.command("cont")

    def power_cut(self):
        """As if the plug were pulled: nothing in the guest gets to know."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()
