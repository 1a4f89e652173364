"""Sections of params.yaml: typed and checked where they enter, refused in one line.

A section lives beside the code that reads it. What comes in several kinds (noise models, sources,
methods) is a folder with one file per kind: each file has one class, told apart by its `name`.
Validation refuses, it never alters: dumping a validated section gives what was read.
"""

import functools
import importlib
import math
import pkgutil
import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from denoising.files import InputError

# `-` joins the parts of a DVC stage name, `.` those of a parameter's path
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=64)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
ImageCount = Annotated[int, Field(ge=1, le=10_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]

SHOWN = 60  # characters of a bad value that an error repeats
_NAMED = "name"  # the key that tells kinds apart
_UNIONS = (Union, types.UnionType)
_BOUNDS = ("gt", "ge", "lt", "le")


class Section(BaseModel):
    """A section of params.yaml: unknown keys are errors, types are not converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


AnySection = TypeVar("AnySection", bound=Section)


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("should be odd")
    return value


Odd = Annotated[int, Field(ge=1, le=63), AfterValidator(_odd)]


def kinds(package: str) -> list[str]:
    """Names of the kinds that a folder of the library holds, such as "noise" or "networks"."""
    folder = importlib.import_module(f"denoising.{package}")
    found = (module.name for module in pkgutil.iter_modules(folder.__path__))
    return sorted(name for name in found if _section_of(package, name) is not None)


@functools.cache
def kind(package: str, name: str) -> type[Section]:
    """The section class of one kind, imported by name: no other kind is touched.

    Raises
    ------
    InputError
        If the folder has no such kind.
    """
    section = _section_of(package, name) if re.fullmatch(r"[a-z0-9_]+", name) else None
    if section is None:
        allowed = ", ".join(kinds(package))
        raise InputError(f"{package}: no {shortened(name)}; should be one of {allowed}")
    return section


def _section_of(package: str, name: str) -> type[Section] | None:
    """The class of a file that its name stands for: `name: Literal[...]`, or `class Network`."""
    path = f"denoising.{package}.{name}"
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None
    for section in vars(module).values():
        if isinstance(section, type) and issubclass(section, Section):
            if section.__module__ != path:
                continue
            field = section.model_fields.get(_NAMED)
            if section.__name__ == "Network" or (field and get_args(field.annotation) == (name,)):
                return section
    return None


def union(package: str) -> Any:
    """The type of a section that may be any kind of a folder, told apart by its `name`."""
    sections = tuple(kind(package, name) for name in kinds(package))
    return Annotated[Union[sections], Field(discriminator=_NAMED)]  # noqa: UP007  # a tuple


def read_kind(package: str, content: Mapping[str, Any], path: str) -> Any:
    """A validated section of the kind that it names.

    Parameters
    ----------
    package : str
        Folder of the library, such as "noise".
    content : mapping
        With the key `name`.
    path : str
        Where the content stands, for errors.
    """
    return validate(kind(package, str(content.get(_NAMED))), content, path)


def validate(model: type[AnySection], content: Any, path: str = "params.yaml") -> AnySection:
    """The section `model` of a nested dict.

    Raises
    ------
    InputError
        One line: the file, the key, its value and what is allowed.
    """
    if not isinstance(content, dict):
        found = type(content).__name__
        raise InputError(f"{path}: should hold sections such as `budget:`, found {found}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # a misspelt key is both unknown and missing: say the first
        errors = error.errors(include_url=False)
        first, *others = sorted(errors, key=lambda one: one["type"] != "extra_forbidden")
        more = f" (and {len(others)} more)" if others else ""
        raise InputError(f"{path}: {_explain(first, content, model)}{more}") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None


def shortened(value: object) -> str:
    """A value as an error repeats it: at most `SHOWN` characters."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 20]}... ({len(text):,} characters)"


def _explain(error: Any, content: dict, model: type[Section]) -> str:
    key = ".".join(_without_tags(error["loc"], content))
    key = key if len(key) <= 3 * SHOWN else f"{key[: 2 * SHOWN]}..."
    given = f"{key} = {shortened(error['input'])}"
    context, reason = error.get("ctx", {}), error["msg"].removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden":
            allowed = ", ".join(_keys_beside(error["loc"], model))
            return f"{key}: unknown key; allowed here: {allowed}"
        case "union_tag_not_found":
            return f"{key}.name: missing"
        case "union_tag_invalid":
            allowed = context["expected_tags"].replace("'", "")
            return f"{key}.name = {shortened(context['tag'])}: should be one of {allowed}"
        case "missing":
            return f"{key}: missing"
        case "value_error" if isinstance(
            error["input"], dict
        ):  # a check between keys names its own
            return f"{key}: {reason}" if key else reason
        case "string_pattern_mismatch" | "string_too_long" if error["loc"][-1] == "[key]":
            return f"{key}: a name should have only the characters a-z, 0-9 and _, at most 64"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{given}: should be a section of keys"
        case "too_short":
            return f"{given}: should have at least one row"
        case _:
            return f"{given}: {_wanted(error['type'], context, reason)}{_spelling(error)}"


def _wanted(problem: str, context: dict, reason: str) -> str:
    """What is allowed, in our words."""
    bounds = {key: _number(value) for key, value in context.items() if key in _BOUNDS}
    phrases = {
        "int_type": "should be an integer",
        "int_from_float": "should be an integer",
        "float_type": "should be a number",
        "finite_number": "should be a finite number",
        "bool_type": "should be true or false",
        "string_type": "should be text",
        "list_type": "should be a list",
        "string_too_short": "should not be empty",
        "string_too_long": f"should have at most {context.get('max_length')} characters",
        "string_pattern_mismatch": "should have only the characters a-z, 0-9 and _",
        "greater_than": f"should be greater than {bounds.get('gt')}",
        "greater_than_equal": f"should be greater than or equal to {bounds.get('ge')}",
        "less_than": f"should be less than {bounds.get('lt')}",
        "less_than_equal": f"should be less than or equal to {bounds.get('le')}",
        "literal_error": f"should be {context.get('expected')}",
    }
    return phrases.get(problem) or reason.replace("Input should", "should")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _spelling(error: Any) -> str:
    """How to write a value that YAML 1.1 and YAML 1.2 read differently."""
    value = error["input"]
    if not isinstance(value, str) or len(value) > SHOWN:
        return ""
    if error["type"] == "bool_type" and value.lower() in ("yes", "on", "y"):
        return "; write true"
    if error["type"] == "bool_type" and value.lower() in ("no", "off", "n"):
        return "; write false"
    if error["type"] in ("int_type", "float_type"):
        number = _meant(value)
        if number is not None and error["type"] == "float_type":
            return f"; write {_as_float(value, number)}"
        if number is not None and number.is_integer() and abs(number) < 2**53:
            return f"; write {int(number)}"
    return ""


def _meant(text: str) -> float | None:
    """The number that a text like `1e3`, `1_000`, `010` or `0o10` was meant to be."""
    try:
        if re.fullmatch(r"0o[0-7]+", text):
            return float(int(text, 8))
        number = float(text.replace("_", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _as_float(text: str, number: float) -> str:
    """A number as YAML 1.1 and YAML 1.2 both read it: with a point, and a sign of the exponent."""
    mantissa, exponent, power = text.replace("_", "").lower().partition("e")
    if exponent and re.fullmatch(r"[-+]?[1-9][0-9]*(\.[0-9]*)?", mantissa):
        point = "" if "." in mantissa else ".0"
        return f"{mantissa}{point}e{int(power):+d}"
    mantissa, exponent, power = repr(number).partition("e")
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{int(power):+d}" if exponent else mantissa


def _without_tags(location: tuple, content: Any) -> Iterator[str]:
    """The keys of a location: pydantic counts the kind of a noise, such as "gaussian", as one."""
    for part in location:
        is_tag = isinstance(content, dict) and part not in content and content.get(_NAMED) == part
        if part == "[key]" or is_tag:
            continue
        content = content.get(part) if isinstance(content, dict) else None
        yield str(part)


def _keys_beside(location: tuple, model: Any) -> list[str]:
    """The keys that the section of an unknown key may have."""
    section = _bare(model)
    for part in location[:-1]:
        if get_origin(section) is dict:  # of dict[Key, Row] any row's name leads to Row
            section = _bare(get_args(section)[-1])
        elif get_origin(section) in _UNIONS:  # of a union of kinds to the kind of this name
            section = next(
                one
                for one in get_args(section)
                if get_args(one.model_fields[_NAMED].annotation) == (part,)
            )
        else:
            section = _bare(section.model_fields[part].annotation)
    return list(section.model_fields)


def _bare(annotation: Any) -> Any:
    """A type without its `Annotated`, and without `None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in _UNIONS:
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return _bare(parts[0]) if len(parts) == 1 else annotation
    return annotation
