"""Rounds of `--limit`: the token budget shrinks with the pages, so that a small round also takes the best and not all of them.

The share is pages read by pages there: rows of Parquet files and records of a Common Crawl plan are exact, of other files their
bytes tell about how many pages they hold. Where nobody knows (pages of a crawl, a finished result, which no limit cuts), it is 1.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mathcode_data.core.config import ResultRef
from mathcode_data.core.manifest import Result, read_result
from mathcode_data.recall.config import Recall
from mathcode_data.runtime.driver import RunSettings
from mathcode_data.runtime.estimate import documents_in_files
from mathcode_data.runtime.graph import Graph, Node, find_node
from mathcode_data.runtime.pipeline import Pipeline, load_pipeline
from mathcode_data.runtime.update import NodeReport, update


def scaled_to_pages(recall: Recall, pipeline: Pipeline, settings: RunSettings) -> tuple[Recall, list[NodeReport], str]:
    """Bring the limited pages up to date and scale the budget to them.

    Args:
        recall: the rounds, with a limit.
        pipeline: of the rounds; holds the stage of the pages where they are one.
        settings: of the run.

    Returns:
        The rounds with their `token_share`, what was made, and a line for people ("" where all pages are read).
    """
    with settings.interrupt.at_once():
        graph = Graph(recall.limit)
        node = _pages_node(graph, graph.add(pipeline), recall.config.pages, recall)
    if node is None:
        return recall, [], ""
    reports = update([node], graph, settings)
    sources = _sources(node)
    there = sum(map(_pages_there, sources))
    taken = sum(read_result(source.folder).manifest.counters[0].kept for source in sources)
    if not sources or not there or taken >= there:
        return recall, reports, ""
    share = taken / there
    line = f"limit: {taken:,} of {there:,} pages are read, so a round takes {share:.2%} of its tokens"
    return replace(recall, token_share=share), reports, line


def _pages_node(graph: Graph, nodes: dict[str, Node], pages: ResultRef, recall: Recall) -> Node | None:
    if pages.path is not None:
        return None
    if pages.pipeline is not None:
        nodes = graph.add(load_pipeline(Path(pages.pipeline), limit=recall.limit))
    return find_node(nodes, pages.stage, str(recall.file.path))


def _sources(node: Node) -> list[Node]:
    """The results that read the files which a result comes from, each once; none where it also comes from elsewhere."""
    found: dict[int, Node] = {}
    waiting: list[Node | Result] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Result) or (part.is_source and part.inputs):
            return []
        if part.is_source:
            found[id(part)] = part
        waiting += part.inputs
    return list(found.values())


def _pages_there(source: Node) -> int:
    """Pages in the files of a source, whatever the limit."""
    if source.steps[0].plugin.name != "read.parquet":
        return round(documents_in_files(source))
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(file).num_rows for split in source.splits for file in split.files)
