"""The frame of a page: its policy, its script, and texts that stay texts."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys

from factories.cards import HOSTILE
from factories.web.page_text import Reading
from somobench.pages.frame import (
    POLICY,
    REPLACEMENT,
    Section,
    render_page,
    write_number,
)


def test_policy_allows_the_page_s_own_script_and_no_request() -> None:
    page = render_page("Title", [Section("a", "A", ("text",))])
    script = page[page.index("<script>") + 8 : page.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"content=\"{POLICY}; script-src 'sha256-{digest}'\"" in page
    assert POLICY.startswith("default-src 'none'")
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "url(" not in page
    assert "@import" not in page


def test_hostile_texts_of_a_page_stay_text() -> None:
    section = Section("a", HOSTILE, (HOSTILE,))
    page = render_page(HOSTILE, [section], subtitle=HOSTILE, opening=[HOSTILE])
    found = Reading(page)
    assert found.tags.count("script") == 1
    assert not {"img", "onerror"} & set(found.tags)
    assert found.text.count(HOSTILE) == 6  # the section's title in the contents too


def test_marks_that_turn_the_direction_of_reading_are_replaced() -> None:
    page = render_page("a\u202eb\x00c\ud800")
    assert f"a{REPLACEMENT}b{REPLACEMENT}c{REPLACEMENT}" in page
    page.encode("utf-8")


def test_banner_says_that_data_are_simulated() -> None:
    banner = "Virtual: simulated, not observations"
    assert banner in render_page("Title", is_virtual=True)
    assert banner not in render_page("Title")


def test_same_content_gives_the_same_page() -> None:
    sections = [Section("a", "A", ("text",))]
    assert render_page("Title", sections) == render_page("Title", sections)


def test_numbers_are_written_in_groups_of_three() -> None:
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert write_number(1234567) == f"1{thin}234{thin}567"
    assert write_number(1234.5, 1) == f"1{thin}234.5"
    assert write_number(None) == "\N{EN DASH}"


def test_opening_a_release_loads_no_page() -> None:
    code = (
        "import sys, somobench\n"
        "somobench.open_dataset('forcing', release='virtual-0.1.0')\n"
        "print([name for name in sys.modules if name.startswith('somobench.pages')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
