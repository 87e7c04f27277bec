# SPDX-License-Identifier: Apache-2.0
"""What README.md tells a developer to type."""
import re

from candor import Candor
from image import HERE
from machine import Skipped

README = HERE.parent.parent / "README.md"


def examples(text):
    """The fenced blocks of sh and python below the heading "D-Bus", down to the next heading of its rank or above."""
    found = re.search(r"^(#+) .*\bD-Bus\b.*$", text, re.M)
    if not found:
        return []
    rest = text[found.end():]
    fenced, end = False, len(rest)
    for line in re.finditer(r"^.*$", rest, re.M):
        if line[0].startswith("```"):
            fenced = not fenced
        elif not fenced and re.match(rf"#{{1,{len(found[1])}}} ", line[0]):
            end = line.start()
            break
    return re.findall(r"^```(sh|python)\n(.*?)^```", rest[:end], re.M | re.S)


def test_readme(machine):
    """Every busctl and Python example of README's part about D-Bus works as it stands for the person at the seat"""
    blocks = examples(README.read_text())
    if not blocks:
        raise Skipped('README.md has no examples below a heading "D-Bus"')
    Candor(machine, batch_seconds=1)
    machine.sh("echo 'person ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/examples")
    for language, text in blocks:
        program = "bash -e" if language == "sh" else "python3"
        machine.put("/run/candor-example", text)
        outcome = machine.run(f"cd ~ && timeout 60 {program} /run/candor-example", user="person")
        print("   " + (outcome["out"] + outcome["err"]).strip()[:400].replace("\n", "\n   "))
        assert outcome["rc"] == 0, f"{text}\nended with {outcome['rc']}:\n{outcome['out']}{outcome['err']}"
