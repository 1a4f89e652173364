"""Which methods are fit for someone's images, and which their noise rules out."""
