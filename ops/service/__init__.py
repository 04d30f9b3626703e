"""The service in the foreground: wakes at due times, starts workers, notices what is lost."""
