"""arrange.repository: every file in one document, behind what it imports, whatever the sharding, and nothing lost on the way."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_data.core.errors import SetupError
from mathcode_data.stages.arrange.imports import find_imports, needed_files
from mathcode_data.stages.arrange.marks import MARK_TYPE
from mathcode_data.stages.arrange.order import ordered_parts
from mathcode_data.stages.read.languages import language_of
from support.stages import documents, make_result, run_global


def code(files, *, repository="repo", first=0, **columns):
    """Source files as documents: (path, text) pairs."""
    paths, texts = [path for path, _ in files], [text for _, text in files]
    values = {
        "repository": [repository] * len(files), "path": paths, "language": [language_of(path) for path in paths],
        "license": ["MIT"] * len(files), "commit": ["c1"] * len(files),
    } | columns  # fmt: skip
    table = documents(texts)
    for name, column in values.items():
        table = table.append_column(name, pa.array(column, pa.string() if name in ("repository", "path", "language", "license") else None))
    return table.set_column(0, "doc_id", pa.array([f"{first + i:032x}" for i in range(len(files))], pa.string()))


def arrange(folder, tables, **config):
    outcome = run_global("arrange.repository", [make_result(folder / "in", tables)], folder, **config)
    paths = sorted(record.path(shard.name) for record in outcome.records for shard in record.shards)
    return pa.concat_tables([pq.read_table(path) for path in paths]).to_pylist(), outcome


def paths_of(document):
    return [file["path"] for file in document["files"]]


REPOSITORY = [
    ("main.py", "import b\nimport a"), ("b.py", "import a\n"), ("a.py", "x = 1"), ("lonely.py", "y = 2\n"),
    ("one.c", '#include "two.h"\n'), ("two.h", '#include "one.c"\n'), ("README.md", "# Read\n"), ("data.json", "{}\n"),
]  # fmt: skip


def test_connected_files_become_one_document_with_path_comments_and_spans(tmp_path):
    found, outcome = arrange(tmp_path, [code(REPOSITORY)])
    assert [paths_of(document) for document in found] == [
        ["a.py", "b.py", "main.py"], ["lonely.py"], ["one.c", "two.h"], ["README.md"], ["data.json"],
    ]  # fmt: skip
    assert found[0]["text"] == "# a.py\nx = 1\n# b.py\nimport a\n# main.py\nimport b\nimport a"
    assert (found[0]["path"], found[1]["path"], found[0]["language"]) == ("a.py (+2)", "lonely.py", "Python")
    assert found[3]["text"] == "<!-- README.md -->\n# Read\n"
    assert found[4]["text"] == "{}\n"
    texts = dict(REPOSITORY)
    for document in found:
        content = document["text"].encode()
        assert all(content[file["start"] : file["end"]].decode() == texts[file["path"]] for file in document["files"])
    counters = outcome.counted[0].counters[0]
    assert (counters.read, counters.kept, dict(counters.dropped)) == (8, 5, {"joined": 3})
    assert counters.facts["circles"] == 1
    rows = pa.concat_tables([table for _, table in _dropped(tmp_path)]).to_pylist()
    assert {row["path"] for row in rows} == {"b.py", "main.py", "two.h"}
    assert found[0]["doc_id"] in rows[0]["details"]


def _dropped(folder):
    """What the stage handed to its ledger, run once more with the ledger at hand."""
    from mathcode_data.core.stage import Task
    from mathcode_data.stages.arrange import repository
    from support.stages import make_config

    listing, schema = folder / "phases" / "list" / "00000" / "listing.json", folder / "phases" / "list" / "00000" / "schema.arrow"
    (folder / "again").mkdir()
    item = {"bucket": 0, "num_buckets": 1, "listing": str(listing), "schema": str(schema)}
    task = Task(
        index=0, item=item, folder=folder / "again", config=make_config("arrange.repository"), inputs=(), seed=0, stage="arrange.repository"
    )
    repository.join_bucket(task)
    return task.ledger.dropped_rows


@pytest.mark.parametrize(("config", "expected"), [
    ({"join": "repository"}, [["README.md", "a.py", "b.py", "main.py", "data.json", "lonely.py", "one.c", "two.h"]]),
    ({"join": "repository", "unparsed": "drop"}, [["a.py", "b.py", "main.py", "lonely.py", "one.c", "two.h"]]),
    ({"unparsed": "together"}, [["a.py", "b.py", "main.py"], ["lonely.py"], ["one.c", "two.h"], ["README.md", "data.json"]]),
    ({"unparsed": "drop"}, [["a.py", "b.py", "main.py"], ["lonely.py"], ["one.c", "two.h"]]),
])  # fmt: skip
def test_what_becomes_one_document_is_chosen(tmp_path, config, expected):
    found, outcome = arrange(tmp_path, [code(REPOSITORY)], **config)
    assert [paths_of(document) for document in found] == expected
    assert outcome.counted[0].counters[0].dropped["no_parser"] == (2 if config.get("unparsed") == "drop" else 0)


def test_documents_are_split_between_files_and_never_inside_one(tmp_path):
    files = [
        ("a.py", "x = 1\n" * 50),
        ("b.py", "import a\n" * 10),
        ("c.py", "import b\n" * 400),
        ("d.py", "import c\n"),
        ("e.py", "import d"),
    ]
    found, outcome = arrange(tmp_path, [code(files)], max_document_bytes=500)
    assert [paths_of(document) for document in found] == [["a.py", "b.py"], ["c.py"], ["d.py", "e.py"]]
    assert outcome.counted[0].counters[0].facts["documents_split"] == 2


def test_repositories_stay_apart_and_documents_without_one_pass_as_they_are(tmp_path):
    one = code([("a.py", "import b"), ("b.py", "")], repository="one")
    two = code([("a.py", "import b"), ("b.py", "1")], repository="two", first=10)
    other = code([("x.py", "import b"), ("y", "plain")], repository=None, first=20, path=[None, "y"], language=[None, None])
    found, _ = arrange(tmp_path, [pa.concat_tables([one, other]), two])
    assert sorted((document["repository"] or "", len(document["files"])) for document in found) == [
        ("", 1),
        ("", 1),
        ("one", 2),
        ("two", 2),
    ]
    alone = {document["doc_id"]: document["text"] for document in found if not document["repository"]}
    assert alone == {f"{20:032x}": "import b", f"{21:032x}": "plain"}


def test_licences_are_listed_languages_weighed_and_other_columns_kept_where_all_files_agree(tmp_path):
    table = code(
        [("a.py", "1"), ("b.py", "import a"), ("c.py", "import b")], license=["MIT", "", "Apache-2.0 OR MIT"], commit=["x", "x", "x"],
        score_a=[0.5, 0.25, 0.5],
    )  # fmt: skip
    found, _ = arrange(tmp_path, [table])
    assert [(row["license"], row["commit"], row["score_a"]) for row in found] == [
        ("(Apache-2.0 OR MIT) AND MIT AND NOASSERTION", "x", None)
    ]
    assert [file["license"] for file in found[0]["files"]] == ["MIT", "", "Apache-2.0 OR MIT"]


def test_a_file_token_stands_before_each_file_and_never_in_the_text(tmp_path):
    found, _ = arrange(tmp_path, [code([("a.py", "1\n"), ("b.py", "import a\n")])], file_token="<file_sep>")
    assert found[0]["special_tokens"] == [{"at": 0, "token": "<file_sep>"}, {"at": len("# a.py\n1\n"), "token": "<file_sep>"}]
    assert "file_sep" not in found[0]["text"]


NAMES = ["a", "b", "pkg/c", "pkg/d", "deep/er/e", "f"]
FILES = st.lists(
    st.tuples(st.sampled_from(["one", "two", None]), st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3)), max_size=12
)


@settings(max_examples=10)
@given(FILES, st.integers(1, 4), st.integers(0, 5), st.sampled_from([1, 40, 10**6]))
def test_every_file_is_in_one_document_behind_its_imports_for_any_sharding(tmp_path_factory, files, num_shards, turn, max_bytes):
    folder = tmp_path_factory.mktemp("arrange")
    tables = [
        code(
            [(f"{name}.py", "".join(f"import {other.replace('/', '.')}\n" for other in imports) + "é")], repository=repository, first=number
        )
        for number, (repository, name, imports) in enumerate(files)
    ]
    empty = code([("x.py", "")]).slice(0, 0)
    config = {"max_document_bytes": max_bytes, "shard_bytes": 3000}
    found, outcome = arrange(folder / "one", [pa.concat_tables([empty, *tables])], **config)
    turned = tables[turn:] + tables[:turn]
    shards = [pa.concat_tables([empty, *turned[shard::num_shards]]) for shard in range(num_shards)]
    again, _ = arrange(folder / "two", shards, **config)
    assert found == again
    ids = [file["doc_id"] for document in found for file in document["files"]]
    assert sorted(ids) == [f"{number:032x}" for number in range(len(files))]
    assert len({document["doc_id"] for document in found}) == len(found)
    read, dropped = (
        sum(record.counters[0].read for record in outcome.counted),
        sum(r.counters[0].dropped.total() for r in outcome.counted),
    )
    assert read == len(files) == len(found) + dropped
    place = {doc_id: number for number, doc_id in enumerate(ids)}
    for repository in ("one", "two"):
        own = sorted((f"{name}.py", f"{number:032x}") for number, (where, name, _) in enumerate(files) if where == repository)
        texts = {f"{number:032x}": tables[number]["text"][0].as_py() for number in range(len(files))}
        needed = needed_files([path for path, _ in own], ["Python"] * len(own), [find_imports("Python", "", texts[i]) for _, i in own])
        if _is_acyclic(needed):
            assert all(place[own[other][1]] < place[own[number][1]] for number, others in enumerate(needed) for other in others)


@given(st.lists(st.lists(st.integers(0, 7), max_size=4, unique=True), min_size=8, max_size=8))
@settings(max_examples=50)
def test_only_within_a_circle_a_file_stands_before_one_that_it_needs(graph):
    needed = [[other for other in files if other != number] for number, files in enumerate(graph)]
    parts = ordered_parts(needed)
    place = {number: at for at, number in enumerate(number for part in parts for number in part)}
    assert sorted(place) == list(range(8))
    reached = [{number} for number in range(8)]
    for _ in range(8):
        reached = [one.union(*(reached[other] for other in needed[number])) for number, one in enumerate(reached)]
    for number, others in enumerate(needed):
        assert all(place[other] < place[number] or number in reached[other] for other in others)


def test_a_file_that_needs_a_circle_stands_behind_it():
    core, main, one, two = range(4)
    assert ordered_parts([[], [one], [core, two], [core, one]]) == [[core, one, two, main]]


def _is_acyclic(needed):
    left = set(range(len(needed)))
    while left:
        free = {number for number in left if not left & set(needed[number])}
        if not free:
            return False
        left -= free
    return True


def test_a_joined_repository_can_be_compared_with_others_by_minhash(tmp_path):
    body = [(f"m{i}.py", "".join(f"def f{i}_{j}(x): return x * {i * 31 + j}\n" for j in range(30)) + (f"import m{i - 1}\n" if i else ""))
            for i in range(5)]  # fmt: skip
    changed = [*body[:4], (body[4][0], body[4][1].replace("def f4_0(", "def renamed("))]
    other = [(path, text.replace("return x *", "yield self.value +").replace("def f", "def g")) for path, text in body]
    tables = [code(files, repository=name, first=100 * number) for number, (name, files) in enumerate(
        [("first", body), ("fork", changed), ("other", other)])]  # fmt: skip
    outcome = run_global("arrange.repository", [make_result(tmp_path / "in", tables)], tmp_path / "arranged")
    shards = [pq.read_table(record.path(shard.name)) for record in outcome.records for shard in record.shards]
    assert sum(map(len, shards)) == 3
    outcome = run_global("dedup.minhash", [make_result(tmp_path / "joined", shards)], tmp_path / "kept")
    kept = [
        row for record in outcome.records for shard in record.shards if shard.name.startswith("documents")
        for row in pq.read_table(record.path(shard.name)).to_pylist()
    ]  # fmt: skip
    assert len(kept) == 2
    assert {row["repository"] for row in kept} > {"other"}
    assert all(len(row["files"]) == 5 for row in kept)


def test_documents_that_were_arranged_already_or_lack_columns_are_refused(tmp_path):
    table = code([("a.py", "")])
    marked = table.append_column("special_tokens", pa.array([[]], MARK_TYPE))
    with pytest.raises(SetupError, match="special_tokens already; put arrange.repository before arrange.fim"):
        arrange(tmp_path / "a", [marked])
    with pytest.raises(SetupError, match="no column 'repository'"):
        arrange(tmp_path / "b", [documents(["x"])])


def test_shards_of_other_columns_fit_together_and_types_that_do_not_are_named(tmp_path):
    one, two = code([("a.py", "")]), code([("b.py", "import a")], first=1, stars=[3])
    found, _ = arrange(tmp_path / "a", [one, two])
    assert [row["stars"] for row in found] == [None]
    with pytest.raises(SetupError, match="column 'stars' is int64 in one input and string"):
        arrange(tmp_path / "b", [two, code([("c.py", "")], stars=["x"])])


def test_large_shards_are_written_and_read_in_pieces(tmp_path, monkeypatch):
    files = [(f"p/m{i}.py", f"import p.m{i - 1}\n" if i else "") for i in range(40)]
    whole, _ = arrange(tmp_path / "whole", [code(files)])
    monkeypatch.setattr("mathcode_data.stages.arrange.repository_rows.BATCH_BYTES", 1)
    monkeypatch.setattr("mathcode_data.stages.arrange.repository_rows.MAX_OPEN", 1)
    monkeypatch.setattr("mathcode_data.stages.arrange.repository.WRITE_BYTES", 1)
    monkeypatch.setattr("mathcode_data.core.documents.READ_BATCH_ROWS", 3)
    pieces, _ = arrange(tmp_path / "pieces", [code(files[i::7], first=i) for i in range(7)])
    assert [paths_of(document) for document in whole] == [paths_of(document) for document in pieces] == [[path for path, _ in files]]
