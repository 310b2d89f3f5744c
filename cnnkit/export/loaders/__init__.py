"""What loads a file of weights into a converted model: read as text, never imported."""
