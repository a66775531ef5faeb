"""A gate on loopback: a run waits at it until the test opens it, so no test has to sleep."""

import socket
import threading

from harness.waiting import until


class Gate:
    """Whatever connects to the port waits for a line; what it writes is kept as lines.

    Inside a run, `bash` needs nothing but its own `/dev/tcp` for this, whatever the sandbox.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = threading.Event()
        self._waiting = 0
        self.lines: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def wait(self) -> str:
        """Shell words that hold a run at the gate, and end when it is opened."""
        return f"exec 3<>/dev/tcp/127.0.0.1/{self.port} && read -r -u 3"

    def tell(self, line: str) -> str:
        """Shell words that report a line to the test, and pass the gate when it is open."""
        return f"exec 3<>/dev/tcp/127.0.0.1/{self.port} && echo {line} >&3 && read -r -u 3"

    def reached(self, seconds: float = 60) -> None:
        until(lambda: self._waiting, "a run waits at the gate", seconds)

    def open(self) -> None:
        """From now on everyone passes."""
        self._open.set()

    def close(self) -> None:
        self.open()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            listening = threading.Thread(target=self._listen, args=[connection], daemon=True)
            listening.start()
            self._waiting += 1
            self._open.wait()
            try:
                connection.sendall(b"pass\n")
            except OSError:
                return
            listening.join(10)

    def _listen(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("r", errors="replace") as lines:
                self.lines.extend(line.strip() for line in lines)
        except OSError:
            return
