"""What a network learns from, one file each: see denoising/methods/base.py."""
