"""The engine of Genre Studio: audio → features → labelled tables → models → reports → predictions.

It never imports streamlit, and importing it costs nothing: librosa and tensorflow are loaded by the
functions that need them.
"""

import os

# TensorFlow uses oneDNN by itself on few processors only, and reads this when it is imported.
# Convolutions are done in half the time with it, dense layers in the same time.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"
