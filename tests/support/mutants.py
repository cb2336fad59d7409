"""Check that the tests detect a missing rule: break one enforcing line of the plain codec at a time.

    python tests/support/mutants.py

A mutant lacks one `raise`, one return of a fault or one call of a check; or a condition that leads to such a line is
negated or loses one of its operands. In `session`, a mutant lacks any call or any change of an object, or any condition
is changed. The vectors run first, then the tests of the functions and the decoder, for rules
that no vector can express (such as wrong types). A mutant that survives both must be listed in ALIKE with the reason.
Otherwise the run fails.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import os
import resource
import runpy
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

TESTS = Path(__file__).parents[1]
# Not imported here: each mutant is imported in a separate process, together with the modules that use it.
PACKAGE = importlib.util.find_spec("mqttcodec")
assert PACKAGE is not None
assert PACKAGE.origin is not None
SOURCES = Path(PACKAGE.origin).parent
MODULES = (
    "_spec",
    "_arguments_py",
    "_text_py",
    "_reader_py",
    "_writer_py",
    "_decode_properties_py",
    "_decode_py",
    "_encode_properties_py",
    "_encode_py",
    "_stream_py",
    "_batch_py",
    "_codec_py",
    "_versions",
    "_dicts",
    "_topics_py",
    "_topic_methods",
    "session._arguments",
    "session._packet_ids",
    "session._topic_aliases",
    "session._outgoing",
    "session._incoming",
    "session._keep_alive",
    "session._session",
    "session._rules",
    "session._connection",
)
# Functions that raise, always or if a rule is broken.
CHECKS = {
    *("fail", "missing", "cut", "refuse", "refuse_length", "refuse_text", "refuse_topic"),
    "refuse_control_characters",
    *("finish", "_check_sender", "_check_connect_flags", "_refuse_earlier_version", "_check_size"),
    "_check_filter",
}
SUITE = (
    *("packets/test_encode", "packets/test_functions", "streams/test_decoder", "streams/test_encoder"),
    *("streams/test_bridge", "streams/test_skip"),
    *("hardening/test_hostile", "hardening/test_hostile_buffers", "hardening/test_exhaustion"),
)
# No vector expresses the rules of these modules.
WITHOUT_VECTORS = {
    *("_versions", "_dicts", "_topics_py", "_topic_methods"),
    *(module for module in MODULES if module.startswith("session.")),
}
# Modules that other files test.
SUITES = {
    "_versions": ("packets/test_versions",),
    "_dicts": ("packets/test_dicts",),
    "_arguments_py": (*SUITE, "packets/test_dicts"),
    "_topics_py": ("topics/test_topics", "topics/test_maps", "topics/test_hardening"),
    "_topic_methods": ("topics/test_topics", "topics/test_maps", "topics/test_hardening"),
    "session._arguments": ("session/test_numbers", "session/test_messages"),
    **dict.fromkeys(
        ("session._packet_ids", "session._topic_aliases", "session._keep_alive"), ("session/test_numbers",)
    ),
    **dict.fromkeys(
        ("session._outgoing", "session._incoming"),
        ("session/test_channel", "session/test_saved", "session/test_messages"),
    ),
    "session._session": ("session/test_saved",),
    **dict.fromkeys(
        ("session._rules", "session._connection"),
        ("session/test_connection", "session/test_orders", "session/test_conversation"),
    ),
}
SECONDS = 60
"""The time after which a mutant counts as detected, because it loops forever."""

ALIKE = {
    ("_writer_py", "deleted", "self.refuse(_errors.ENCODED_TOO_LARGE)  # [U36]"): (
        "the packet is refused when it is whole; what the line saves is memory, and test_memory looks at that"
    ),
    ("_encode_py", "deleted", "raise  # The error comes from an object of the caller's."): (
        "before Python 3.12, whose objects may have `__buffer__`, encoding runs nothing of the caller's"
    ),
    ("_arguments_py", "deleted", "raise  # The error comes from the object's `__buffer__`."): (
        "before Python 3.12 no object of the caller's own making has `__buffer__`"
    ),
    (
        "_arguments_py",
        "without `hasattr(type(buffer), '__buffer__')`",
        'if _ASKS_FOR_BUFFERS and hasattr(type(buffer), "__buffer__"):',
    ): "before Python 3.12 the condition is false either way",
    (
        "_encode_py",
        "without `packet.bridge is not False`",
        'if packet.bridge is not False and writer.flag(packet.bridge, "bridge"):',
    ): "it saves a call, which would return 0",
    (
        "_stream_py",
        "without `isinstance(error, _errors.DecodeError)`",
        "if self._failed is not None and isinstance(error, _errors.DecodeError):",
    ): "both differ only after an interruption between two lines of the module",
    (
        "session._incoming",
        "without `packet_id is None`",
        "if pending is None or packet_id is None or packet_id not in pending or pending[packet_id] is not None:",
    ): "None is never pending; the operand is there for type checkers",
    (
        "session._connection",
        "without `aliases._maximum`",
        "if aliases._maximum and encoded_size(publish, MQTTv5) + ALIAS_SIZE <= self._packet_limit:",
    ): "it saves a call; without aliases, `assign` returns the packet as it is",
    ("session._connection", "deleted", "self._last = None"): (
        "it frees the message early; that it was acknowledged, `_unacknowledged` says, too"
    ),
    **dict.fromkeys(
        (
            (
                "session._connection",
                f"without `{operand}`",
                "if self.version != MQTTv5 and packet.properties:",
            )
            for operand in ("self.version != MQTTv5", "packet.properties")
        ),
        "it saves a call, which would return the packet itself",
    ),
    **dict.fromkeys(
        ((module, "deleted", "raise MemoryError from None") for module in ("_codec_py", "_batch_py")),
        "only a Python of 32 bits has more memory than bytes can hold, and test_memory looks at that there",
    ),
}
"""Mutants that behave like the codec: the reason, by module, kind and text of the line."""


class Mutant(NamedTuple):
    module: str
    kind: str
    line: int
    text: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line}: {self.kind}: {self.text}"


# --- Making mutants.


def changes_state(node: ast.AST) -> bool:
    """Whether a line calls a function or changes an object. A docstring does not."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.Assign):
        return not all(isinstance(target, ast.Name | ast.Tuple) for target in node.targets)
    return isinstance(node, ast.Raise | ast.AugAssign | ast.Delete | ast.Break)


