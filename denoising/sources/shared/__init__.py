"""What sources share: downloads with known digests, files of images and what their values mean."""
