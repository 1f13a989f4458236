"""How long work says how far it is."""

from collections.abc import Callable

# How much is done, and how much there is; 0 where that isn't known yet.
Progress = Callable[[int, int], None]

# The same, with what is being done in words; parts of a step count.
NotedProgress = Callable[[float, int, str], None]
