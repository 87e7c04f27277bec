# SPDX-License-Identifier: Apache-2.0
"""Plays systemd for campaign_recorder (candord without devices and bus) and the real candor-shipper, and compares what came out with what went in.

What a process hands to the recorder is numbered and written to tmpfs first (journal_of_numbers.h), so it is known whatever is killed.
"""
import array
import bisect
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

BATCH_PACKETS = 1024  # wire::max_batch_events, two events a packet
RECORD = struct.Struct("<QQII")
BEGUN, PRODUCED, LOST, SEALED, ACKED, ENDED, REFUSED = range(7)
REFUSALS = ("ring_full", "state_failed")


class Violation(Exception):
    """What must hold did not."""


def require(holds, what):
    if not holds:
        raise Violation(what)


class DescriptorStore:
    """sd_notify(3)'s other end, as far as FDSTORE goes."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.fspath(path))
        self.socket.setblocking(False)
        self.kept = []  # (name, descriptor)
        self.ready = False  # READY=1 came

    def take(self):
        """Everything that was sent so far, also by processes that are dead."""
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 4096, 16)
            except BlockingIOError:
                return
            fields = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
            self.ready |= fields.get("READY") == "1"
            if "FDSTOREREMOVE" in fields:
                self.forget(fields.get("FDNAME"))
            for fd in fds:
                if "FDSTORE" in fields and not any(os.path.samestat(os.fstat(fd), os.fstat(kept)) for _, kept in self.kept):
                    self.kept.append((fields.get("FDNAME", "stored"), fd))
                else:
                    os.close(fd)

    def forget(self, name=None):
        for kept in [kept for kept in self.kept if name is None or kept[0] == name]:
            os.close(kept[1])
            self.kept.remove(kept)

    def close(self):
        self.take()
        self.forget()
        self.socket.close()


class Process:
    """A child with descriptors from 3 on, which dies with this process."""

    def __init__(self, arguments, out, environment=None, fds=(), names=()):
        self.arguments, self.out, self.status = [os.fspath(a) for a in arguments], out, None
        fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200) for fd in fds]  # out of the way of 3, 4 …
        log = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
                if os.getppid() != parent:
                    os._exit(1)
                os.dup2(log, 1)
                os.dup2(log, 2)
                for i, fd in enumerate(fds):
                    os.dup2(fd, 3 + i)
                variables = {**os.environ, **(environment or {})}
                variables.pop("JOURNAL_STREAM", None)
                if fds:
                    variables |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(names)}
                os.execve(self.arguments[0], self.arguments, variables)
            finally:
                os._exit(127)
        for fd in [log, *fds]:
            os.close(fd)

    def poll(self):
        """The wait status once it has ended, else None."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status

    def signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, seconds, what):
        end = time.monotonic() + seconds
        while self.poll() is None:
            require(time.monotonic() < end, f"{what} has not ended in {seconds} s; its last words:\n{self.last_words()}")
            time.sleep(0.01)
        return os.waitstatus_to_exitcode(self.status)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.status is None:
            _, self.status = os.waitpid(self.pid, 0)

    def last_words(self, lines=8):
        return "\n".join(pathlib.Path(self.out).read_text(errors="replace").splitlines()[-lines:])


