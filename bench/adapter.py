"""Adapter: a process that holds one loaded model and times rounds of runs when asked. The protocol: peers/serve.py."""

import json
import os
import select
import signal
import subprocess
import time

LOAD_SECONDS = 300  # reading and compiling a large model on a slow disk
SLACK_SECONDS = 120  # a round may take so much longer than it was asked for


class AdapterError(Exception):
    """The process ended, or did not answer in time; its last words are in the message."""


class Adapter:
    """Stopped (SIGSTOP) whenever it is not asked, so that threads that spin while they wait cost the others nothing."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]):
        self.name = name
        self._errors = os.memfd_create("errors")
        self._process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=self._errors)
        self._rest = b""
        self.ready: dict = {}

    def wait_ready(self) -> dict:
        self.ready = self._answer(LOAD_SECONDS)
        self._signal(signal.SIGSTOP)
        return self.ready

    def ask(self, seconds: float, least: int):
        """Lets the process go on and begin a round. REQUIRES: wait_ready or finish came before."""
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(f"{seconds} {least}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise AdapterError(f"{self.name}: it ended. {self._last_words()}") from None

    def finish(self, seconds: float) -> list[float]:
        """The milliseconds of every run of the round that was asked for."""
        answer = self._answer(seconds + SLACK_SECONDS)
        self._signal(signal.SIGSTOP)
        return answer["ms"]

    def round(self, seconds: float, least: int) -> list[float]:
        self.ask(seconds, least)
        return self.finish(seconds)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        os.close(self._errors)

    def _signal(self, number: int):
        self._process.send_signal(number)

    def _answer(self, seconds: float) -> dict:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise AdapterError(f"{self.name}: no answer in {seconds:.0f} s. {self._last_words()}")
            part = os.read(self._process.stdout.fileno(), 1 << 16)
            if not part:
                raise AdapterError(f"{self.name}: it ended. {self._last_words()}")
            self._rest += part
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def _last_words(self) -> str:
        words = os.pread(self._errors, 1 << 20, 0).decode(errors="replace").strip().splitlines()
        return " | ".join(words[-5:])
