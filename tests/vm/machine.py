# SPDX-License-Identifier: Apache-2.0
"""The test machine as tests see it: a booted guest with a person logged in at its console."""
import io
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import time

import image
from agent import Agent
from input import Input
from qemu import MachineDied, Qemu, version


class Skipped(Exception):
    """Raised by a test that cannot run here; says why."""


def booted_layer():
    """Path of the layer whose snapshot "booted" has the person's session active; builds it when it is missing."""
    packages = image.packages_layer()
    sources = [(image.HERE / name).read_bytes() for name in ("qemu.py",)]
    name = "booted-" + image.digest(packages.name, version(), *sources)
    path = image.cache_folder() / name
    with image.building(name) as (folder, ready):
        if ready:
            return path
        image.say(f"booting the guest once, a minute or two; the snapshot is kept as {path}")
        for part in ("vmlinuz", "initrd.img", "disk.qcow2"):
            image.copy_disk(packages / part, folder / part)
        with tempfile.TemporaryDirectory(prefix="candor-vm-") as work:
            qemu = Qemu(work, folder / "disk.qcow2", folder / "vmlinuz", folder / "initrd.img")
            try:
                machine = Machine(qemu)
                machine.agent.say_hello(600)
                machine.wait_for_boot()
                machine.sh("sync; udevadm settle; systemctl start user@1000.service")
                time.sleep(3)
                qemu.save("booted")
            finally:
                qemu.stop()
    return path


class Process:
    """A background process of the guest; its output goes to a file there."""

    def __init__(self, machine, number, pid, out):
        self.machine, self.number, self.pid, self.out = machine, number, pid, out

    def poll(self):
        return self.machine.agent.request({"op": "poll", "process": self.number})["rc"]

    def kill(self, signal=15):
        self.machine.agent.request({"op": "kill", "process": self.number, "signal": signal})

    def close_stdin(self):
        self.machine.agent.request({"op": "close_stdin", "process": self.number})

    def wait(self, timeout=300):
        self.machine.wait_until(lambda: self.poll() is not None, timeout, why=f"the end of process {self.pid}")
        return self.poll()

    def output(self):
        return self.machine.agent.get(self.out).decode(errors="replace")


class Machine:
    def __init__(self, qemu):
        self.qemu = qemu
        self.agent = Agent(qemu.folder / "agent")
        self.input = Input(qemu)

    # Starting

    @classmethod
    def start(cls, work):
        """A private copy of the booted layer, running in the folder `work`."""
        layer = booted_layer()
        disk = pathlib.Path(work) / "disk.qcow2"
        image.copy_disk(layer / "disk.qcow2", disk)
        machine = cls(Qemu(work, disk, layer / "vmlinuz", layer / "initrd.img", load="booted"))
        machine.agent.say_hello(300)
        machine.set_clock()
        return machine

    def stop(self):
        self.agent.close()
        self.qemu.stop()

    def save(self, name):
        self.sh("sync")
        self.qemu.save(name)

    def restore(self, name):
        self.qemu.load(name)
        self.agent.say_hello(300)
        self.set_clock()

    def reboot(self):
        """Shuts down in order and boots the same disk again; ends when the person's session is active."""
        self.spawn("systemctl reboot")
        try:
            self.qemu.process.wait(180)  # -no-reboot
        except subprocess.TimeoutExpired:
            raise AssertionError("the guest did not shut down within 180 s")
        self.boot_again()

    def boot_again(self):
        """Boots the same disk when QEMU has ended."""
        self.agent.close()
        old = self.qemu
        old.stop()
        self.qemu = Qemu(old.folder, old.folder / "disk.qcow2", old.kernel, old.initrd)
        self.agent = Agent(self.qemu.folder / "agent")
        self.input = Input(self.qemu)
        self.agent.say_hello(600)
        self.wait_for_boot()

    def wait_for_boot(self):
        self.wait_until("test \"$(loginctl show-seat seat0 -P ActiveSession)\" != ''", timeout=600,
                        why="the person's session on seat0")
        self.wait_until("systemctl is-system-running | grep -qE 'running|degraded'", timeout=600, why="the end of the boot")

    def set_clock(self):
        """A snapshot brings its own, old wall clock with it."""
        self.sh(f"date -u -s @{time.time():.3f} >/dev/null")

    def install(self, build):
        """Installs a build folder as its `meson install` does, and makes the guest's services know it."""
        build = pathlib.Path(build).resolve()
        with tempfile.TemporaryDirectory(prefix="candor-install-") as root:
            subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--destdir", root, "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)
            for tool in [*(build / "tests/vm/guest").glob("*"), *(image.HERE / "guest").glob("*.py")]:
                if tool.is_file() and os.access(tool, os.X_OK):
                    target = pathlib.Path(root) / "usr/local/bin" / tool.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(tool, target)
            for path in pathlib.Path(root).rglob("*"):
                if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF":
                    subprocess.run(["strip", "--strip-debug", str(path)], check=True)
            data = io.BytesIO()
            with tarfile.open(fileobj=data, mode="w:xz", preset=1) as tar:
                for entry in sorted(os.listdir(root)):
                    tar.add(os.path.join(root, entry), arcname=entry)
        self.put("/root/install.tar.xz", data.getvalue())
        self.sh("python3 -c \"import tarfile; tarfile.open('/root/install.tar.xz').extractall('/')\" && "
                "rm /root/install.tar.xz && systemd-sysusers && systemd-tmpfiles --create && "
                "systemctl daemon-reload && systemctl reload dbus && udevadm control --reload && "
                "udevadm trigger --subsystem-match=input --subsystem-match=leds --action=change && udevadm settle", timeout=300)

    # Working

    def sh(self, command, user="root", timeout=180, check=True, stdin="", env=None):
        """Runs a shell command; its standard output. With check, a failure raises with all it printed."""
        result = self.run(command, user, timeout, stdin, env)
        if check and result["rc"] != 0:
            raise AssertionError(f"`{command}` as {user} ended with {result['rc']}:\n{result['out']}{result['err']}")
        return result["out"]

    def run(self, command, user="root", timeout=180, stdin="", env=None):
        """The same without an opinion: {"rc", "out", "err"}."""
        result = self.agent.request({"op": "exec", "argv": ["/bin/bash", "-c", command], "user": user, "timeout": timeout,
                                     "stdin": stdin, "env": env}, timeout=timeout + 120)
        if result.get("timeout"):
            raise AssertionError(f"`{command}` did not end within {timeout} s:\n{result['out']}{result['err']}")
        return result

    def spawn(self, command, user="root", env=None):
        answer = self.agent.request({"op": "spawn", "argv": ["/bin/bash", "-c", "exec " + command], "user": user, "env": env})
        return Process(self, answer["process"], answer["pid"], answer["out"])

    def put(self, path, data, mode=0o644):
        self.agent.put(path, data if isinstance(data, bytes) else data.encode(), mode)

    def get(self, path):
        return self.agent.get(path)

    def wait_until(self, condition, timeout=180, why=None, pause=0.3):
        """Until a shell command succeeds or a callable says true; asks every `pause` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            done = condition() if callable(condition) else self.run(condition)["rc"] == 0
            if done:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout} s in vain for {why() if callable(why) else why or condition}")
            time.sleep(pause)


__all__ = ["Machine", "MachineDied", "Process", "Skipped", "booted_layer"]
