"""What the noise of images is like, from the noisy images alone."""
