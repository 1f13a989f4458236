"""Files from other servers: MTG-Jamendo's and FMA's, checked and resumable.

http.py, fetch.py           requests, and files that take their name only when whole and checked
tar_stream.py, workers.py   members of archives as they arrive; downloads side by side
journal.py                  what has been done, so that a download goes on where it stopped
subset.py                   which tracks make a balanced part of a data set
mp3_excerpt.py              the middle of an MP3 without decoding it
jamendo_metadata.py         MTG-Jamendo's tables
jamendo_plan.py             which audio files a request comes to, and how many bytes
jamendo_audio.py, jamendo_archives.py, jamendo_checksums.py     the audio itself
fma.py, zip_members.py      FMA's tables and its small subset; what is needed of a zip
"""
