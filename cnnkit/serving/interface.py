"""The interface as OpenAPI describes it, and as a page that loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cnnkit import __version__
from cnnkit.layers.shape import show
from cnnkit.pages import page
from cnnkit.pages.table import PageTable
from cnnkit.serving.limits import Limits
from cnnkit.training.use.trained import Trained

_ERRORS = {
    "400": "the body cannot be read",
    "408": "the body did not come in time",
    "413": "the body is too large, or holds too many inputs",
    "415": "the body is of another type",
    "422": "the inputs are not such as the network takes",
    "429": "too many requests at once: try again later",
    "503": "the network is not ready yet",
    "504": "the answer took too long",
}


def document(trained: Trained, name: str, limits: Limits) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a network."""
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": name,
            "version": __version__,
            "description": f"A trained network of cnnkit. Its input is "
            f"{show(trained.spec.input)}, in the values of its training data's files.",
        },
        "paths": {
            "/predict": {
                "post": {
                    "summary": "What the network says of inputs",
                    "parameters": [
                        {
                            "name": "top",
                            "in": "query",
                            "description": "How many classes are named, the most probable first",
                            "schema": {"type": "integer", "minimum": 1, "default": 3},
                        }
                    ],
                    "requestBody": {
                        "required": True,
                        "description": f"At most {limits.size:,} bytes and {limits.examples:,} "
                        f"inputs",
                        "content": _bodies(trained, limits),
                    },
                    "responses": {
                        "200": {
                            "description": "A prediction of each input, in their order; an image "
                            "that cannot be read has an error in its place",
                            "content": {
                                "application/json": {
                                    "schema": {"$ref": "#/components/schemas/Predictions"}
                                }
                            },
                        },
                        **{code: {"description": told, **error} for code, told in _ERRORS.items()},
                    },
                }
            },
            "/health": _plain("Whether the process lives", "ok"),
            "/ready": {
                "get": {
                    **_plain("Whether the network answers", "ready")["get"],
                    "responses": {
                        "200": {"description": "ready"},
                        "503": {"description": _ERRORS["503"]},
                    },
                }
            },
            "/metrics": _plain("Counters for Prometheus", "the text format of Prometheus"),
            "/openapi.json": _plain("This document", "OpenAPI 3.1"),
        },
        "components": {"schemas": _SCHEMAS},
    }


def interface_page(described: dict[str, Any]) -> str:
    """The document for people."""
    info = described["info"]
    operations = [
        (path, method, {"parameters": (), "requestBody": None, **about}, _answers(path, about))
        for path, methods in described["paths"].items()
        for method, about in methods.items()
    ]
    return page.write(
        "interface",
        title=info["title"],
        description=info["description"],
        operations=operations,
        schemas=json.dumps(described["components"]["schemas"], indent=2),
    )


def _answers(path: str, about: Mapping[str, Any]) -> PageTable:
    """What may come back from a path, a row for each status."""
    rows = [(code, each["description"]) for code, each in about["responses"].items()]
    return PageTable(["status", "what"], rows, words=3, caption=f"Answers of {path}")


def _bodies(trained: Trained, limits: Limits) -> dict[str, Any]:
    """What a request may hold."""
    numbers: dict[str, Any] = {"type": "number"}
    for extent in reversed(trained.spec.input):
        numbers = {"type": "array", "items": numbers, "minItems": extent, "maxItems": extent}
    many = {"type": "array", "items": numbers, "minItems": 1, "maxItems": limits.examples}
    image = {"schema": {"type": "string", "format": "binary"}}
    return {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["inputs"],
                "additionalProperties": False,
                "properties": {"inputs": {"anyOf": [numbers, many]}},
            }
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "images": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "maxItems": limits.examples,
                    }
                },
            }
        },
        "image/*": image,
        "application/octet-stream": image,
    }


def _plain(summary: str, told: str) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": {"description": told}}}}


_TEXT_OR_NULL = {"type": ["string", "null"]}
_SCHEMAS: dict[str, Any] = {
    "Predictions": {
        "type": "object",
        "required": ["predictions"],
        "properties": {
            "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}}
        },
    },
    "Prediction": {
        "type": "object",
        "required": ["file", "class", "predictions", "error"],
        "properties": {
            "file": {"type": "string"},
            "class": _TEXT_OR_NULL,
            "predictions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "value"],
                    "properties": {"name": {"type": "string"}, "value": {"type": "number"}},
                },
            },
            "error": _TEXT_OR_NULL,
        },
    },
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}},
    },
}
