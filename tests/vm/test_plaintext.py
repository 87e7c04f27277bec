# SPDX-License-Identifier: Apache-2.0
"""Where keys are while somebody types: in candord until they are sealed, and nowhere else."""
from candor import LAKE, SPOOL, Candor
from input import CODES, PLAIN
from witness import Witness

TEXT = "xqzv jwkp ygfb hmdc"


def holds_keys(machine, *places):
    """What the scan finds of TEXT in processes and files; "" when nothing."""
    codes = " ".join(str(CODES[PLAIN.get(character, character)]) for character in TEXT)
    result = machine.run(f"scan_for_keys {' '.join(map(str, places))} -- {codes}", timeout=600)
    assert result["rc"] in (0, 1), result
    return result["out"] if result["rc"] == 0 else ""


def test_nothing_in_the_clear(machine):
    """While somebody types, the shipper's memory, the spool, the ring and the journal hold no sequence of keys, and candord's own memory none
    once it is sealed"""
    candor = Candor(machine, batch_seconds=1, quarantine_seconds=20)
    candor.grant("full")
    with Witness(machine) as witness:
        sent = machine.input.type_text(TEXT)
        witness.wait_for({"virtio keyboard": len(sent)})
        waits = holds_keys(machine, candor.pid())
        shipper = holds_keys(machine, candor.pid("candor-shipper"))
        candor.wait_out_quarantine()
        machine.wait_until(lambda: candor.status()["counters"]["FramesWaiting"] == 0, why="all of it to be taken")
        assert candor.status()["counters"]["EventsStored"] > 0
        sealed = holds_keys(machine, candor.pid())
        after = holds_keys(machine, candor.pid("candor-shipper"))
    assert waits, "the scan does not see the keys that wait in candord's memory: it proves nothing"
    print("   while it waits: " + waits.splitlines()[0])
    assert not sealed, f"candord still holds what it has sealed: {sealed}"
    assert not shipper and not after, f"the shipper holds {shipper}{after}"
    machine.sh("journalctl -b --no-pager -o export > /root/journal.txt")
    files = machine.sh(f"find /root/journal.txt {SPOOL} {LAKE} /var/lib/candor /run/candor /run/candord -type f").split()
    # What systemd keeps for candord.
    assert int(machine.sh("systemctl show -P NFileDescriptorStore candord")) >= 1
    kept = machine.sh("find /proc/1/fd -lname '*memfd:candor*'").split()
    assert kept, "systemd keeps nothing"
    for number, fd in enumerate(kept):
        machine.sh(f"head -c 1M {fd} > /root/kept.{number}")
        files.append(f"/root/kept.{number}")
    assert not holds_keys(machine, *files)


def test_dumps_and_swap(machine):
    """candord leaves no core file, other processes of its user cannot read it, and all that it touches is locked in memory"""
    candor = Candor(machine, batch_seconds=1)
    candor.grant("full")
    pid = candor.pid()
    limits = [" ".join(line.split()) for line in machine.sh(f"cat /proc/{pid}/limits").splitlines()]
    assert "Max core file size 0 0 bytes" in limits, limits
    # As the kernel's own accounting of each mapping says: nothing in memory that could be written to the swap.
    unlocked = machine.sh("awk '/^[0-9a-f]+-/ {what = $2 \" \" $6} /^Rss:/ {rss = $2} /^Locked:/ {if (rss > 0 && $2 == 0) print what, rss}' "
                          f"/proc/{pid}/smaps").splitlines()
    assert not [line for line in unlocked if line.startswith("rw")], unlocked
    # Not dumpable: /proc/PID belongs to root, so a process of the same user may not attach.
    assert machine.sh(f"stat -c %U /proc/{pid}/mem").strip() == "root"
    assert machine.run(f"setpriv --reuid candor --regid candor --clear-groups head -c 1 /proc/{pid}/mem")["rc"] != 0
    machine.sh(f"kill -SEGV {pid}")
    machine.wait_until(lambda: candor.pid() not in (0, pid), why="candord to come back")
    found = machine.sh("find / -xdev -name 'core*' -newer /etc/candor/policy.conf -size +100k -type f 2>/dev/null || true")
    assert not [path for path in found.split() if not path.startswith(("/usr", "/proc", "/sys"))], found
