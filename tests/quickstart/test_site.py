"""The invented site: same seed, same bytes; true mathematics; every formula form; honest duplicates; one planted item."""

import ast
import hashlib
import html
import itertools
import math
import operator
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType, has_block_digest, has_payload_digest, has_valid_payload_digest
from selectolax.lexbor import LexborHTMLParser

from mathcode_data.core.errors import ConfigError, DataError
from mathcode_data.core.text import gram_hashes, ngram_hashes
from mathcode_data.quickstart.benchmark import PLANTED_ITEM, benchmark_items, write_benchmark
from mathcode_data.quickstart.capture import WARC_DATE, capture_site
from mathcode_data.quickstart.forms import FORMS
from mathcode_data.quickstart.mathml import to_mathml
from mathcode_data.quickstart.site import Site, SitePage, build_host, build_site

SEED = 17
FORMS_WITH_LATEX = frozenset(FORMS) - {"mathjax3", "mathml", "mml_prefix", "subsup", "latex_php", "codecogs"}


@pytest.fixture(scope="module")
def site() -> Site:
    return build_site(SEED)


@pytest.fixture(scope="module")
def small(site: Site) -> Site:
    """One host, so that a capture takes a fraction of a second."""
    return Site(SEED, {"random-web": site.hosts["random-web"]})


