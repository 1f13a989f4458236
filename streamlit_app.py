"""Genre Studio's entry point: page set-up and navigation, nothing else."""

from pages.components import guard

guard.run()
