"""How code is written: its lines and names, and a definition as a class or as a function."""
