"""A document of sections, written as Markdown and as one HTML page that needs no other file."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{border:1px solid #bbb;padding:.25rem .6rem;text-align:left;vertical-align:top}"
    "th{background:#eee}h2{margin-top:2rem}"
    "figure{margin:1rem 0}img{max-width:100%;height:auto}figcaption{color:#555;font-size:.9rem}"
)


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; all of them text."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A PNG that travels inside the page; Markdown has its caption alone."""

    png: bytes
    caption: str


Block = str | list[str] | Table | Picture


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it: paragraphs (text), lists of points, tables, pictures."""

    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """A title, a line that must not be missed, and sections. Text is plain: no markup in it."""

    title: str
    notice: str
    sections: Sequence[Section]

    def markdown(self) -> str:
        """As GitHub's Markdown."""
        parts = [f"# {_plain(self.title)}", f"**{_plain(self.notice)}**"]
        for section in self.sections:
            parts.append(f"## {_plain(section.heading)}")
            parts += [_markdown(block) for block in section.blocks]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """As a page with its style inside."""
        title = html.escape(self.title)
        body = [f"<h1>{title}</h1>", f"<p><strong>{html.escape(self.notice)}</strong></p>"]
        for section in self.sections:
            body.append(f"<h2>{html.escape(section.heading)}</h2>")
            body += [_html(block) for block in section.blocks]
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n"
            + "\n".join(body)
            + "\n</body></html>\n"
        )


def shortened(markdown: str, most: int, where: str) -> str:
    """Leave out the last sections of a text that is longer than allowed, and say where it is whole.

    Args:
        markdown: of a document.
        most: characters at the most.
        where: the whole text is.
    """
    if len(markdown) <= most:
        return markdown
    ending = f"\n\n(Shortened; the rest is in {where}.)\n"
    sections = markdown.split("\n\n## ")
    while len(sections) > 1 and len("\n\n## ".join(sections) + ending) > most:
        sections.pop()
    return "\n\n## ".join(sections)[: most - len(ending)] + ending


def _markdown(block: Block) -> str:
    if isinstance(block, str):
        return _plain(block)
    if isinstance(block, Picture):
        return f"(Figure: {_plain(block.caption)})"
    if isinstance(block, list):
        return "\n".join(f"- {_plain(point)}" for point in block)
    rows = [block.header, ["---"] * len(block.header), *block.rows]
    return "\n".join(f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows)


def _html(block: Block) -> str:
    if isinstance(block, str):
        return f"<p>{html.escape(block)}</p>"
    if isinstance(block, Picture):
        caption = html.escape(block.caption)
        source = f"data:image/png;base64,{base64.b64encode(block.png).decode()}"
        image = f'<img src="{source}" alt="{caption}">'
        return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"
    if isinstance(block, list):
        return f"<ul>{''.join(f'<li>{html.escape(point)}</li>' for point in block)}</ul>"
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in block.header)
    rows = [
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in block.rows
    ]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: names of folders come from outside."""
    for character in "\\`*_|[]":
        text = text.replace(character, f"\\{character}")
    return html.escape(" ".join(text.split()), quote=False)
