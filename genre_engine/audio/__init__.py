"""Audio files and bytes → mono float32 samples at the sample rate that is wanted.

from genre_engine import audio
audio.load(path_or_bytes, sample_rate=22050, excerpt_s=30)    # excerpt_s=None: all of it

decoders.py      file or bytes → blocks of samples: libsndfile, ffmpeg for the rest
signal.py        blocks → mono at a sample rate; Signal, load, Stream
spectral.py      samples → spectra, pure functions
tags.py          what a file says of itself, and its cover
tempo_key.py     tempo and key, by librosa
mp3_frames.py    an MP3's frames without decoding it
"""

from genre_engine.audio.signal import (
    HEAVILY_CLIPPED,
    MAX_DURATION_S,
    MIN_DURATION_S,
    Samples,
    Signal,
    Stream,
    browser_type,
    excerpts,
    for_browser,
    length_s,
    load,
)

__all__ = [
    "HEAVILY_CLIPPED",
    "MAX_DURATION_S",
    "MIN_DURATION_S",
    "Samples",
    "Signal",
    "Stream",
    "browser_type",
    "excerpts",
    "for_browser",
    "length_s",
    "load",
]
