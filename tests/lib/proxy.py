"""A line between the scheduler and a server that does what lines do: it is cut, it stalls, it is slow, it leads elsewhere."""

import contextlib
import socket
import threading
import time


class Proxy:
    """Passes bytes between connections to `port` on loopback and those that it makes to `target`, a port there, which may
    be set anew for connections to come."""

    def __init__(self, target):
        self.target = target
        self.passed = 0  # bytes, in both directions
        self._stalled, self._closed = threading.Event(), threading.Event()
        self._chunk, self._delay = 1 << 16, 0.0
        self._pairs = []
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(('127.0.0.1', self.target))
            except OSError:
                near.close()
                continue
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(self._chunk):
                while self._stalled.is_set():
                    time.sleep(0.01)
                # Cut short by the end of the test.
                self._closed.wait(self._delay)
                sink.sendall(data)
                self.passed += len(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def slow(self, chunk, delay):
        """From now on so many bytes at a time, each piece late by so many seconds, in each direction."""
        self._chunk, self._delay = chunk, delay

    def stall(self):
        """Connections stay, and nothing passes."""
        self._stalled.set()

    def flow(self):
        """The end of a stall, and of slowness."""
        self._chunk, self._delay = 1 << 16, 0.0
        self._stalled.clear()

    def cut(self):
        """Ends the connections that there are."""
        while self._pairs:
            with contextlib.suppress(OSError):
                self._pairs.pop().shutdown(socket.SHUT_RDWR)

    def close(self):
        """Ends everything."""
        self._closed.set()
        self._stalled.clear()
        self._listener.close()
        self.cut()
