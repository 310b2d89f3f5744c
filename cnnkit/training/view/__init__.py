"""What is told of a run: on the terminal, as pictures, as a page, in words."""
