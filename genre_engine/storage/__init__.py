"""What lies on disk: where things live, how files are written, and who may write them.

workspace.py        where things live; files that are whole or not there
lock.py             one process at a time works on a folder; the system frees a lock
output.py           files that a user names for results: nothing is destroyed unasked
onnx_session.py     opens ONNX graphs with ONNX Runtime
native_stderr.py    keeps native libraries' output off standard error
"""
