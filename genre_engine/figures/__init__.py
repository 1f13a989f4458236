"""Results → Plotly figures. No streamlit here: the page chooses the theme.

Colours stay out of a figure where an axis already separates genres. Each figure that says more
than its shape has a function beside it, `…_alt`, that says the same in words.
"""

from genre_engine.figures.colours import ACCENT, genre_colours
from genre_engine.figures.dataset import (
    artist_sizes,
    cooccurrence,
    cooccurrence_alt,
    durations,
    genre_parts,
    genre_parts_alt,
    labels_per_track,
    leak_meter,
    leak_meter_alt,
)
from genre_engine.figures.song import mel_spectrogram, reasons, waveform
from genre_engine.figures.track import track_map, track_panels
from genre_engine.figures.training import (
    QUANTITIES,
    Curves,
    training_curve,
    training_curve_alt,
    tuning_trials,
)

__all__ = [
    "ACCENT",
    "QUANTITIES",
    "Curves",
    "artist_sizes",
    "cooccurrence",
    "cooccurrence_alt",
    "durations",
    "genre_colours",
    "genre_parts",
    "genre_parts_alt",
    "labels_per_track",
    "leak_meter",
    "leak_meter_alt",
    "mel_spectrogram",
    "reasons",
    "track_map",
    "track_panels",
    "training_curve",
    "training_curve_alt",
    "tuning_trials",
    "waveform",
]
