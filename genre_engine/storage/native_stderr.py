"""Keeps what native libraries write straight to the process's standard error away from users.

mpg123, inside libsndfile, reports every damaged frame there, and TensorFlow its settings, past
Python. While they work, file descriptor 2 points at a temporary file; afterwards their own lines
are dropped and any other line, written meanwhile by another thread, is passed on.
"""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NOISE = re.compile(
    rb"^\s*("
    rb"\[[^]]*(libmpg123|\.c:\d+)[^]]*\]"  # mpg123 with the place in its source
    rb"|(Note|Warning|Error|error|warning): "
    rb".*(MPEG|mpg123|ID3|frame|header|sync|Xing|bytes in input|end of|bit reservoir)"
    rb"|[IWE]\d{4} \d\d:|[IWE]0000 |\d{4}-\d\d-\d\d .*: [IWE] (tensorflow|external)"  # TensorFlow
    rb"|WARNING: All log messages before absl|To enable the following instructions|$)"
)
_lock = threading.Lock()
_users = 0
_real_stderr = -1
_caught = -1


@contextmanager
def native_noise_filtered() -> Iterator[None]:
    """Blocks may overlap in threads; the first one in redirects, the last one out restores."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _users, _real_stderr, _caught
    with _lock:
        _users += 1
        if _users > 1:
            return
        try:
            _real_stderr = os.dup(2)
        except OSError:  # started without a standard error: nothing to keep clean
            _real_stderr = -1
            return
        if _caught < 0:
            with tempfile.TemporaryFile() as file:
                _caught = os.dup(file.fileno())
        os.dup2(_caught, 2)


def _leave() -> None:
    global _users, _real_stderr
    with _lock:
        _users -= 1
        if _users or _real_stderr < 0:
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(_real_stderr, 2)
        size = os.lseek(_caught, 0, os.SEEK_CUR)
        if size:
            os.lseek(_caught, 0, os.SEEK_SET)
            written = os.read(_caught, size)
            os.ftruncate(_caught, 0)
            os.lseek(_caught, 0, os.SEEK_SET)
            for line in written.splitlines(keepends=True):
                if not _NOISE.match(line):
                    os.write(_real_stderr, line)
        os.close(_real_stderr)
        _real_stderr = -1
