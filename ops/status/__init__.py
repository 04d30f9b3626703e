"""What is red, whether data is safe, and the command for each: facts → problems → text."""
