"""What the evaluating stages share: predictions of a network, and what is written of a row."""
