"""A visitor of a running app without a browser: what a page's script in the browser sends and gets.

    with Visitor("http://127.0.0.1:8501") as visitor:
        visitor.open("classify")
        visitor.upload("song.flac", data)
        visitor.wait_for(b"Waveform")

Twenty browsers would take all of a small machine; this takes next to nothing, so that what is
measured is the server. It speaks the server's own protocol (streamlit.proto): it runs the pages'
scripts, fetches no script or picture, and ticks where a page asks to be run again.
"""

import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

_PATIENCE_S = 120.0
_KEPT = 4000


class Visitor:
    """One tab.

    Attributes:
        ended: whether the script has run to its end since the last request.
        said: what has been drawn lately, as bytes, with the time of each by the clock.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.ended = True
        self.said: deque[tuple[float, bytes]] = deque(maxlen=_KEPT)
        self._uploaders: dict[str, None] = {}
        self._urls: list[Any] | None = None
        self._session = self._page_hash = ""
        self._ticks: dict[str, float] = {}
        self._ticking: set[str] = set()
        self._files: list[tuple[str, str, int, Any]] = []
        self._page = ""
        self._lock = threading.Lock()
        self._changed = threading.Condition()

    def __enter__(self) -> "Visitor":
        place = urlsplit(self.address)
        self._socket = connect(
            f"ws://{place.netloc}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            origin=Origin(self.address),
            max_size=None,
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ticks.clear()
        self._socket.close()

    def open(self, page: str) -> None:
        """Have a page drawn."""
        self._page, self._page_hash = page, ""
        self._rerun()
        self.wait_for_end()

    def upload(self, name: str, data: bytes) -> float:
        """Put a file on the page's uploader; the time when it was all sent."""
        (widget,) = list(self._uploaders)
        message = BackMsg()
        wanted = message.file_urls_request
        wanted.request_id, wanted.session_id = "files", self._session
        wanted.file_names.append(name)
        self._urls = None
        self._send(message)
        self._wait(lambda: self._urls is not None)
        urls: Any = (self._urls or [])[0]
        boundary = "visitor"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: audio/flac\r\n\r\n"
        ).encode()
        body += data + f"\r\n--{boundary}--\r\n".encode()
        cookie = "_streamlit_xsrf=2|00000000|00000000000000000000000000000000|1700000000"
        request = urllib.request.Request(
            self.address + urls.upload_url,
            body,
            {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "X-Xsrftoken": cookie.partition("=")[2],
                "Cookie": cookie,
                "Origin": self.address,
            },
            method="PUT",
        )
        with urllib.request.urlopen(request):
            pass
        sent = time.monotonic()
        self._files.append((widget, name, len(data), urls))
        self._rerun()
        return sent

    def wait_for(self, text: bytes, since: float = 0.0) -> float:
        """The time when something with this text was first drawn after `since`."""

        def found() -> float | None:
            return next(
                (at for at, drawn in list(self.said) if at >= since and text in drawn), None
            )

        self._wait(lambda: found() is not None)
        return found() or 0.0

    def wait_for_end(self) -> None:
        self._wait(lambda: self.ended)

    def _wait(self, check: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_S
        with self._changed:
            while not check():
                if time.monotonic() > end:
                    raise TimeoutError(f"nothing after {_PATIENCE_S:.0f} s")
                self._changed.wait(0.2)

    def _rerun(self, fragment: str = "") -> None:
        message = BackMsg()
        asked = message.rerun_script
        if self._page_hash:
            asked.page_script_hash = self._page_hash
        else:
            asked.page_name = self._page
        asked.fragment_id, asked.is_auto_rerun = fragment, bool(fragment)
        for widget, name, size, urls in self._files:
            state = asked.widget_states.widgets.add()
            state.id = widget
            info = state.file_uploader_state_value.uploaded_file_info.add()
            info.name, info.size, info.file_id = name, size, urls.file_id
            info.file_urls.CopyFrom(urls)
        self.ended = False
        self._send(message)

    def _send(self, message: Any) -> None:
        with self._lock:
            self._socket.send(message.SerializeToString())

    def _read(self) -> None:
        try:
            for data in self._socket:
                message = ForwardMsg.FromString(data)
                self._take(message)
                with self._changed:
                    self._changed.notify_all()
        except ConnectionClosed:
            pass

    def _take(self, message: Any) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
            self._ticking = set()
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "delta":
            self.said.append((time.monotonic(), message.delta.SerializeToString()))
            element = message.delta.new_element
            if element.WhichOneof("type") == "file_uploader":
                self._uploaders[element.file_uploader.id] = None
        elif kind == "file_urls_response":
            self._urls = list(message.file_urls_response.file_urls)
        elif kind == "auto_rerun":
            self._tick(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "script_finished":
            self.ended = message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                for fragment in set(self._ticks) - self._ticking:
                    del self._ticks[fragment]

    def _tick(self, fragment: str, seconds: float) -> None:
        self._ticking.add(fragment)
        if fragment in self._ticks:
            return
        self._ticks[fragment] = seconds

        def again() -> None:
            while fragment in self._ticks:
                time.sleep(seconds)
                if fragment in self._ticks:
                    try:
                        self._rerun(fragment)
                    except ConnectionClosed:
                        return

        threading.Thread(target=again, daemon=True).start()
