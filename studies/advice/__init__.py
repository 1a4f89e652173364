"""Is the method that is advised the one that is best? Judged by clean images."""
