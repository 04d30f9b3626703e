"""The service: estate, catalog, clock, journal, jobs, notices and tasks for one estate."""
