"""Servers that a test starts for itself."""

import os
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
        self.process = subprocess.Popen(
            [str(binary()), "--port", "0", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.url = self.ready()

    def ready(self) -> str:
        """Waits for `Ready.`; returns the printed address."""
        url = None
        for line in self.process.stdout:
            for word in line.replace("=", " ").split():
                if word.startswith("http://"):
                    url = url or word.rstrip("/.,")
            if line.strip().startswith("Ready.") and url:
                return url
            if url and "AWS_ENDPOINT_URL" in line:
                return url
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
