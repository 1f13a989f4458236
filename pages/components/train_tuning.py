"""Searching for better settings."""

from genre_engine.jobs import Job
from pages.components.train_recipe import Recipe


def form(recipe: Recipe) -> None:
    """Offer a search."""


def trials(job: Job) -> None:
    """A search's trials, as they come."""
