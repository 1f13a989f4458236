"""Sounds that tests make for themselves, and the bytes of files that hold them."""

import io

import numpy as np
import soundfile

# What libsndfile writes and reads: format → (subtype, sample rate).
FORMATS = {
    "WAV": ("PCM_16", 44100),
    "FLAC": ("PCM_16", 44100),
    "OGG": ("VORBIS", 44100),
    "OPUS": ("OPUS", 48000),
    "MP3": ("MPEG_LAYER_III", 44100),
    "AIFF": ("PCM_16", 44100),
}


def tone(duration_s=1.0, sample_rate=44100, *, hz=440.0, level=0.3):
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    return (level * np.sin(2 * np.pi * hz * times_s)).astype(np.float32)


def chords(duration_s, sample_rate=16000, *, level=0.1):
    """A chord of three notes, another one every half second, each dying away."""
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    number = (times_s / 0.5).astype(int)
    root_hz = 220 * 2 ** (np.array([0, 5, 7, 3])[number % 4] / 12)
    sound = sum(np.sin(2 * np.pi * root_hz * k * times_s) for k in (1, 1.26, 1.5))
    return (level * sound * np.exp(-3 * (times_s % 0.5))).astype(np.float32)


def drums(duration_s, sample_rate=16000, *, level=0.5):
    """Bursts of white noise, four a second."""
    rng = np.random.default_rng(3)
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    burst = np.exp(-30 * (times_s % 0.25))
    return (level * rng.uniform(-1, 1, len(times_s)) * burst).astype(np.float32)


def noise(duration_s, sample_rate=16000, *, colour="white", level=0.1, seed=5):
    """Steady noise whose power falls by 0, 3 or 6 dB an octave."""
    count = round(duration_s * sample_rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[colour]
    spectrum *= np.maximum(np.arange(len(spectrum)) / count * sample_rate, 20.0) ** -slope
    sound = np.fft.irfft(spectrum, count)
    return (level * sound / sound.std()).astype(np.float32)


def encoded(samples, sample_rate=44100, form="WAV", subtype=None):
    """The bytes of a file; mono `[n]` or `[n, channels]`."""
    container = "OGG" if form == "OPUS" else form
    file = io.BytesIO()
    subtype = subtype or FORMATS[form][0]
    soundfile.write(file, samples, sample_rate, format=container, subtype=subtype)
    return file.getvalue()


def example_of(form, duration_s=2.0, *, hz=440.0):
    """A tone as a file of one of FORMATS."""
    subtype, sample_rate = FORMATS[form]
    return encoded(tone(duration_s, sample_rate, hz=hz), sample_rate, form, subtype)
