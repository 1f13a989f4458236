"""Genre Studio's entry point: page set-up and navigation, nothing else."""

from pages.components.shared import navigation

navigation.run()
