"""A text as a tree of nodes that know where they stand."""
