"""The compiled and the plain codec have the same functions in the same order. APART lists and explains exceptions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mqttcodec

PACKAGE = Path(mqttcodec.__file__).parent
if not (PACKAGE / "_codec_c.pyx").is_file():
    pytest.skip("needs the project's source tree", allow_module_level=True)

MODULES = (
    *("_arguments", "_text", "_reader", "_writer", "_decode_properties", "_decode"),
    *("_encode_properties", "_encode", "_stream", "_batch", "_codec", "_topics"),
)
DEFINITION = re.compile(r"^( *)(?:cdef inline|cdef|def) (?!class|struct|enum|extern)[^(\n=#]*?\b(\w+)\(", re.MULTILINE)
# In the compiled codec, functions that write a value are not methods: `put_string` is `Writer.string`.
PREFIX = "put_"

APART = {
    "fills C arrays from the tables": "fill_property_tables fill_tables fill_first_bytes",
    "the rare part of a function that is inline": (
        "large_integer long_variable_integer read_long_length insert_long_length kept_view decoded_text check_filter "
        "grow_for_field refuse_identifier refuse_size refuse_surrogate refuse_type without_properties refuse_rest "
        "feed_any view any_text"
    ),
    "structs and memory": (
        "is_byte_format open_cursor keep_views_of open_writer drop_payload close_writer reserve grow byte bytes "
        "insert_length prefix open_packet view_to_keep field_of set_field append_to_field longer close_field cinit "
        "dealloc data fit resize clear size_to_lend size_written publish_properties share_between_threads split"
    ),
    "scans text, for which Python has methods": (
        "copy_text classify_words character_at next_wildcard text_of new_text text pair"
    ),
    "strings of earlier packets are kept": "recurring_text",
    "looks up what only an error needs": "faults name_of",
    "conversions are written once": "exact_text exact_items",
    "a property list is read in steps": "open_properties next_property close_properties number property",
    "a packet is written into the caller's memory": "write_packet checked_flags encode_any",
    "a packet is written into parts, which are joined": "encode_head with_header release joined",
    "the decoder in steps, for `decode_from` and iteration": (
        "find_head check_first_byte accept packet_or_error reraise next_or_null publish_head_size record_pending_error "
        "drop_packet keep_packet"
    ),
    "the encoder undoes what a call has written": "put packet acks set_version rewind undo parts",
    "the decoder's calls of `decode_body`": "decode incomplete",
    "the usual packet, without a cursor or a writer": (
        "write_any version_number fast_publish fast_publish_size append_fast_publish fast_acknowledgement "
        "fast_subscribe fast_start fast_suback fast_properties fast_disconnect_or_auth"
    ),
    "releases views, for Pythons without reference counts": "copied",
    "what classes are made of in Python": "init reduce rows new",
    "topics: the tree is one of C structs": (
        "exact exact_name exact_filter utf8 is_shared has_wildcard is_match open_levels close_levels read_level "
        "more_levels path_hash child_of "
        "child_added set_slot clear_slot leave_ring fell collect_filters collect_topics is_level sibling sibling_share "
        "matched_by_wildcard key_fits resize_keyed collect_node add_found"
    ),
    "topics: nothing runs Python code during a change, so that none is undone": "enter leave shrink begin entries",
    "topics: results for recent topics are kept": "has_come keep changed",
    "topics: the methods of a mapping that the plain class inherits": "update eq about",
}
NAMES_APART = {name for names in APART.values() for name in names.split()}


def functions(path: Path) -> dict[str, list[str]]:
    """The names of top-level functions and of methods, in order."""
    found: dict[str, list[str]] = {"": [], "    ": []}
    for indentation, name in DEFINITION.findall(path.read_text(encoding="utf-8")):
        found["    " if indentation else ""].append(name.removeprefix(PREFIX).strip("_"))
    return found


def of_twins(module: str) -> tuple[list[str], dict[str, list[str]]]:
    """The functions of the compiled module, starting with those of its `.pyx`, and those of the plain one."""
    compiled: list[str] = []
    for suffix in (".pxd", ".pyx"):
        path = PACKAGE / f"{module}_c{suffix}"
        if path.is_file():
            compiled = [name for names in functions(path).values() for name in names] + compiled
    return compiled, functions(PACKAGE / f"{module}_py.py")


@pytest.mark.parametrize("module", MODULES)
def test_the_same_functions(module: str) -> None:
    compiled, plain = of_twins(module)
    alone = set(compiled) ^ {name for names in plain.values() for name in names}
    assert alone <= NAMES_APART


@pytest.mark.parametrize("module", MODULES)
def test_the_same_order(module: str) -> None:
    compiled, plain = of_twins(module)
    for names in plain.values():
        shared = [name for name in dict.fromkeys(names) if name in compiled and name not in NAMES_APART]
        # Another class in the file may have a method of the same name before it, so a subsequence is enough.
        rest = iter(compiled)
        assert all(name in rest for name in shared)


def test_no_exception_is_stale() -> None:
    known: set[str] = set()
    for module in MODULES:
        compiled, plain = of_twins(module)
        known.update(compiled, *plain.values())
    assert known >= NAMES_APART
