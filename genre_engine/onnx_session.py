"""Opening ONNX graphs with ONNX Runtime, in one place, so that all are heard the same way.

Arena and memory patterns are off: with them a process keeps several times the memory and is no
faster (networks of this size, one patch at a time).
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
    if threads is not None:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        source if isinstance(source, bytes) else str(source),
        options,
        providers=["CPUExecutionProvider"],
    )
