"""Write a sample of the estate file: the first task of all, so it waits for no other's code."""

from ops.estate.edit.sample import write_sample
from ops.sites.tasks import Sample
from ops.terminal.output import write_text


def sample(_wish: Sample) -> None:
    """Write it."""
    write_text(write_sample())
