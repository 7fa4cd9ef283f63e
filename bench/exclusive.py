"""Exclusive: the machine for ourselves while rounds are timed, by a command that the user names.

The command is a wrapper as `flock FILE` is one: it is called with a command, runs it when the machine is free, and keeps it
free until that command ends. Here that command is `cat`, which lives as long as we want the machine.
"""

import shlex
import subprocess
import time


class Exclusive:
    """Held between enter and leave; `renew` lets others have it when `seconds` have passed. Without a wrapper: nothing."""

    def __init__(self, wrapper: str, seconds: float):
        self._wrapper, self._seconds = shlex.split(wrapper), seconds
        self._holder = None
        self._since = 0.0

    def __enter__(self):
        if self._wrapper:
            self._holder = subprocess.Popen([*self._wrapper, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            try:
                self._holder.stdin.write(b"held\n")
                self._holder.stdin.flush()
            except BrokenPipeError:
                pass  # it ended: nothing comes back either
            if self._holder.stdout.readline() != b"held\n":
                self.__exit__()
                raise RuntimeError(f"{shlex.join(self._wrapper)} did not run the command that it was given")
        self._since = time.monotonic()
        return self

    def __exit__(self, *unused):
        if self._holder:
            try:
                self._holder.stdin.close()
            except BrokenPipeError:
                pass
            self._holder.wait()
            self._holder.stdout.close()
            self._holder = None

    def renew(self):
        if self._wrapper and time.monotonic() - self._since > self._seconds:
            self.__exit__()
            time.sleep(1)
            self.__enter__()
