"""What is kept of a run: its directory, its checkpoints, its epochs."""
