"""From a tree of layers to the text of a spec that a colleague would have written."""