class World:
    """A machine: one recorder, one shipper, one lake. Ends everything it started when left."""

    def __init__(self, build, *, seed=1, rate=1000, ring=4 << 20, flush_ms=150, steady=False, spool_bytes="1G", embargo=0, keep=False, faults=()):
        build = pathlib.Path(build)
        self.programs = {"recorder": build / "tests/campaign/campaign_recorder", "reader": build / "tests/campaign/campaign_reader",
                         "shipper": build / "shipper/candor-shipper", "refine": build / "refine/candor-refine", "shim": build / "tests/campaign/faulty_disk.so"}
        for program in self.programs.values():
            if not program.exists():
                raise SystemExit(f"{program} is not built")
        self.keep = keep
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="candor-campaign-"))
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="candor-campaign-", dir=memory))
        self.numbers = self.memory / "numbers"
        self.state, self.spool, self.lake = (self.folder / name for name in ("state", "spool", "lake"))
        for folder in (self.state, self.spool, self.lake):
            folder.mkdir(mode=0o700)
        self.key = self.folder / "key"
        self.key.touch(mode=0o600)
        self.key.write_text(os.urandom(32).hex() + "\n")
        self.store = DescriptorStore(self.folder / "notify")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(os.fspath(self.folder / "frames.sock"))
        self.listener.listen(16)
        self.config = self.folder / "shipper.conf"
        self.config.write_text(f"[Shipper]\nSource={self.folder}/frames.sock\nSpool={self.spool}\nSink=dir:{self.lake}\nSpoolBytes={spool_bytes}\n"
                               f"MetricsFile={self.folder}/shipper.prom\n")
        self.fault_file = self.folder / "faults"
        self.fault_file.touch()
        self.faulty = faults  # of which programs: "recorder", "shipper"
        self.recorder_options = ["--state", self.state, "--spool", self.spool, "--key", self.key, "--numbers", self.numbers, "--ring", str(ring),
                                 "--rate", str(rate), "--seed", str(seed), "--flush-ms", str(flush_ms), "--embargo", str(embargo),
                                 *(["--steady"] if steady else [])]
        self.recorder = self.shipper = None
        self.lives = []  # of recorders: [pid, "running" | "killed" | "power" | "stopped", target of the kill]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in (self.recorder, self.shipper):
            if process:
                process.kill()
        self.store.close()
        self.listener.close()
        if self.keep or kind is Violation:
            shutil.copy(self.numbers, self.folder / "numbers") if self.numbers.exists() else None
            print(f"everything is kept in {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder)
        shutil.rmtree(self.memory)

    def environment(self, program):
        variables = {"NOTIFY_SOCKET": os.fspath(self.store.path)} if program == "recorder" else {"CANDOR_BOOT_ID": "0" * 31 + "1"}
        if program in self.faulty:
            # The sanitizer's runtime wants to be first; it need not be for these wrappers.
            variables |= {"LD_PRELOAD": os.fspath(self.programs["shim"]), "FAULTY_DISK": os.fspath(self.fault_file),
                          "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        return variables

    def start_recorder(self):
        self.store.take()
        self.store.ready = False
        self.recorder = Process([self.programs["recorder"], *self.recorder_options], self.folder / "recorder.out", self.environment("recorder"),
                                [self.listener.fileno(), *(fd for _, fd in self.store.kept)], ["candor.socket", *(name for name, _ in self.store.kept)])
        self.lives.append([self.recorder.pid, "running", ""])

    def start_shipper(self):
        self.shipper = Process([self.programs["shipper"], "--config", self.config], self.folder / "shipper.out", self.environment("shipper"))

    def start(self):
        self.start_recorder()
        self.start_shipper()

    def kill_recorder(self, target="recorder", fate="killed"):
        self.lives[-1][1:] = fate, target
        self.recorder.kill()

    def lose_power(self):
        """What is in memory only is gone. The page cache is not: what was written and not synced survives here."""
        self.kill_recorder("power", "power")
        self.shipper.kill()
        self.store.take()
        self.store.forget()

    def faults(self, *lines):
        """What the disk does from now on; nothing: it is well."""
        fresh = self.folder / "faults.new"
        fresh.write_text("".join(f"{line}\n" for line in lines))
        fresh.rename(self.fault_file)

    def watch(self):
        """Nothing has ended that was not told to."""
        for name, process in (("the recorder", self.recorder), ("the shipper", self.shipper)):
            status = process.poll()
            require(status is None, f"{name} ended by itself, wait status {status}; its last words:\n{process.last_words()}")

    def run(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            self.watch()

    def wait_for(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            self.watch()
            require(time.monotonic() < end, f"not within {seconds} s: {what}; the shipper's last words:\n{self.shipper.last_words()}")
            time.sleep(0.05)

    def reports(self):
        """States that the shipper told the recorder, one after the other."""
        lines = pathlib.Path(self.recorder.out).read_text(errors="replace").splitlines()
        return [line.split()[1].rstrip(",") for line in lines if line.startswith("report: ")]

    def is_ready(self):
        self.store.take()
        return self.store.ready

    def waiting(self):
        return [path.name for path in self.spool.iterdir() if path.suffix in (".part", ".candor", ".note", ".expired", ".tombstone")]

    def stop(self, seconds=90):
        """Lets everything come to rest in the lake, and both end in order."""
        self.wait_for("the recorder to be ready", self.is_ready)
        self.recorder.signal(signal.SIGTERM)
        code = self.recorder.wait(seconds, "the recorder")
        self.lives[-1][1] = "stopped"
        require(code == 0, f"the recorder failed when it was told to end; its last words:\n{self.recorder.last_words()}")
        end = time.monotonic() + seconds
        while self.waiting():
            require(self.shipper.poll() is None, f"the shipper ended by itself; its last words:\n{self.shipper.last_words()}")
            require(time.monotonic() < end, f"left in the spool after {seconds} s: {self.waiting()[:3]}; last words:\n{self.shipper.last_words()}")
            time.sleep(0.02)
        self.shipper.signal(signal.SIGTERM)
        code = self.shipper.wait(seconds, "the shipper")
        require(code == 0, f"the shipper failed when it was told to end; its last words:\n{self.shipper.last_words()}")

    def verify(self):
        result = subprocess.run([self.programs["refine"], "verify", "--key", self.key, "--json", "--any-device", self.lake], capture_output=True, text=True)
        require(result.returncode == 0, f"candor-refine verify: exit {result.returncode}\n{result.stderr[-2000:]}\n{result.stdout[-2000:]}")
        return json.loads(result.stdout)

    def read_lake(self):
        result = subprocess.run([self.programs["reader"], self.lake, self.key], capture_output=True, text=True)
        require(result.returncode == 0, f"the lake cannot be read: {result.stderr[-2000:]}")
        return [json.loads(line) for line in result.stdout.splitlines()]


class Run:
    """One recorder process, as the file of numbers tells of it."""

    def __init__(self, pid, first):
        self.pid, self.first, self.end = pid, first, first
        self.fate, self.target = "running", ""
        self.begun_us = None
        self.settled = first  # numbers before are sealed or refused
        self.refused = []  # [first, end) of numbers that went into no frame
        self.baseline = None  # frames that were in the ring when it began
        self.seals = []  # (frames, settled)
        self.acked_frames = 0

    def acked(self):
        i = bisect.bisect_right(self.seals, (self.acked_frames, 1 << 62))
        return self.seals[i - 1][1] if i else self.first


class Account:
    """What was produced, and what each number may have become."""

    def __init__(self, numbers, lives):
        self.kinds, self.times, self.runs = bytearray(), array.array("Q"), []
        data = numbers.read_bytes()
        for value, time_us, kind, pid in RECORD.iter_unpack(data[:len(data) - len(data) % RECORD.size]):
            if not self.runs or self.runs[-1].pid != pid:
                self.runs.append(Run(pid, len(self.kinds)))
            run = self.runs[-1]
            if kind in (PRODUCED, LOST):
                require(value == len(self.kinds), f"the file of numbers jumps from {len(self.kinds)} to {value}")
                self.kinds.append(kind)
                self.times.append(time_us)
                run.end = value + 1
            elif kind == BEGUN:
                run.begun_us = run.begun_us or time_us
            elif kind in (SEALED, REFUSED):
                if run.baseline is None:
                    run.baseline = time_us
                if kind == REFUSED:
                    run.refused.append((run.settled, value))
                run.settled = max(run.settled, value)
                run.seals.append((time_us, run.settled))
            elif kind == ACKED:
                run.acked_frames = time_us
        self.without_memory = self.lost_with_memory(lives)

    def lost_with_memory(self, lives):
        """[first, end) of numbers that were in memory alone when the power went."""
        lost, carried, runs = [], [], list(self.runs)
        for pid, fate, target in lives:
            if runs and runs[0].pid == pid:  # others were killed before they wrote anything
                run = runs.pop(0)
                run.fate, run.target = fate, target
                if run.baseline is not None and run.acked_frames >= run.baseline:
                    carried = []  # among them the end that it wrote for a dead process' stream
                carried.append((run.acked(), run.end))
            if fate == "power":
                lost += carried
                carried = []
        require(not runs, f"process {runs[0].pid if runs else 0} was never started")
        return lost

    def run_of(self, number):
        return self.runs[bisect.bisect_right([run.first for run in self.runs], number) - 1]


def check_numbering(lines):
    """Streams of a device, subject and epoch are numbered from 1 without holes, each number one stream's."""
    streams = {}
    for line in lines:
        streams.setdefault((line["subject"], line["epoch"]), {}).setdefault(line["number"], set()).add(line["stream"])
    for numbers in streams.values():
        for number, ids in numbers.items():
            require(len(ids) == 1, f"streams {sorted(ids)} have the same number {number}")
        missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
        require(not missing, f"streams number {missing[:5]} of {max(numbers)} are neither stored nor declared")


def check_segments(lines):
    notes = {line["stream"] for line in lines if line["kind"] == "note"}
    seen = set()
    for line in lines:
        if line["kind"] == "note":
            continue
        stream = line["stream"]
        require(stream not in seen, f"stream {stream} is stored twice")
        seen.add(stream)
        require(line["closed"] or stream in notes, f"stream {stream} has neither an end nor a note")
        if line["closed"]:
            require(line["produced"] == line["stored"] + line["declared"], f"stream {stream}: produced {line['produced']}, stored {line['stored']}, declared {line['declared']}")
            require(line["kind"] == "expired" or line["stored"] == line["events"], f"stream {stream}: {line['events']} events, its end says {line['stored']}")


def compare(world, exact_refusals=False, torn=False):
    """Everything produced is stored once or declared. Returns figures. `exact_refusals`: no recorder died, so every refused event is counted.
    `torn`: the disk may have taken a part of a record, which the shipper keeps aside."""
    lines = world.read_lake()
    check_numbering(lines)
    check_segments(lines)
    account = Account(world.numbers, world.lives)
    produced = len(account.kinds)
    holder = [None] * produced
    gaps = []
    for line in lines:
        for first, last in line.get("numbers", ()):
            for number in range(first, last + 1):
                require(number < produced and account.kinds[number] == PRODUCED, f"stream {line['stream']} holds {number}, which was never produced")
                require(holder[number] is None, f"{number} is stored twice: in streams {holder[number]} and {line['stream']}")
                holder[number] = line["stream"]
        gaps += [gap | {"stream": line["stream"]} for gap in line.get("gaps", ())]
    # By the monotonic clock: when a successor found that a stream had been begun of which it had nothing.
    ahead_ns = time.time_ns() - time.monotonic_ns()
    noted = [(line["noticed_ns"] - ahead_ns) // 1000 for line in lines if line["kind"] == "note"]
    figures = explain_missing(account, holder, gaps, noted, exact_refusals)
    counted = sum(gap["events"] or 0 for gap in gaps if gap["reason"] == "quarantine_full")
    lost = [number for number in range(produced) if account.kinds[number] == LOST]
    sure = [number for number in lost if number < account.run_of(number).settled and not any(a <= number < b for a, b in account.without_memory)]
    refused = any(gap["reason"] in REFUSALS for gap in gaps)
    require(counted <= 2 * len(lost), f"{counted} events are declared as lost, {2 * len(lost)} were")
    require(refused or counted >= 2 * len(sure), f"{counted} events are declared as lost, at least {2 * len(sure)} were before a sealed frame")
    damaged = sorted(os.listdir(world.spool / "damaged")) if (world.spool / "damaged").exists() else []
    damaged = [name for name in damaged if not (torn and ".tail" in name)]
    require(not damaged, f"the shipper set aside {damaged[:3]}")
    segments = [line for line in lines if line["kind"] == "segment"]
    return figures | {"produced": produced, "stored": sum(line["events"] for line in segments), "declared": sum(gap["events"] or 0 for gap in gaps),
                      "frames": sum(line["frames"] for line in segments), "streams": len(segments), "notes": sum(line["kind"] == "note" for line in lines),
                      "crashed": sum(line.get("closed") == "crashed" for line in lines)}


def explain_missing(account, holder, gaps, noted, exact_refusals):
    seconds = {}  # reason: set of seconds that a gap of it covers
    for gap in gaps:
        reason = "refused" if gap["reason"] in REFUSALS else gap["reason"]
        seconds.setdefault(reason, set()).update(range(gap["from_us"] // 1_000_000, gap["to_us"] // 1_000_000 + 1))
    refused, tails, without_memory = 0, {}, 0  # tails: by run
    for run, successor in zip(account.runs, [*account.runs[1:], None]):
        fate = run.fate
        kept_out = {number for first, end in run.refused for number in range(first, end)}
        for number in range(run.first, run.end):
            if holder[number] is not None or account.kinds[number] != PRODUCED:
                continue
            second = account.times[number] // 1_000_000
            if any(first <= number < end for first, end in account.without_memory):
                without_memory += 1
            elif number in kept_out:
                # Its gap may have waited for room in the ring when the process was killed; then the crash gap is over that time too.
                declared = second in seconds.get("refused", ()) or (fate == "killed" and second in seconds.get("crash", ()))
                require(declared, f"{number} of process {run.pid} was refused, and no gap is there for it")
                refused += 1
            else:
                require(number >= run.settled and fate == "killed", f"{number} of process {run.pid} ({fate}, sealed to {run.settled}) is neither stored nor declared")
                declared = second in seconds.get("crash", ()) or (successor and any(account.times[number] <= us <= successor.begun_us for us in noted))
                require(declared, f"{number} was not sealed when process {run.pid} was killed, and neither a crash gap nor a note is there for it")
                tails[run] = tails.get(run, 0) + 1
    for run, count in tails.items():
        require(count <= BATCH_PACKETS, f"{count} packets, more than a batch, are missing of process {run.pid}")
    counted = sum(gap["events"] or 0 for gap in gaps if gap["reason"] in REFUSALS)
    require(counted <= 2 * refused and (not exact_refusals or counted == 2 * refused), f"{2 * refused} events were refused, {counted} are declared so")
    return {"tails": tails, "refused": refused, "without_memory": without_memory}
