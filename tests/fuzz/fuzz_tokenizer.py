"""tokenizer.json beside shards, plain and gzip: loaded and used, or refused by name."""

import gzip
import json
from functools import cache

import orjson

from mathcode_data.inspect.tokenizer_file import num_ids, read_tokenizer
from support.fuzzing import edited_json, written


@cache
def sound() -> bytes:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    vocab = {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "<|eos|>": 4}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[("a", "b")], unk_token=None))
    tokenizer.add_special_tokens(["<|eos|>"])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer.to_str().encode()


def seeds() -> list[bytes]:
    edits = [bytes([1, place, 0, kind, kind * 3, 1, 0]) for place in range(40) for kind in (0, 2, 6)]
    return [b"\0" + sound(), b"\1", b"\2" + gzip.compress(sound(), mtime=0), *edits]


def read(data: bytes) -> None:
    mode, rest = (data[0] if data else 0) % 3, data[1:]
    content = json.dumps(edited_json(orjson.loads(sound()), rest)).encode() if mode == 1 else rest
    tokenizer = read_tokenizer(written("tokenizer", "x.json", content))
    assert num_ids(tokenizer) >= 0
