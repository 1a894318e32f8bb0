"""Where in a YAML text a key stands, so that a refusal can name the line."""

from __future__ import annotations

from collections.abc import Sequence

import yaml


def find_line(text: str, place: Sequence[str | int]) -> int:
    r"""Return the line, from 1, of a key or an item of a list.

    Parameters
    ----------
    text : str
        Valid YAML.
    place : sequence of str or int
        Keys and positions from the top. Where the text doesn't go as deep, as with a
        key that is lacking, the line of the last part that is there.

    Examples
    --------
    >>> find_line("a: 1\nb:\n  - {c: 2}\n", ("b", 0, "d"))
    3
    """
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), 1
    for part in place:
        found = _find_child(node, part)
        if found is None:
            break
        mark, node = found
        line = mark.start_mark.line + 1
    return line


def _find_child(
    node: yaml.Node | None, part: str | int
) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the node that bears the line, and the node of the value."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return (node.value[part],) * 2 if part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key, value
    return None
