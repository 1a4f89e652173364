"""params.yaml as it stands, and the sections that one stage asks for.

The file is read with PyYAML, and DVC reads it with ruamel.yaml. They differ: PyYAML is of YAML 1.1,
where `yes` is true, `010` is eight and `1e-3` is text. Here whatever both would not read alike
stays text, which the strict types of the sections then refuse, saying how to write it.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from denoising.files import InputError, PathLike, one_line
from denoising.sections import shortened
from stages.shared import layout

Content = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML's JSON-like core: what YAML 1.1 and YAML 1.2 agree on, and unique keys."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012  # as PyYAML declares it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"the key {shortened(key)} is there twice")
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", list("-+0123456789")),
    # 1.0e-3 as people write it, and 1e-05 as `dvc exp run --set-param` does
    ("float", r"[-+]?(0|[1-9][0-9]*)\.[0-9]*([eE][-+][0-9]+)?", list("-+0123456789")),
    ("float", r"\.[0-9]+([eE][-+][0-9]+)?", ["."]),
    ("float", r"[1-9]e-[0-9]{2,3}|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.123456789")),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )


def parse(text: str, name: PathLike) -> Content:
    """The content of a YAML file.

    Raises
    ------
    InputError
        If it is not a mapping of sections.
    """
    try:
        content = yaml.load(text, Loader=_Loader)  # derived from SafeLoader
    except RecursionError:
        raise InputError(f"{name}: not valid YAML (nested too deeply)") from None
    except (yaml.YAMLError, ValueError) as error:
        reason = one_line(error)
        raise InputError(f"{name}: not valid YAML ({reason})") from None
    if not isinstance(content, dict):
        found = type(content).__name__
        raise InputError(f"{name}: should hold sections such as `budget:`, found {found}")
    return content


def read(path: PathLike = layout.PARAMS) -> Content:
    """The content of a YAML file; see `parse`."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not valid YAML (not UTF-8)") from None


def row(content: Mapping[str, Any], table: str, name: str) -> Content:
    """One row of a section of rows, such as `runs`.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    rows = content.get(table) or {}
    if name not in rows:
        allowed = ", ".join(rows)
        raise InputError(f"{table} has no row {shortened(name)}: should be one of {allowed}")
    return rows[name]


def budget(content: Mapping[str, Any]) -> Content:
    """The chosen budget."""
    return row(content, "budgets", content["budget"])


def pick(content: Mapping[str, Any], *keys: str) -> Content:
    """Some keys of a section."""
    return {key: content[key] for key in keys}
