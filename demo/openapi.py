"""The OpenAPI document of the API, made of the pydantic models of its messages."""

from typing import Any

from pydantic.json_schema import models_json_schema

from demo import messages

REASONS = {
    400: "not valid JSON",
    409: "overtaken by a later request of the same client",
    413: "more bytes or pixels than are allowed",
    415: "not application/json",
    422: "a value that is not allowed, or no image",
    503: "too many requests at once",
}


def document() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    answers: dict[str, tuple[type[messages.Message], str]] = {
        "/health": (messages.HealthResponse, "Is the server there?"),
        "/api/models": (messages.ModelsResponse, "Which networks there are."),
        "/api/digits": (messages.DigitsResponse, "Some digits of the test set."),
    }
    used: list[type[messages.Message]] = [model for model, _ in answers.values()]
    used += [messages.DenoiseRequest, messages.DenoiseResponse, messages.ErrorResponse]
    _, schemas = models_json_schema(
        [(model, "validation") for model in used], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {
        path: {"get": _operation(summary, model)} for path, (model, summary) in answers.items()
    }
    denoise = _operation(
        "Add noise to an image, and denoise it with every network.", messages.DenoiseResponse
    )
    denoise["requestBody"] = {"required": True, "content": _json(messages.DenoiseRequest)}
    for code, reason in REASONS.items():
        denoise["responses"][str(code)] = {
            "description": reason,
            "content": _json(messages.ErrorResponse),
        }
    paths["/api/denoise"] = {"post": denoise}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Denoising demo", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _operation(summary: str, model: type[messages.Message]) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {"200": {"description": "done", "content": _json(model)}},
    }


def _json(model: type[messages.Message]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
