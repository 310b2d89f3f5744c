"""Text to ``Spec``: reading, expansion, validation; and the graph of what was said."""
