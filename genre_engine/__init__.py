"""The engine of Genre Studio: audio → features → labelled tables → models → reports → predictions.

It never imports streamlit, and importing it costs nothing: librosa and tensorflow are loaded by the
functions that need them.
"""

__version__ = "0.1.0"
