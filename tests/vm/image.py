# SPDX-License-Identifier: Apache-2.0
"""The guest's disk image, built once and kept outside the tree.

The cache (${XDG_CACHE_HOME:-~/.cache}/candor) has one folder per layer, named by a hash of what it is made of:
  packages-HASH/  disk.qcow2, vmlinuz, initrd.img: a Debian 12 made by mmdebstrap, never booted
  booted-HASH/    disk.qcow2 with the snapshot "booted": the person's session is active
A layer is built under another name and renamed when it is whole. Runs copy a layer, they never write to it.
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def host_suite():
    """The guest runs what is built here, so it is of the same Debian; elsewhere of the oldest that is supported."""
    release = pathlib.Path("/etc/os-release").read_text() if os.path.exists("/etc/os-release") else ""
    return "trixie" if "VERSION_CODENAME=trixie" in release else "bookworm"


SUITE = host_suite()
PACKAGES = """systemd systemd-sysv dbus udev kmod linux-image-amd64 libpam-systemd login util-linux procps sudo kbd
python3-minimal libpython3-stdlib python3-dbus evtest evemu-tools libinput-tools strace libevdev2 libinput10""".split()
PACKAGES += {"bookworm": ["policykit-1", "libfmt9"], "trixie": ["polkitd", "libfmt10"]}[SUITE]

# What is typed at the guest's prompts. No two of them share three characters in a row; root has none: the agent is root.
PASSWORDS = {"person": "mv2gkq7w", "other": "zh5xj9bd"}

# Runs inside the new root, after the packages are there.
CUSTOMIZE = f"PASSWORDS='{' '.join(':'.join(entry) for entry in PASSWORDS.items())}'" + r"""
set -e
echo candor-guest > /etc/hostname
echo '127.0.0.1 localhost candor-guest' > /etc/hosts
echo '/dev/vda / ext4 defaults,noatime 0 1' > /etc/fstab
passwd -l root >/dev/null
useradd -m -u 1000 -s /bin/bash -G sudo person
useradd -m -u 1001 -s /bin/bash other
printf '%s\n' $PASSWORDS | chpasswd
mkdir -p /etc/systemd/system/getty@tty1.service.d
cat > /etc/systemd/system/getty@tty1.service.d/autologin.conf <<EOF
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin person --noclear %I linux
EOF
cat > /etc/systemd/system/candor-guest-agent.service <<EOF
[Unit]
Description=Agent of the test machine
DefaultDependencies=no
After=systemd-udevd.service systemd-tmpfiles-setup-dev.service
[Service]
ExecStart=/usr/bin/python3 -u /usr/local/lib/candor-guest-agent /dev/virtio-ports/candor.agent
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
EOF
systemctl enable candor-guest-agent.service getty@tty2.service >/dev/null 2>&1
systemctl mask serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  fstrim.timer e2scrub_all.timer man-db.timer systemd-timesyncd.service logrotate.timer systemd-tmpfiles-clean.timer >/dev/null 2>&1
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' > /etc/systemd/journald.conf.d/guest.conf
printf 'virtio_console\nvirtio_input\nuinput\nevdev\n' > /etc/modules-load.d/guest.conf
rm -rf /usr/share/doc/* /usr/share/man/* /var/cache/apt/* /var/lib/apt/lists/*
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = pathlib.Path(base) / "candor"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def digest(*parts):
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(len(data).to_bytes(8, "little") + data)
    return sha.hexdigest()[:16]


def agent_source():
    return (HERE / "guest" / "agent").read_bytes()


@contextlib.contextmanager
def building(name):
    """Yields (folder, ready): the layer's folder, and whether it is there already. Otherwise the caller fills
    folder, which gets its name only when the block ends without an exception."""
    cache = cache_folder()
    final = cache / name
    with open(cache / (name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            os.utime(final)
            yield final, True
            return
        temporary = pathlib.Path(tempfile.mkdtemp(prefix=name + ".", dir=cache))
        try:
            yield temporary, False
            temporary.chmod(0o755)
            temporary.rename(final)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        forget_old_layers(cache)


def forget_old_layers(cache, days=30):
    for path in cache.iterdir():
        if path.is_dir() and path.name.startswith(("packages-", "booted-")):
            if time.time() - path.stat().st_mtime > days * 86400:
                shutil.rmtree(path, ignore_errors=True)


def run(command, log, **options):
    with open(log, "ab") as out:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
    if result.returncode != 0:
        tail = pathlib.Path(log).read_text(errors="replace").splitlines()[-25:]
        raise RuntimeError(f"{command[0]} ended with {result.returncode}:\n" + "\n".join(tail))


def packages_layer():
    """Path of the packages layer; builds it when it is missing (some minutes)."""
    name = "packages-" + digest(SUITE, " ".join(PACKAGES), CUSTOMIZE, agent_source())
    path = cache_folder() / name
    with building(name) as (folder, ready):
        if ready:
            return path
        say(f"building the guest's Debian ({SUITE}) once, some minutes; it is kept as {path}")
        log = folder / "build.log"
        root = folder / "root"
        hook = folder / "customize.sh"
        hook.write_text(CUSTOMIZE)
        run(["mmdebstrap", "--mode=" + ("root" if os.geteuid() == 0 else "auto"), "--variant=minbase",
             "--include=" + ",".join(PACKAGES),
             '--dpkgopt=path-exclude=/usr/share/locale/*', '--dpkgopt=path-exclude=/usr/share/doc/*',
             "--customize-hook=upload " + str(HERE / "guest" / "agent") + " /usr/local/lib/candor-guest-agent",
             "--customize-hook=upload " + str(hook) + " /root/customize.sh",
             '--customize-hook=chroot "$1" sh /root/customize.sh',
             SUITE, str(folder / "root.tar")], log)
        root.mkdir()
        extract = ["tar", "-C", str(root), "-xf", str(folder / "root.tar")]
        raw = folder / "disk.raw"
        make = ["mkfs.ext4", "-q", "-F", "-m", "0", "-d", str(root), str(raw), "2500M"]
        if os.geteuid() == 0:
            run(extract + ["--exclude=./dev/*"], log)
            run(make, log)
        else:
            # Owners other than ours need a user namespace for both steps.
            script = " && ".join(" ".join(part) for part in (extract + ["--exclude=./dev/*"], make))
            run(["unshare", "--map-auto", "--map-root-user", "sh", "-c", script], log)
        boot = root / "boot"
        shutil.copy(next(boot.glob("vmlinuz-*")), folder / "vmlinuz")
        shutil.copy(next(boot.glob("initrd.img-*")), folder / "initrd.img")
        run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(folder / "disk.qcow2")], log)
        raw.unlink()
        (folder / "root.tar").unlink()
        if os.geteuid() == 0:
            shutil.rmtree(root)
        else:
            run(["unshare", "--map-auto", "--map-root-user", "rm", "-rf", str(root)], log)
    return path


def copy_disk(source, target):
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", str(source), str(target)], check=True)