def is_enforcing(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.Return) and node.value is not None:
        return any(isinstance(part, ast.Name) and part.id == "_errors" for part in ast.walk(node.value))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        return getattr(function, "attr", getattr(function, "id", None)) in CHECKS
    return False


def mutants(module: str) -> Iterator[Mutant]:
    source = (SOURCES / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    tree = ast.parse(source)
    has_state = module.startswith("session.")
    for node in ast.walk(tree):
        replacements: list[tuple[str, ast.expr | ast.stmt, str]] = []
        if is_enforcing(node) or (has_state and changes_state(node)):
            assert isinstance(node, ast.stmt)
            replacements.append(("deleted", node, "return None" if isinstance(node, ast.Return) else "pass"))
        elif isinstance(node, ast.If | ast.While) and (has_state or any(map(is_enforcing, ast.walk(node)))):
            test = node.test
            replacements.append(("negated", test, f"(not ({ast.unparse(test)}))"))
            if isinstance(test, ast.BoolOp):
                word = " and " if isinstance(test.op, ast.And) else " or "
                for dropped in test.values:
                    rest = word.join(f"({ast.unparse(value)})" for value in test.values if value is not dropped)
                    replacements.append((f"without `{ast.unparse(dropped)}`", test, f"({rest})"))
        for kind, place, text in replacements:
            yield Mutant(module, kind, place.lineno, lines[place.lineno - 1].strip(), replaced(source, place, text))


def replaced(source: str, node: ast.expr | ast.stmt, text: str) -> str:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    lines = source.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + text.encode() + after).decode()


# --- Running mutants, each in a separate process.


class Loader:
    """Imports the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != f"mqttcodec.{self.mutant.module}":
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        exec(compile(self.mutant.source, f"{self.mutant.module}.py", "exec"), vars(module))


def noticed(mutant: Mutant) -> str:
    """The tests that detect a mutant: "vectors", "suite", or "" for none."""
    for stage in ("suite",) if mutant.module in WITHOUT_VECTORS else ("vectors", "suite"):
        process = os.fork()
        if process == 0:
            signal.alarm(SECONDS)
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
            sys.meta_path.insert(0, Loader(mutant))
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                try:
                    holds = vectors_hold() if stage == "vectors" else suite_holds(SUITES.get(mutant.module, SUITE))
                except BaseException:
                    holds = False
            os._exit(0 if holds else 1)
        _, status = os.waitpid(process, 0)
        if status != 0:
            return stage
    return ""


def vectors_hold() -> bool:
    import implementations
    import vectors

    tests = SimpleNamespace(**runpy.run_path(str(TESTS / "rules" / "test_vectors.py")))
    chunking = SimpleNamespace(**runpy.run_path(str(TESTS / "streams" / "test_chunking.py")))
    (mqtt,) = implementations.ALL
    for check, chosen in (
        (tests.test_refused, vectors.ERRORS),
        (tests.test_unwritable, vectors.UNWRITABLE),
        (tests.test_in_a_stream, vectors.STREAMS),
        (tests.test_decoded, vectors.OK),
        (tests.test_encoded, vectors.OK),
        (tests.test_incomplete, vectors.INCOMPLETE),
        (tests.test_cut_short_is_incomplete, vectors.OK),
        (tests.test_with_bytes_behind, vectors.OK),
        (tests.test_from_any_buffer, vectors.OK),
    ):
        for vector in chosen:
            check(mqtt, vector)
    for give in (chunking.feed, chunking.receive):
        chunking.test_split_in_two(mqtt, give)
        chunking.test_broken_off_and_resumed(mqtt, give)
    return True


def suite_holds(suite: tuple[str, ...]) -> bool:
    arguments = ["-x", "-q", "-p", "no:cacheprovider"]
    return pytest.main([*arguments, *(str(TESTS / f"{name}.py") for name in suite)]) == 0


def main() -> int:
    os.environ["MQTTCODEC_EXTENSIONS"] = "off"
    unchanged = Mutant("_codec_py", "unchanged", 1, "", (SOURCES / "_codec_py.py").read_text(encoding="utf-8"))
    if noticed(unchanged):
        print("the tests fail without a change")
        return 1
    everything = [mutant for module in MODULES for mutant in mutants(module)]
    with Pool() as pool:
        results = pool.map(noticed, everything, chunksize=4)
    counts: Counter[tuple[str, str]] = Counter()
    unexplained = []
    for mutant, result in zip(everything, results, strict=True):
        counts[mutant.kind.split(" ")[0], result] += 1
        if not result and (mutant.module, mutant.kind, mutant.text) not in ALIKE:
            unexplained.append(mutant)
            print("nothing notices", mutant)
        if result == "suite" and "-v" in sys.argv:
            print("only the suite notices", mutant)
    for kind in ("deleted", "negated", "without"):
        row = [counts[kind, result] for result in ("vectors", "suite", "")]
        print(f"{kind}: {sum(row)}, noticed by the vectors {row[0]}, by the suite {row[1]}, by nothing {row[2]}")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
