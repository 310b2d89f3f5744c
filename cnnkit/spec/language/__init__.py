"""From nodes to a spec: expressions, blocks, defaults, and the findings on the way."""
