"""An analysis as text: one file a format."""
