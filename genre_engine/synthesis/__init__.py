"""Music made of arithmetic: oscillators, instruments, drums, effects and mixing, in NumPy alone.

Conventions, the same in every module here:

- Sound is float32, `[n]` (mono) or `[n, 2]` (stereo, left first), nominally within -1 to 1; a
  single voice peaks at about 1, so that the mix decides how loud it is.
- Frequencies are in Hz, times in seconds, levels in decibels where the name ends in `_db`, notes
  are MIDI numbers (69 is the A of 440 Hz).
- Functions are pure. Chance comes from a `np.random.Generator` that is handed in, and only its
  `random` and `integers` are called: both are exact arithmetic on the bit stream, so that the same
  seed draws the same numbers on every machine.
- Rendered sound is equal on every machine to about 1e-6; only the last bits of sines and Fourier
  transforms differ.

    oscillators.py  waves and noise         drums.py    drum sounds
    envelopes.py    loudness over time      effects.py  delay, reverb, drive, dynamics
    filters.py      tone colour             mixing.py   placing sounds in time and in the room
    voices.py       pitched instruments
"""
