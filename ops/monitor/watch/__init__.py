"""The watch: a process of the service's own that looks at everything, again and again."""
