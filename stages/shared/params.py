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


def of_run(content: Content, name: str) -> Content:
    """The whole as a run sees it: with what its row sets instead, and its own seed.

    A row has a path to each value: `set: {optimizer.beta_1: 0.8}`. With `seeds: [0, 1]` it
    is the run of the first; the others are rows of their own.
    """
    own = row(content, "runs", name)
    changes = dict(own.get("set") or {})
    if own.get("seeds"):
        changes["seeds.training"] = own["seeds"][0]
    for path, value in changes.items():
        content = _changed(content, path.split("."), value)
    return content


def rows_of_seeds(name: str, row: Content) -> dict[str, Content]:
    """Rows for all seeds of a run but the first, which is its own."""
    first = {key: value for key, value in row.items() if key != "seeds"}
    changes = first.get("set") or {}
    return {
        f"{name}_seed{seed}": first | {"set": changes | {"seeds.training": seed}}
        for seed in row.get("seeds", ())[1:]
    }


def _changed(content: Content, path: list[str], value: Any) -> Content:
    """A copy in which one value is another."""
    first, *rest = path
    return content | {first: _changed(content[first], rest, value) if rest else value}


def budget(content: Mapping[str, Any]) -> Content:
    """The chosen budget."""
    return row(content, "budgets", content["budget"])


def pick(content: Mapping[str, Any], *keys: str) -> Content:
    """Some keys of a section."""
    return {key: content[key] for key in keys}
