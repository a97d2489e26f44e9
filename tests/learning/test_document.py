import xml.dom.minidom

import pytest

from tumorscope.learning.document import Document, Section, Table, shortened

DOCUMENT = Document(
    "A title",
    "Not for patients.",
    [
        Section("First", ["A paragraph.", ["one point", "another"]]),
        Section("Second", [Table(["name", "value"], [["a|b", "1"], ["<script>", "`2`"]])]),
    ],
)


def test_markdown_has_title_notice_sections_lists_and_tables():
    paragraphs = DOCUMENT.markdown().removesuffix("\n").split("\n\n")

    assert paragraphs == [
        "# A title",
        "**Not for patients.**",
        "## First",
        "A paragraph.",
        "- one point\n- another",
        "## Second",
        "| name | value |\n| --- | --- |\n| a\\|b | 1 |\n| &lt;script&gt; | \\`2\\` |",
    ]


def test_html_is_one_page_that_loads_nothing_and_hides_no_markup():
    page = DOCUMENT.html()

    tree = xml.dom.minidom.parseString(
        page.removeprefix("<!doctype html>").replace('<meta charset="utf-8">', "")
    )
    assert [cell.firstChild.data for cell in tree.getElementsByTagName("td")] == [
        "a|b",
        "1",
        "<script>",
        "`2`",
    ]
    assert [item.firstChild.data for item in tree.getElementsByTagName("li")] == [
        "one point",
        "another",
    ]
    assert "Not for patients." in page
    assert not any(word in page for word in ("<script", "src=", "href=", "@import", "url("))


def test_a_text_that_is_short_enough_is_left_as_it_is():
    assert shortened("short", 5, "nowhere") == "short"


def test_a_longer_text_loses_whole_sections_and_says_where_they_are():
    text = DOCUMENT.markdown()

    short = shortened(text, len(text) - 1, "model_card.md")

    assert len(short) < len(text)
    assert short.endswith("another\n\n(Shortened; the rest is in model_card.md.)\n")


@pytest.mark.parametrize("most", [60, 100, 150])
def test_no_text_is_longer_than_allowed(most):
    assert len(shortened(DOCUMENT.markdown() * 5, most, "model_card.md")) <= most
