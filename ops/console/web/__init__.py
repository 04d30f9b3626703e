"""Speaks HTTP: routes, forms, templates, what a browser is allowed to do. Holds no secret."""
