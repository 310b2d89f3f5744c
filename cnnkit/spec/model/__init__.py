"""The Pydantic models of a spec and of its sections."""
