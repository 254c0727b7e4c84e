"""Any datatrove reader, filter, formatter or writer as a stage of a pipeline file: `datatrove.filters.GopherQualityFilter`.

The name is `datatrove.FAMILY.CLASS` for the class `CLASS` of `datatrove.pipeline.FAMILY`; its keys are the arguments of
the constructor. A reader is a source, filters and formatters are map stages, a writer is a global stage whose files are
its result. datatrove itself is imported only when such a name is asked for.

Refused by name: blocks that have been seen to lose data, to read unverified models or lists from the network, or that
work across documents, where a stage of ours does the same within the engine's guarantees.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from importlib import metadata
from typing import Any

from mathcode_data.core.config import nearest
from mathcode_data.core.errors import ConfigError
from mathcode_data.core.plugins import Plugin, install_hint
from mathcode_data.interop.datatrove_config import Block, make_config
from mathcode_data.interop.datatrove_documents import quiet

ADAPTER_VERSION = "2"
"""Raised when what we make of a block's output changes."""

BASES = {
    "readers": ("datatrove.pipeline.readers.base", "BaseDiskReader"),
    "filters": ("datatrove.pipeline.filters.base_filter", "BaseFilter"),
    "formatters": ("datatrove.pipeline.formatters.base", "BaseFormatter"),
    "writers": ("datatrove.pipeline.writers.disk_base", "DiskWriter"),
}
"""The families that can be stages, and the class that their blocks are made from."""

REFUSED_FAMILIES = {
    "decont": "its blocks need lighteval and strip numbers and operators; use decontaminate.ngram",
    "dedup": "its blocks name documents by position, so one new input file deletes the wrong ones; use dedup.exact or dedup.minhash",
    "executor": "its executors take an empty file for a finished rank; `mathcode-data run` drives pipelines, on one machine or on Ray",
    "extractors": "its extractors drop every page when a start takes long, and lose formulas; use extract.html",
    "inference": "its blocks talk to a model server; run them outside and read what they write with datatrove.readers.JsonlReader",
    "media": "its readers check neither certificates nor what robots files forbid; fetch pages with a crawler that does and use read.warc",
    "stats": "its statistics count wrongly when merged; use `mathcode-data inspect`",
    "tokens": "its files carry no tokenizer hash and an empty rank breaks them; use tokenize",
}
REFUSED_BLOCKS = {
    "C4BadWordsFilter": "it downloads its word lists while it runs, unchecked; use datatrove.filters.RegexFilter with your own words",
    "FastTextClassifierFilter": "it glues words together and ignores a retrained model; use score.fasttext and select.threshold",
    "HTTPFetchReader": REFUSED_FAMILIES["media"],
    "HuggingFaceBucketWriter": "a result is a folder here; use datatrove.writers.ParquetWriter and upload the folder",
    "HuggingFaceDatasetReader": "an input is files here; download the data set and use datatrove.readers.ParquetReader",
    "HuggingFaceDatasetWriter": "a result is a folder here; use datatrove.writers.ParquetWriter and upload the folder",
    "LanguageFilter": "it downloads its model while it runs, unchecked; use extract.html with `languages`, or score.fasttext",
    "UnigramLogProbFilter": "it downloads its word list while it runs, unchecked; use score.fasttext",
}


def plugin(name: str) -> Plugin:
    """Make a stage from a datatrove block, named as `datatrove.filters.GopherRepetitionFilter`.

    Raises:
        ConfigError: no such block (with the nearest name), a block that is refused (with the stage to use instead), or
            datatrove or a package that it needs is not installed.
    """
    parts = name.split(".")
    family, class_name = (parts[1], parts[2]) if len(parts) == 3 else (parts[1] if len(parts) > 1 else "", "")
    refusal = REFUSED_FAMILIES.get(family) or REFUSED_BLOCKS.get(class_name)
    if refusal is not None:
        raise ConfigError(f"stage {name!r}: this block of datatrove is not used here: {refusal}")
    if family not in BASES or not class_name:
        raise ConfigError(f"no stage {name!r}; write datatrove.FAMILY.CLASS, as in datatrove.filters.RegexFilter{nearest(family, BASES)}")
    block = Block(name, family, _find_class(name, family, class_name))
    config = make_config(block)
    return Plugin(name, f"{metadata.version('datatrove')}-{ADAPTER_VERSION}", config, _builder(family))


def _find_class(name: str, family: str, class_name: str) -> type[Any]:
    """The class of a block."""
    base_module, base_name = BASES[family]
    try:
        with quiet():
            base = getattr(importlib.import_module(base_module), base_name)
            module = importlib.import_module(f"datatrove.pipeline.{family}")
    except ImportError as error:
        missing = getattr(error, "name", None) or "datatrove"
        hint = install_hint("datatrove")
        raise ConfigError(f"stage {name!r} needs the package {missing!r}, which is not installed ({error}); {hint}") from error
    found = {key: value for key, value in vars(module).items() if inspect.isclass(value) and issubclass(value, base)}
    if class_name not in found:
        raise ConfigError(f"no stage {name!r}: datatrove.pipeline.{family} has no {class_name!r}{nearest(class_name, _usable(found))}")
    block: type[Any] = found[class_name]
    return block


def _usable(found: dict[str, Any]) -> list[str]:
    return [key for key in found if key not in REFUSED_BLOCKS]


def _builder(family: str) -> Callable[[Any], Any]:
    if family == "readers":
        from mathcode_data.interop.datatrove_reader import ReaderSource

        return ReaderSource
    if family == "writers":
        from mathcode_data.interop.datatrove_writer import WriterExport

        return WriterExport
    from mathcode_data.interop.datatrove_maps import FilterMap, FormatterMap

    return FilterMap if family == "filters" else FormatterMap
