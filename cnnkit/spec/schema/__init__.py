"""The JSON Schema of the language, made from its models."""
