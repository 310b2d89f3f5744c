"""A search: its trials, its study in a database, its protocol."""
