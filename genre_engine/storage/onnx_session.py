"""Opening ONNX graphs with ONNX Runtime, in one place, so that all are heard the same way.

Arena and memory patterns are off: with them a process keeps several times the memory and is no
faster (networks of this size, one patch at a time). Threads that wait don't spin: each session has
its own, and those of the network that has just been run would hold up the next one's.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

_ERRORS_ONLY = 3


def open_session(
    source: Path | bytes, threads: int | None = None
) -> "onnxruntime.InferenceSession":
    """A session of a file or of its bytes, on the processor.

    Args:
        threads: how many compute one run; None for one a core.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Shares of the work get smaller towards its end, so that no core waits long for the other.
    options.add_session_config_entry("session.dynamic_block_base", "4")
    if threads is not None:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        source if isinstance(source, bytes) else str(source),
        options,
        providers=["CPUExecutionProvider"],
    )
