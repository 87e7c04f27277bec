# SPDX-License-Identifier: Apache-2.0
"""The guest's text consoles, used with its keyboards: tty1 is the person's, tty2 asks who it is, tty3 can be root's."""
from image import PASSWORDS


class Seat:
    def __init__(self, machine):
        self.machine = machine

    def switch(self, vt, device="virtio"):
        """By Ctrl+Alt+F1 and so on; ends when the kernel has followed. As people do, presses again when nothing happens: a
        console that its getty is about to open anew does not exist for a moment."""
        for _ in range(3):
            self.machine.input.chord(["ctrl", "alt", f"f{vt}"], device)
            try:
                self.machine.wait_until(lambda: self.foreground() == vt, timeout=5, why=f"tty{vt} in the foreground", pause=0.05)
                return
            except AssertionError as error:
                vain = error
        raise vain

    def foreground(self):
        return int(self.machine.get("/sys/class/tty/tty0/active").decode().strip().removeprefix("tty"))

    def session_of(self, user):
        """The id of the user's session on a console."""
        for line in self.machine.sh("loginctl list-sessions --no-legend").splitlines():
            fields = line.split()
            if fields[2] == user and any(field.startswith("tty") for field in fields[3:]):
                return fields[0]
        return None

    def lock(self, session, locked, user="person"):
        """As the session's own desktop does when it locks the screen."""
        path = self.machine.sh(f"busctl --json=short call org.freedesktop.login1 /org/freedesktop/login1 "
                               f"org.freedesktop.login1.Manager GetSession s {session}").split('"')[-2]
        self.machine.sh(f"busctl call org.freedesktop.login1 {path} org.freedesktop.login1.Session SetLockedHint b "
                        f"{'true' if locked else 'false'}", user=user)

    def line(self, vt):
        """The text from the left edge to the cursor."""
        try:
            screen = self.machine.get(f"/dev/vcsa{vt}")
        except RuntimeError:  # nobody has opened that console yet
            return ""
        _, width, x, y = screen[:4]
        first = 4 + 2 * width * y
        return screen[first:first + 2 * x:2].decode("latin-1")

    def wait_for_prompt(self, vt, end, timeout=60):
        self.machine.wait_until(lambda: self.line(vt).endswith(end), timeout,
                                lambda: f"a prompt {end!r} on tty{vt}, which shows {self.line(vt)!r}", pause=0.05)

    def root_shell(self, vt=3):
        """Root's own session on a console of its own; ends with that console in the background still."""
        unit = f"getty@tty{vt}.service"
        self.machine.sh(f"mkdir -p /run/systemd/system/{unit}.d && printf '[Service]\\nExecStart=\\nExecStart=-/sbin/agetty "
                        f"--autologin root --noclear %%I linux\\n' > /run/systemd/system/{unit}.d/root.conf && "
                        f"systemctl daemon-reload && systemctl start {unit}")
        self.wait_for_prompt(vt, "# ")

    def log_in(self, user, vt=2):
        """At the console that is in the foreground, with the password; what was typed."""
        self.wait_for_prompt(vt, "login: ")
        sent = self.machine.input.type_text(user + "\n")
        self.wait_for_prompt(vt, "Password: ")
        sent += self.machine.input.type_text(PASSWORDS[user] + "\n")
        return sent
