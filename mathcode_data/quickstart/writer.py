r"""From the pages' own text language to HTML in one formula encoding, with the truth noted on the way."""

import html
import re

from mathcode_data.quickstart.forms import DOLLAR_IS_SPECIAL, render

_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$")


class Writer:
    """Writes one page; afterwards `formulas` and `text()` hold what an ideal extractor finds in it."""

    def __init__(self, form: str, *, is_typographic: bool = False) -> None:
        self.form = form
        self.is_typographic = is_typographic
        """Whether prose has curly apostrophes and dashes, which tell one encoding from another."""
        self.formulas: list[tuple[str, bool]] = []
        self._lines: list[str] = []
        self._price = r"\$" if form in DOLLAR_IS_SPECIAL else "$"

    def text(self) -> str:
        r"""The page's text: paragraphs with formulas between `\( \)` and `\[ \]`."""
        return "\n\n".join(self._lines)

    def inline(self, text: str) -> str:
        """A line of text where display formulas may stand inside the element."""
        return "".join(markup for markup, _ in self._pieces(text))

    def paragraph(self, text: str) -> str:
        """One or several `<p>`, since a display formula may not stand inside of one."""
        out, open_text = [], ""
        for markup, is_display in self._pieces(text):
            if not is_display:
                open_text += markup
                continue
            if open_text.strip():
                out.append(f"<p>{open_text.strip()}</p>")
            out.append(markup)
            open_text = ""
        if open_text.strip():
            out.append(f"<p>{open_text.strip()}</p>")
        return "\n".join(out)

    def heading(self, text: str, level: int) -> str:
        """A heading."""
        return f"<h{level}>{self.inline(text)}</h{level}>"

    def items(self, tag: str, lines: tuple[str, ...]) -> str:
        """A list with a tag of ol or ul."""
        return f"<{tag}>\n" + "\n".join(f"<li>{self.inline(line)}</li>" for line in lines) + f"\n</{tag}>"

    def table(self, lines: tuple[str, ...]) -> str:
        """A table; cells are separated by a tab, the first line is the head."""
        rows = [[self.inline(cell) for cell in line.split("\t")] for line in lines]
        head = "".join(f"<th>{cell}</th>" for cell in rows[0])
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows[1:])
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"

    def code(self, text: str) -> str:
        """A block of code, in which nothing is a formula."""
        self._lines.append(text)
        return f"<pre><code>{html.escape(text, quote=False)}</code></pre>"

    def _pieces(self, text: str) -> list[tuple[str, bool]]:
        if self.is_typographic and "$" not in text:
            text = text.replace("'", "’").replace(" - ", " – ")
        pieces, plain, position = [], "", 0
        for match in _FORMULA.finditer(text):
            pieces.append((self._prose(text[position : match.start()]), False))
            plain += text[position : match.start()].replace("¤", "$")
            is_display = match.group(1) is not None
            markup, latex = render(self.form, match.group(1) or match.group(2), is_display)
            pieces.append((markup, is_display))
            self.formulas.append((latex, is_display))
            plain += rf"\[{latex}\]" if is_display else rf"\({latex}\)"
            position = match.end()
        pieces.append((self._prose(text[position:]), False))
        self._lines.append(plain + text[position:].replace("¤", "$"))
        return pieces

    def _prose(self, text: str) -> str:
        return html.escape(text, quote=False).replace("¤", self._price)
