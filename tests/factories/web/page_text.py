"""What a person reads on a page, without scales, hashes and code."""

from __future__ import annotations

import re
from html.parser import HTMLParser

UNREAD_TAGS = {"style", "script", "code", "head"}
UNREAD_CLASSES = {"tick", "axis", "hash", "key"}
VOID = {"meta", "br", "img"}
NUMBER = re.compile(
    "[-\N{MINUS SIGN}]?\\d(?:[\\d\N{NARROW NO-BREAK SPACE}]*\\d)?(?:\\.\\d+)?"
)
TRIPLE = re.compile("(\\S+) \\((\\S+) to (\\S+)\\)")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.keys: list[tuple[str, str | None]] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self._open: list[bool] = []
        self._cell = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            if name in held:
                self.addresses.append(held[name])
        self.tags += [name for name in held if name.startswith("on")]
        if tag == "td" or held.get("scope") == "row":
            self._cell = len(self.texts)
            self.keys.append((tag, held.get("data-key")))
        if tag not in VOID:
            classes = set(held.get("class", "").split())
            unread = tag in UNREAD_TAGS or bool(classes & UNREAD_CLASSES)
            self._open.append(unread)
        if tag in {"p", "td", "th", "li", "div", "dt", "dd", "h1", "h2", "summary"}:
            self.texts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        if tag in {"td", "th"} and self.keys and self.keys[-1][1] is None:
            # A cell without a key sorts by its text.
            text = "".join(self.texts[self._cell :]).strip()
            self.keys[-1] = (tag, text)
        if tag in {"title", "span"}:
            self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if not any(self._open):
            self.texts.append(data)


class Reading:
    """A page as it is read: its text, keys of cells, addresses, tags."""

    def __init__(self, page: str) -> None:
        reader = _Reader()
        reader.feed(page)
        reader.close()
        self.text = re.sub(" +", " ", "".join(reader.texts))
        self.keys = [(tag, key or "") for tag, key in reader.keys]
        self.addresses = reader.addresses
        self.tags = reader.tags

    def triples(self) -> list[tuple[str, str, str]]:
        """Return every score with its interval."""
        return [(found[1], found[2], found[3]) for found in TRIPLE.finditer(self.text)]

    def numbers(self, *without: str) -> list[str]:
        """Return every other number, after some texts are taken out."""
        text = TRIPLE.sub("", self.text)
        for each in sorted(without, key=len, reverse=True):
            text = text.replace(each, "")
        return NUMBER.findall(text)
