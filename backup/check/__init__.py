"""Is everything there, and is it sound?"""
