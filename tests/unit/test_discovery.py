"""Finding plugins: what a stranger installs cannot break anything but itself."""

from __future__ import annotations

import pytest

from sr_core.discovery import discover
from sr_core.errors import PluginError, UnknownComponentError
from tests.conftest import Install

GOOD = """
    from sr_core import Upsampler, hookimpl, resize, sr_size

    @hookimpl
    def srkit_register(registry):
        registry.upsampler("{name}", "{module}:Mine", summary="a stranger's method")

    class Mine(Upsampler):
        def __call__(self, image, scale):
            return resize(image, scale, sr_size(image.shape[-2:], scale))
"""


def good(module: str, name: str) -> str:
    return GOOD.replace("{name}", name).replace("{module}", module)


FAULTY = {
    "import-error": ("import_error", "import not_there_at_all", "No module named 'not_there_at_all'"),
    "syntax-error": ("syntax_error", "def (:", "SyntaxError"),
    "system-exit": ("system_exit", "raise SystemExit(3)", "SystemExit: 3"),
    "raising-hook": (
        "raising_hook",
        """
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            raise RuntimeError("not today")
        """,
        "srkit_register: RuntimeError: not today",
    ),
    "misspelt-hook": (
        "misspelt_hook",
        """
        from sr_core import hookimpl

        @hookimpl
        def srkit_regster(registry):
            pass
        """,
        "unknown hook 'srkit_regster'",
    ),
    "unmarked-hook": ("unmarked_hook", "def srkit_register(registry): pass", "answers no hook"),
    "wrong-hook-arguments": (
        "wrong_hook_arguments",
        """
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry, colour):
            pass
        """,
        "colour",
    ),
    "wrong-arguments": (
        "wrong_arguments",
        """
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.upsampler("half")
        """,
        "TypeError",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_plugin_is_named_with_its_version_and_reason_and_the_rest_works(name: str, install: Install) -> None:
    module, code, reason = FAULTY[name]
    install(name, module, code)
    install("good-one", "good_one", good("good_one", "works"))
    found = discover()
    (failure,) = found.failures
    assert (failure.distribution.name, failure.distribution.version) == (name, "1.0")
    assert reason in failure.reason
    assert found.registry.get("upsampler", "works").load()
    assert found.registry.get("upsampler", "bicubic")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\x00junk", "UnicodeDecodeError"),
        (b"no section header here", "MissingSectionHeaderError"),
        (b"[srkit.plugins]\na = m\n[srkit.plugins]\nb = n\n", "DuplicateSectionError"),
        (b"[srkit.plugins]\na = 100%\n", "Interpolation"),
        (b"[srkit.plugins]\nbroken = not a module!\n", "malformed entry point: broken = not a module!"),
    ],
)
def test_an_unreadable_entry_points_file_of_any_distribution_is_named(
    content: bytes, reason: str, install: Install
) -> None:
    install("bad-file", entry_points=content)
    install("good-one", "good_one", good("good_one", "works"))
    found = discover()
    (failure,) = found.failures
    assert failure.distribution.name == "bad-file"
    assert reason in failure.reason
    assert found.registry.has("upsampler", "works")


def test_an_entry_points_file_that_cannot_be_opened_is_named(install: Install) -> None:
    site = install("closed-file", entry_points="")
    (site / "closed-file-1.0.dist-info" / "entry_points.txt").unlink()
    (site / "closed-file-1.0.dist-info" / "entry_points.txt").mkdir()
    (failure,) = discover().failures
    assert failure.distribution.name == "closed-file"
    assert "IsADirectoryError" in failure.reason


def test_one_malformed_line_does_not_lose_the_other_plugins_of_that_file(install: Install) -> None:
    code = good("good_one", "works")
    install("two-lines", "good_one", code, entry_points="[srkit.plugins]\nbad = ???\ngood = good_one\n")
    found = discover()
    assert found.registry.has("upsampler", "works")
    assert [failure.distribution.name for failure in found.failures] == ["two-lines"]


def test_a_missing_target_is_found_only_when_used(install: Install) -> None:
    code = """
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.upsampler("ghost", "nowhere_to_be_found.mine:Mine", summary="promised")
            registry.upsampler("half-ghost", "missing_target:Absent", summary="promised")
    """
    install("missing-target", "missing_target", code)
    found = discover()
    assert not found.failures
    ghost, half_ghost = (found.registry.get("upsampler", name) for name in ("ghost", "half-ghost"))
    assert not ghost.module_found()
    assert half_ghost.module_found()
    with pytest.raises(PluginError, match="missing-target 1.0: cannot import nowhere_to_be_found"):
        ghost.load()
    with pytest.raises(PluginError, match="Absent"):
        half_ghost.load()


def test_a_class_that_does_not_derive_from_the_contract_is_refused_with_the_mend(install: Install) -> None:
    code = """
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.upsampler("loose", "loose_class:Loose", summary="derives from nothing")

        class Loose:
            pass
    """
    install("loose-class", "loose_class", code)
    with pytest.raises(PluginError, match="derive it from sr_core's upsampler class"):
        discover().registry.get("upsampler", "loose").load()


def test_disabled_plugins_are_not_even_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("never-imported", "never_imported", "raise RuntimeError('imported')")
    for name in ("never-imported", "never_imported", "other, never_imported"):
        monkeypatch.setenv("SRKIT_DISABLE_PLUGINS", name)
        assert not discover().failures


def test_strict_mode_makes_a_failure_fatal_for_authors(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("import-error", "import_error", "import not_there_at_all")
    monkeypatch.setenv("SRKIT_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="import-error 1.0"):
        discover()


def test_the_same_distribution_twice_on_the_path_counts_once(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    site = install("good-one", "good_one", good("good_one", "works"))
    monkeypatch.syspath_prepend(f"{site}/.")
    found = discover()
    assert not found.failures
    assert len([c for c in found.registry.all("upsampler") if c.name == "works"]) == 1


def test_two_strangers_with_one_name_do_not_fail_anything_but_that_name(install: Install) -> None:
    install("first-stranger", "first_stranger", good("first_stranger", "magic"))
    install("second-stranger", "second_stranger", good("second_stranger", "magic"))
    registry = discover().registry
    with pytest.raises(UnknownComponentError, match=r"first-stranger:magic.*second-stranger:magic"):
        registry.get("upsampler", "magic")
    assert registry.get("upsampler", "second-stranger:magic").distribution.name == "second-stranger"
