"""What ends the demo."""


class DemoFailedError(Exception):
    """A step of the demo did not do what it should."""
