"""First in PYTHONPATH: a process writes a training's checkpoints as to a disk that takes its time.

So a training is long enough to be paused, left and cancelled in, however fast the machine, and
leaves that to the browsers that watch. Python imports a module of this name by itself.
"""

import sys
import time
from pathlib import PurePath

SECONDS_AN_EPOCH = 0.3
CHECKPOINT = ("checkpoint", "state.npz")


def slowly(event, arguments):
    if event == "os.rename" and PurePath(str(arguments[1])).parts[-2:] == CHECKPOINT:
        time.sleep(SECONDS_AN_EPOCH)


sys.addaudithook(slowly)
