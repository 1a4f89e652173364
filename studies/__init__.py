"""Side pipelines with their own dvc.yaml, so that the root pipeline stays quick."""
