"""What people run beside the pipeline, through make: gate, publish, reference, readme, ..."""
