"""What the stages share: arguments, settings, paths, outputs."""
