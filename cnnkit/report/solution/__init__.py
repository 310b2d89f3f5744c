"""What `solve` found, as text."""