@pytest.fixture(scope="module")
def warcs(small: Site, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return capture_site(small, tmp_path_factory.mktemp("warc"))


def digest(pages: tuple[SitePage, ...]) -> str:
    return hashlib.sha256(b"\0".join(page.url.encode() + page.content for page in pages)).hexdigest()


def responses(paths: list[Path]) -> Iterator[tuple[str, int, str, bytes]]:
    for path in paths:
        for record in ArchiveIterator(str(path), record_types=WarcRecordType.response, parse_http=True):
            status = record.http_headers.status_code
            yield record.headers["WARC-Target-URI"], status, record.http_headers.get("Content-Type"), record.reader.read()


def shingles(text: str, n: int = 5) -> set[int]:
    return set(ngram_hashes(gram_hashes(text), n).tolist())


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


# ---- the site


@pytest.mark.slow
def test_same_seed_gives_the_same_bytes_in_another_process_and_another_seed_gives_others(site: Site):
    code = f"""
import hashlib, sys
from mathcode_data.quickstart.site import build_host
pages = build_host({SEED}, "math-seed")
sys.stdout.write(hashlib.sha256(b"\\0".join(page.url.encode() + page.content for page in pages)).hexdigest())
"""
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert out.stdout == digest(site.hosts["math-seed"])
    assert digest(build_host(SEED + 1, "math-seed")) != digest(site.hosts["math-seed"])


def test_every_host_has_its_mixture_of_pages(site: Site):
    assert len(site.pages) >= 400
    content = {host: [page for page in pages if page.text and page.kind != "index"] for host, pages in site.hosts.items()}
    share = {host: sum(page.is_math for page in pages) / len(pages) for host, pages in content.items()}
    assert share["math-seed"] == 1.0
    assert 0.03 < share["random-web"] < 0.08
    assert 0.5 < share["crawl"] < 0.9
    kinds = {page.kind for page in site.hosts["crawl"]}
    assert kinds >= {
        "lesson",
        "problem",
        "thread",
        "ordinary",
        "near_duplicate",
        "exact_duplicate",
        "planted",
        "index",
        "robots",
        "private",
        "missing",
        "redirect",
        "broken",
        "empty",
    }
    assert sum(len(page.text) for page in site.pages if page.is_math) > 1_000_000


def test_every_formula_form_and_every_encoding_is_used(site: Site):
    assert {page.form for page in site.hosts["crawl"] if page.is_math} == set(FORMS)
    assert {page.encoding for page in site.pages} == {"utf-8", "gb18030", "windows-1252"}
    foreign = [page for page in site.pages if page.encoding != "utf-8"]
    for page in foreign:
        page.content.decode(page.encoding)
        declared = page.content_type + page.content[:400].decode("ascii", "ignore")
        assert page.encoding in declared, f"{page.path} does not say that it is {page.encoding}"
    with pytest.raises(UnicodeDecodeError):
        b"".join(page.content for page in foreign if page.encoding == "gb18030").decode()
    with pytest.raises(UnicodeDecodeError):
        b"".join(page.content for page in foreign if page.encoding == "windows-1252").decode()


def test_the_truth_is_on_the_page(site: Site):
    for page in site.pages:
        content = html.unescape(page.content.decode(page.encoding, "replace"))
        if page.form in FORMS_WITH_LATEX:
            missing = [latex for latex, _ in page.formulas if latex not in content]
            assert missing == [], f"{page.url} ({page.form})"
        if page.is_math:
            assert page.formulas, f"{page.url} has no formula"
        else:
            assert page.formulas == (), f"{page.url} is no mathematics but has formulas"


def test_the_truth_can_be_read_back_from_mathml(site: Site):
    page = next(page for page in site.hosts["crawl"] if page.form == "mathml" and page.encoding == "utf-8")
    found = [re.sub(r"\s", "", node.text()) for node in LexborHTMLParser(page.content).css("math")]
    assert found == ["".join(leaf.text for leaf in to_mathml(latex).leaves()) for latex, _ in page.formulas]


def test_pages_are_well_formed(site: Site):
    """Every element which is opened is closed in order; one page of each kind, form and host."""
    chosen = {(page.host, page.kind, page.form, page.language): page for page in site.pages if page.text}
    for page in chosen.values():
        checker = BalanceChecker()
        checker.feed(page.content.decode(page.encoding))
        checker.close()
        assert checker.problems == [], page.url
        assert checker.open == [], page.url
        assert len(LexborHTMLParser(page.content).css("h1")) == 1, page.url


class BalanceChecker(HTMLParser):
    """Notes elements closed out of order, and blocks inside of a paragraph."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})
    BLOCKS = frozenset({"p", "div", "ul", "ol", "table", "blockquote", "center", "pre", "h1", "h2"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.BLOCKS and "p" in self.open:
            self.problems.append(f"<{tag}> in a paragraph at {self.getpos()}")
        if len({name for name, _ in attrs}) < len(attrs):
            self.problems.append(f"an attribute of <{tag}> stands twice at {self.getpos()}")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # <img /> has no end tag

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> out of order at {self.getpos()}")


def test_every_link_leads_to_a_page_or_into_a_forbidden_folder(site: Site):
    for pages in site.hosts.values():
        paths = {page.path for page in pages}
        for page in pages:
            links = {node.attributes["href"] for node in LexborHTMLParser(page.content).css("a[href]")} if page.content else set()
            dead = {link for link in links - paths if not link.startswith(("#", "/private/", "/users/", "/tagged/"))}
            assert dead == set(), page.url


# ---- the mathematics


SIGNS = {r"\times": "*", r"\cdot": "*", r"\div": "/", r"\left": "", r"\right": "", r"\,": "", r"\pi": "(3.141592653589793)"}
RELATION = re.compile(r"(=|<|>|\\le\b|\\ge\b|\\ne\b|\\approx|\\equiv|, )")
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow}
MEANT_TO_BE_FALSE = {"3  =  5", r"\frac{1}{2} + \frac{1}{2}  =  \frac{2}{4}"}


def number(latex: str) -> float | None:
    """The value of an expression without letters, or None if it is not one."""
    text = latex.replace("&", "").strip()
    for _ in range(5):
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"((\1)**0.5)", text)
        text = re.sub(r"\\t?frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
        text = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", text)
    for sign, meaning in SIGNS.items():
        text = text.replace(sign, meaning)
    text = re.sub(r"(?<=[\d)])\s*(?=\()", "*", text)
    if not re.fullmatch(r"[\d\s.+\-*/()]+", text):
        return None
    try:
        return calculate(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError:  # the piece between two relations may be half of a list
        return None


def calculate(node: ast.expr) -> float:
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.UnaryOp):
        return -calculate(node.operand) if isinstance(node.op, ast.USub) else calculate(node.operand)
    assert isinstance(node, ast.BinOp), ast.dump(node)
    return OPERATIONS[type(node.op)](calculate(node.left), calculate(node.right))


def equations(latex: str) -> Iterator[tuple[str, float, float]]:
    """All equations between two numbers in a formula."""
    for line in re.sub(r"\\(begin|end)\{(aligned|align|equation)\}", "", latex).split(r"\\"):
        parts = RELATION.split(line)
        for left, relation, right in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            one, other = number(left), number(right)
            if relation == "=" and one is not None and other is not None:
                yield f"{left} = {right}", one, other


def test_every_equation_between_numbers_is_true(site: Site):
    formulas = {latex for page in site.hosts["math-seed"] for latex, _ in page.formulas if any(sign.isdigit() for sign in latex)}
    checked = [equation for latex in formulas for equation in equations(latex)]
    assert len(checked) > 1000
    false = {text for text, one, other in checked if not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)}
    assert false <= MEANT_TO_BE_FALSE


# ---- duplicates and the planted item


def test_lessons_differ_and_near_duplicates_do_not(site: Site):
    pages = {page.path: page for page in site.hosts["crawl"]}
    lessons = [page for page in pages.values() if page.kind == "lesson" and page.language == "en"]
    sets = [shingles(page.text) for page in lessons[:90]]
    assert max(jaccard(one, other) for one, other in itertools.combinations(sets, 2)) < 0.5
    copies = [page for page in pages.values() if page.kind == "near_duplicate"]
    assert len(copies) >= 20
    for page in copies:
        original = pages[page.duplicate_of]
        assert page.content != original.content
        assert jaccard(shingles(page.text), shingles(original.text)) > 0.75, page.path


def test_exact_duplicates_have_the_bytes_of_their_originals(site: Site):
    pages = {page.path: page for page in site.hosts["crawl"]}
    copies = [page for page in pages.values() if page.kind == "exact_duplicate"]
    assert len(copies) == 10
    assert all(page.content == pages[page.duplicate_of].content for page in copies)
    contents = [page.content for page in pages.values() if page.kind != "exact_duplicate" and page.content]
    assert len(set(contents)) == len(contents)


def test_only_the_planted_page_holds_ten_grams_of_the_benchmark(site: Site):
    items = benchmark_items(SEED)
    grams = set().union(*(shingles(item["question"], 10) for item in items))
    hits = [page for page in site.pages if shingles(page.text, 10) & grams]
    assert [(page.kind, page.host) for page in hits] == [("planted", "crawl")]
    assert items[PLANTED_ITEM]["question"] in hits[0].text


def test_benchmark_items_are_twenty_different_problems(tmp_path: Path):
    items = benchmark_items(SEED)
    assert len({item["question"] for item in items}) == 20
    assert all(int(item["answer"]) > 0 and len(item["question"].split()) > 15 for item in items)
    for one, other in itertools.combinations(items, 2):
        assert not shingles(one["question"], 10) & shingles(other["question"], 10)
    lines = write_benchmark(tmp_path, SEED).read_bytes().splitlines()
    assert [orjson.loads(line) for line in lines] == items


# ---- the capture


def test_the_capture_holds_every_page_once_with_its_bytes_and_status(small: Site, warcs: list[Path]):
    archived = list(responses(warcs))
    assert len({url for url, *_ in archived}) == len(archived)
    truth = {(page.url, page.status, page.content_type, page.content) for page in small.pages if page.kind != "private"}
    assert set(archived) == truth


def test_digests_and_dates_are_right_and_each_record_is_a_gzip_member(warcs: list[Path]):
    for path in warcs:
        records = valid = 0
        for record in ArchiveIterator(str(path), parse_http=True):
            assert record.headers["WARC-Date"] == WARC_DATE
            assert has_block_digest(record)
            if record.record_type == WarcRecordType.response:
                assert has_payload_digest(record)
                valid += has_valid_payload_digest(record)
            else:
                assert record.record_type == WarcRecordType.warcinfo
            records += 1
            with path.open("rb") as file:
                file.seek(record.stream_pos)
                assert file.read(3) == b"\x1f\x8b\x08"
        assert valid == records - 1 > 50


def test_the_same_site_gives_the_same_warc_bytes(small: Site, warcs: list[Path], tmp_path: Path):
    again = capture_site(small, tmp_path)
    assert [path.name for path in again] == ["random-web-00000.warc.gz", "random-web-00001.warc.gz"]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in warcs]
    assert sorted(tmp_path.iterdir()) == sorted(again)


def test_robots_txt_is_obeyed_and_no_robots_txt_means_no_page(small: Site, warcs: list[Path], tmp_path: Path):
    linked = {node.attributes["href"] for node in LexborHTMLParser(small.pages[0].content).css("a[href]")}
    assert "/private/members.html" in linked
    urls = [url for url, *_ in responses(warcs)]
    assert not [url for url in urls if "/private/" in url or "/users/" in url or "/tagged/" in url]
    lawless = Site(SEED, {"random-web": tuple(page for page in small.pages if page.kind != "robots")})
    with pytest.raises(DataError, match=r"robots\.txt"):
        capture_site(lawless, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_max_pages_bounds_a_host_and_must_be_positive(small: Site, tmp_path: Path):
    assert len(list(responses(capture_site(small, tmp_path, max_pages=12)))) == 12
    with pytest.raises(ConfigError, match="max_pages is 0"):
        capture_site(small, tmp_path, max_pages=0)
