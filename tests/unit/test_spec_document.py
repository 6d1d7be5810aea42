"""Reading YAML 1.2: values, places and faults."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from sr_core.errors import SpecError
from sr_core.spec.document import Document


def faults_of(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        Document.from_text(text, "spec.yaml")
    return [str(fault) for fault in caught.value.faults]


def test_on_and_no_are_words_and_1e_3_is_a_number() -> None:
    text = "on: no\noff: yes\nrate: 1e-3\nhex: 0x1F\nnothing: null\ndate: 2024-01-01\nflag: true\n"
    assert Document.from_text(text, "spec.yaml").data == {
        "on": "no",
        "off": "yes",
        "rate": 0.001,
        "hex": 31,
        "nothing": None,
        "date": "2024-01-01",
        "flag": True,
    }


def test_anchors_and_merge_keys_work() -> None:
    text = "base: &base {a: 1, b: 2}\nmine: {<<: *base, b: 3}\n"
    assert Document.from_text(text, "spec.yaml").data["mine"] == {"a": 1, "b": 3}


def test_each_duplicate_key_is_a_fault_with_its_place() -> None:
    assert faults_of("a: 1\nb: {c: 1, c: 2}\na: 3\n") == [
        "spec.yaml:2:11: b.c: the key 'c' stands twice here (first on line 2)",
        "spec.yaml:3:1: a: the key 'a' stands twice here (first on line 1)",
    ]


@pytest.mark.parametrize(
    ("text", "place", "complaint"),
    [
        ("a:\n\t- 1\n", "spec.yaml:2:1", "a tab; YAML is indented with spaces"),
        ("a: [1, 2\nb: 3\n", "spec.yaml:2:2", "flow sequence"),
        ("a: 'open\n", "spec.yaml:2:1", "quoted scalar"),
        ("a: 1\n---\nb: 2\n", "spec.yaml:2:1", "another document"),
        ("a: *nowhere\n", "spec.yaml:1:4", "nowhere"),
        ("a: !!python/object/apply:os.system [ls]\n", "spec.yaml:1:4", "tag"),
        ("? [a]\n: 1\n", "spec.yaml:1:3", "a key must be a plain text"),
        ("a: &a [*a]\n", "spec.yaml:1:4", "refers to the value it is part of"),
        ("a: \x01\n", "spec.yaml", "special characters"),
    ],
)
def test_what_is_not_plain_yaml_is_a_fault_with_its_place(text: str, place: str, complaint: str) -> None:
    (fault,) = faults_of(text)
    assert fault.startswith(f"{place}:")
    assert complaint in fault


def test_tags_never_run_code(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    faults_of(f"a: !!python/object/apply:os.mkdir ['{witness}']\n")
    assert not witness.exists()


def test_an_alias_bomb_is_a_fault_and_no_hang() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "repeated without end" in faults_of("\n".join(lines))[0]


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "no such file"), (b"\xff\xfe\xff", "cannot be read as UTF-8 text")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    path = tmp_path / "規格.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecError, match=complaint) as caught:
        Document.from_file(path)
    assert str(path) in str(caught.value)


def test_a_folder_given_as_spec_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is a folder"):
        Document.from_file(tmp_path)


def test_set_replaces_adds_and_appends() -> None:
    document = Document.from_text("a: {b: [1, 2]}\n", "spec.yaml")
    for where, value in (("a.b.1", "[x]"), ("a.c.d", "1e-3"), ("list.0", "first")):
        document.set(where, value)
    assert document.data == {"a": {"b": [1, ["x"]], "c": {"d": 0.001}}, "list": ["first"]}
    assert str(document.fault(("a", "b", 1), "wrong")) == "--set a.b.1: a.b[1]: wrong"


def test_set_takes_places_in_lists_as_faults_spell_them() -> None:
    document = Document.from_text("train: [{steps: 1}, {steps: 2}]\n", "spec.yaml")
    document.set("train[1].steps", "5")
    assert document.data == {"train": [{"steps": 1}, {"steps": 5}]}
    with pytest.raises(SpecError, match="no place 'steps'; this is a list, its items are 0 to 1"):
        document.set("train.steps", "5")


@pytest.mark.parametrize("where", ["a.b.7", "a.b.x", "a.b.0.deeper"])
def test_set_through_a_place_that_is_not_there_is_a_fault(where: str) -> None:
    document = Document.from_text("a: {b: [1, 2]}\n", "spec.yaml")
    with pytest.raises(SpecError, match="there is no place"):
        document.set(where, "1")


# What YAML calls printable; control characters must be escaped there in ways that JSON does not share.
words = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\ufeff"), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
documents = st.dictionaries(
    words,
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4)),
    max_size=5,
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(documents)
def test_whatever_json_holds_is_read_as_it_is(data: dict[str, object]) -> None:
    text = json.dumps(data, ensure_ascii=False)
    assert Document.from_text(text, "spec.yaml").data == json.loads(text)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.lists(scalars, max_size=4), min_size=1))
def test_every_value_has_the_place_that_an_independent_reader_gives_it(data: dict[str, list[object]]) -> None:
    text = StringIO()
    YAML().dump(json.loads(json.dumps(data)), text)
    independent = YAML().load(text.getvalue())
    document = Document.from_text(text.getvalue(), "spec.yaml")
    for key, items in data.items():
        for index in range(len(items)):
            fault = document.fault((key, index), "here")
            assert fault.line is not None
            line, column = independent[key].lc.item(index)
            assert (fault.line, fault.column) == (line + 1, column + 1)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(max_size=60))
def test_any_text_is_either_read_or_refused_with_faults(text: str) -> None:
    try:
        Document.from_text(text, "spec.yaml")
    except SpecError as error:
        assert error.faults
