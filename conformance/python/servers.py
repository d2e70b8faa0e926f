"""Servers that a test starts for itself."""

import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path


def binary() -> Path:
    """The server under test as a program."""
    path = os.environ.get("TIMEBROOK_BINARY")
    assert path, "TIMEBROOK_BINARY is not set: give the path of the timebrook program, or run scripts/test"
    return Path(path)


class Server:
    """A running server on a port of its own choice."""

    def __init__(self, *flags: str):
        self.process = subprocess.Popen([str(binary()), "--port", "0", *flags], stdout=subprocess.PIPE, text=True)
        self.url = self.ready()

    def ready(self) -> str:
        """Waits until the server says that it is ready; returns the address that it prints then."""
        for line in self.process.stdout:
            if found := re.search(r"AWS_ENDPOINT_URL=(\S+)", line):
                return found.group(1)
        raise AssertionError(f"the server ended with {self.process.wait()} before it was ready")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(timeout=30)

    def terminate(self) -> int:
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)


@contextmanager
def running(*flags: str):
    """A server for the length of a block."""
    server = Server(*flags)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
