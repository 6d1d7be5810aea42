"""`srkit list-plugins`, `srkit show`, `srkit schema`, `--help`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from click.testing import Result
from ruamel.yaml import YAML

from tests.conftest import Install
from tests.unit.test_discovery import FAULTY, good

Srkit = Callable[..., Result]


def test_the_listing_shows_distributions_versions_summaries_and_references(srkit: Srkit) -> None:
    text = srkit("list-plugins").output
    assert "srkit-interp 0.1.0" in text
    assert "bicubic   cubic pieces: the field's baseline [Keys, IEEE Trans. ASSP 1981" in text
    assert "degradation" in text


def test_one_kind_alone_can_be_listed(srkit: Srkit) -> None:
    text = srkit("list-plugins", "--kind", "metric").output
    assert "ssim" in text
    assert "srkit-interp" not in text


def test_the_listing_as_json_holds_the_same(srkit: Srkit) -> None:
    listed = json.loads(srkit("list-plugins", "--json").output)
    (interp,) = (d for d in listed["distributions"] if d["name"] == "srkit-interp")
    (bicubic,) = (c for c in interp["components"] if c["name"] == "bicubic")
    assert bicubic["kind"] == "upsampler"
    assert bicubic["facts"] == {"year": 1981}
    assert bicubic["problems"] == []
    assert listed["failures"] == []


@pytest.mark.parametrize("arguments", [["list-plugins"], ["list-plugins", "--json"], ["--help"], ["run", "--help"]])
def test_listing_and_help_never_load_torch(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom sr_core.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_listing_and_spec_errors_work_where_torch_is_broken(install: Install, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    folder = tmp_path_factory.mktemp("broken")
    (folder / "torch.py").write_text("raise ImportError('libcuda is missing')", encoding="utf-8")
    (folder / "spec.yaml").write_text("name: a\nscale: 2\nevaluate: {on: samples, candidates: [bicubik]}", "utf-8")
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sr_core.cli import main; main()"

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert call("list-plugins").returncode == 0
    assert "did you mean 'bicubic'" in call("check", str(folder / "spec.yaml")).stderr
    (folder / "spec.yaml").write_text("name: a\nscale: 2\nevaluate: {on: samples, candidates: [bicubic]}", "utf-8")
    broken = call("check", str(folder / "spec.yaml"))
    assert broken.returncode == 2
    assert "libcuda is missing" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_show_prints_parameters_documentation_and_the_paper(srkit: Srkit) -> None:
    text = srkit("show", "upsampler", "bicubic").output
    assert "Keys, IEEE Trans. ASSP 1981" in text
    assert "rounding: 'none' | 'once' | 'each_pass' — default 'none'" in text
    assert "a = −0.5" in text
    assert "order: int, ≥ 0, ≤ 5 — default 3" in srkit("show", "upsampler", "spline").output
    assert "It takes no parameters" in srkit("show", "metric", "psnr").output


def test_show_of_an_unknown_name_proposes_the_nearest(srkit: Srkit) -> None:
    done = srkit("show", "upsampler", "bicubik")
    assert done.exit_code == 2
    assert "did you mean 'bicubic'" in done.output


@pytest.fixture
def strangers(install: Install) -> None:
    """Ten faulty strangers beside the project, and a good one."""
    for name in ("import-error", "syntax-error", "system-exit", "raising-hook", "misspelt-hook", "wrong-arguments"):
        module, code, _ = FAULTY[name]
        install(name, module, code)
    ghost = """
        from sr_core import hookimpl

        @hookimpl
        def srkit_register(registry):
            registry.upsampler("ghost", "nowhere_to_be_found.mine:Mine", summary="promised")
            registry.upsampler("half-ghost", "missing_target:Absent", summary="promised")
    """
    install("missing-target", "missing_target", ghost)
    install("clashing-name", "clashing_name", good("clashing_name", "bicubic"))
    install("malformed-entry-point", entry_points="[srkit.plugins]\nbroken = not a module!\n")
    install("unreadable-file", entry_points=b"\xff\xfe\x00junk")
    install("good-stranger", "good_stranger", good("good_stranger", "works"))


LEFT_OUT = (
    *("import-error 1.0", "syntax-error 1.0", "system-exit 1.0", "raising-hook 1.0", "misspelt-hook 1.0"),
    *("wrong-arguments 1.0", "malformed-entry-point 1.0", "unreadable-file 1.0"),
)


@pytest.mark.usefixtures("strangers")
def test_each_of_ten_faulty_strangers_is_named(srkit: Srkit) -> None:
    done = srkit("list-plugins")
    assert done.exit_code == 0
    for stranger in LEFT_OUT:
        assert f"  {stranger}: " in done.output
    assert "! the name is srkit-interp 0.1.0's; write 'clashing-name:bicubic'" in done.output
    assert "! module nowhere_to_be_found.mine not found" in done.output
    checked = srkit("list-plugins", "--check")
    assert "cannot import missing_target:Absent" in checked.output
    assert len(json.loads(srkit("list-plugins", "--json").output)["failures"]) == len(LEFT_OUT)


@pytest.mark.usefixtures("strangers")
def test_every_command_works_beside_ten_faulty_strangers(srkit: Srkit, photographs, tmp_path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"name: a\nscale: 2\nevaluate: {{on: '{photographs}', candidates: [bicubic, works]}}", "utf-8")
    commands = (
        ["--help"],
        ["--version"],
        ["list-plugins", "--check"],
        ["show", "upsampler", "bicubic"],
        ["schema"],
        ["check", spec],
        ["run", spec, "--output", tmp_path / "run"],
        ["upscale", photographs / "alpha.png", "-o", tmp_path / "large.png", "--scale", "2"],
    )
    for command in commands:
        done = srkit(*command)
        assert done.exit_code == 0, (command, done.output)
    assert (tmp_path / "run" / "results.json").exists()
    assert "clashing-name:bicubic" in srkit("check", spec).output


@pytest.mark.usefixtures("strangers")
def test_a_spec_that_uses_a_broken_stranger_is_told_who_broke_it(srkit: Srkit, tmp_path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: a\nscale: 2\nevaluate: {on: 'samples:test', candidates: [ghost]}", "utf-8")
    done = srkit("check", spec)
    assert done.exit_code == 2
    assert "missing-target 1.0: cannot import nowhere_to_be_found.mine:Mine" in done.output


def test_a_plugin_may_bring_commands(install: Install, srkit: Srkit) -> None:
    code = """
        import click
        from sr_core import hookimpl

        @hookimpl
        def srkit_commands():
            return [click.Command("greet", callback=lambda: click.echo("hello"), help="Say hello.")]
    """
    install("greeter", "greeter", code)
    assert "Say hello." in srkit("--help").output
    assert srkit("greet").output == "hello\n"


def test_a_plugin_whose_commands_fail_is_named_and_the_rest_works(install: Install, srkit: Srkit) -> None:
    code = """
        from sr_core import hookimpl

        @hookimpl
        def srkit_commands():
            raise RuntimeError("not today")
    """
    install("mute", "mute", code)
    done = srkit("--help")
    assert done.exit_code == 0
    assert "mute 1.0: its commands are left out: RuntimeError: not today" in done.output


@pytest.fixture(scope="module")
def schema() -> dict[str, object]:
    program = "from sr_core.cli import main; main(['schema'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded: dict[str, object] = json.loads(done.stdout)
    return loaded


EVALUATE = {"on": ["samples"], "candidates": ["bicubic"]}


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"candidates": [{"name": "spline", "order": 3}]}, True),
        ({"candidates": [{"name": "x", "upsampler": {"name": "bicubic", "rounding": "each_pass"}}]}, True),
        ({"candidates": [{"name": "theirs", "pictures": "out"}]}, True),
        ({"protocol": "classic"}, True),
        ({"protocol": {"base": "classic", "crop": 4}}, True),
        ({"on": {"name": "x", "hr": "y", "lr": "z"}}, True),
        ({"candidates": [{"name": "spline", "order": 9}]}, False),
        ({"candidates": ["bicubik"]}, False),
        ({"metrics": ["pnsr"]}, False),
        ({"protocol": "clasic"}, False),
        ({"candidates": []}, False),
        ({"unknown": 1}, False),
    ],
)
def test_the_schema_tells_good_specs_from_bad_ones(
    schema: dict[str, object], changes: dict[str, object], good: bool
) -> None:
    spec = {"name": "a", "scale": 2, "evaluate": {**EVALUATE, **changes}}
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    assert validator.is_valid(spec) is good


def test_every_ready_spec_is_good_by_the_schema(schema: dict[str, object]) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted((Path(__file__).parents[2] / "specs").rglob("*.yaml"))
    assert files
    faults = {path.name: [error.message for error in validator.iter_errors(_plain(path))] for path in files}
    assert {name: found for name, found in faults.items() if found} == {}


def _plain(path: Path) -> object:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
