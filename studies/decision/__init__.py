"""What to do with what you have: the method, its error, and what it costs."""
