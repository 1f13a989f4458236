"""Tables and workspaces as the tests of data sets have them."""

from tests.datasets.conftest import real_metadata, tsv, workspace

__all__ = ["real_metadata", "tsv", "workspace"]
