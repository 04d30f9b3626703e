"""What holds for every test."""

from hypothesis import settings

# On two busy cores a single example may take long; hanging tests end by pytest's own time limit.
settings.register_profile("giucong", deadline=None)
settings.load_profile("giucong")
