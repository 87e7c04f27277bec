# SPDX-License-Identifier: Apache-2.0
"""The wall clock, which anybody may have set."""
from candor import Candor


def test_clock_step(machine):
    """Setting the wall clock before the consent or behind its end closes at once, setting it right opens; no pause is shortened"""
    candor = Candor(machine, batch_seconds=1)

    def step(by):
        machine.sh(f"date -u -s @$(($(date +%s) {by})) >/dev/null")

    candor.grant()
    step("- 86400")
    candor.wait_for_reason("consent-not-yet-valid")
    assert candor.open_input() == []
    step("+ 86400")
    candor.wait_for_recording("actions")
    step("+ 91 * 86400")
    candor.wait_for_reason("consent-expired")
    assert candor.open_input() == []
    step("- 91 * 86400")
    candor.wait_for_recording("actions")
    machine.sh("candorctl pause 1h", user="person")
    step("+ 7200")
    candor.wait_for_reason("paused")
    assert candor.open_input() == []
    step("- 7200")
    assert candor.reasons() == ["paused"]
    machine.sh("candorctl resume", user="person")
    candor.wait_for_recording("actions")
