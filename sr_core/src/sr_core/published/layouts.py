"""Where the network's tensors are in a file of PyTorch: under a key, in a module, behind words that wrapped it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from torch import Tensor

from sr_core.errors import SrkitError
from sr_core.published.pickled import Global, Made
from sr_core.published.tensors import is_tensor

_HOLDERS = (
    *("params_ema", "params", "state_dict", "model_state_dict", "model", "module"),
    *("net", "network", "netG", "generator", "weights"),
)
"""Keys under which training programs keep the network, the best first: a moving average is what they publish."""
_DEEPEST = 10
_MOST_IN_MODULES = 100_000
"""Parameters, buffers and modules; the largest networks of the field have some thousands."""
LONGEST_NAME = 1000
"""Of a tensor; names in networks have a few dozen signs."""
_WRAPPING_WORDS = ("model", "net", "network", "netG", "generator")


class Found(NamedTuple):
    """The tensors of a file.

    Attributes:
        tensors: name → what the pickle says of it.
        chosen: the keys on the way to them, joined by dots; empty where there were none.
        others: keys beside that hold tensors too.
    """

    tensors: Mapping[str, object]
    chosen: str = ""
    others: tuple[str, ...] = ()


def find_tensors(content: object) -> Found:
    """The network's tensors in what `torch.save` was given.

    Raises:
        SrkitError: there are none, or several sets of which none is known to be the network's.
    """
    search = _Search()
    if (found := search.among(content, _DEEPEST)) is not None:
        return found
    if search.rivals:
        shown = ", ".join(map(ascii, search.rivals))
        raise SrkitError(f"holds several sets of tensors ({shown:.200}); save the network's own with torch.save")
    raise SrkitError(f"holds no tensors of a network: {_described(content)}")


class _Search:
    """One search; what was looked at is not looked at again, since things in a pickle may hold each other.

    Attributes:
        rivals: keys of several sets of tensors, of which none is known to be the network's.
    """

    def __init__(self) -> None:
        self.rivals: list[str] = []
        self._known: dict[int, Found | None] = {}
        self._seen = 0

    def among(self, value: object, depth: int) -> Found | None:
        """What is found in `value`, `depth` levels deep at most."""
        if id(value) not in self._known:
            self._known[id(value)] = None  # for those who hold themselves
            self._known[id(value)] = self._looked_for(value, depth)
        return self._known[id(value)]

    def _looked_for(self, value: object, depth: int) -> Found | None:
        if (module := _as_module(value)) is not None:
            tensors = dict(self._tensors_of(module))
            return Found(tensors) if tensors else None
        items = _items(value) if depth else {}
        held = {
            key: found
            for key, inner in items.items()
            if not key.startswith("optim") and (found := self.among(inner, depth - 1)) is not None
        }
        key = next((key for key in _HOLDERS if key in held), None)
        if key is None and (tensors := {name: inner for name, inner in items.items() if is_tensor(inner)}):
            return Found(tensors)
        if key is None and len(held) > 1:
            self.rivals = list(held)
        elif key is not None or held:
            key = key or next(iter(held))
            inside = held.pop(key)
            return Found(inside.tensors, ".".join(filter(None, (key, inside.chosen))), (*held, *inside.others))
        return None

    def _tensors_of(self, module: Mapping[str, object]) -> Iterator[tuple[str, object]]:
        """What its `state_dict` would have, in that order."""
        waiting = [("", module)]
        while waiting:
            prefix, state = waiting.pop()
            own = _items(state.get("_parameters")), _items(state.get("_buffers"))
            modules, unsaved = _items(state.get("_modules")), _elements(state.get("_non_persistent_buffers_set"))
            self._seen += 1 + sum(map(len, (*own, modules, unsaved)))
            if self._seen > _MOST_IN_MODULES or len(prefix) + _longest(*own, modules) > LONGEST_NAME:
                raise SrkitError("holds a module with more in it than srkit reads; save its state_dict with torch.save")
            kept_out = {text for text in unsaved if isinstance(text, str)}
            for items in own:
                for name, value in items.items():
                    if is_tensor(value) and name not in kept_out:
                        yield prefix + name, value
            inner = [(name, inside) for name, value in modules.items() if (inside := _as_module(value)) is not None]
            waiting += [(f"{prefix}{name}.", inside) for name, inside in reversed(inner)]


def _items(value: object) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    return value.items if isinstance(value, Made) else {}


def _as_module(value: object) -> Mapping[str, object] | None:
    """The state of a module that was saved whole."""
    if isinstance(value, Made) and isinstance(value.state, dict) and {"_parameters", "_modules"} <= value.state.keys():
        return value.state
    return None


def _elements(collection: object) -> Sequence[object]:
    """What is in a set, the same thing perhaps several times."""
    if isinstance(collection, Made) and collection.arguments:
        collection = collection.arguments[0]
    return collection if isinstance(collection, list) else ()


def _longest(*names: Iterable[str]) -> int:
    """The length of the longest name."""
    return max(map(len, chain(*names)), default=0)


def _described(content: object) -> str:
    if isinstance(content, Made) and isinstance(content.maker, Global):
        return f"it would be made by calling {content.maker}, which was not done; save its state_dict with torch.save"
    items = _items(content)
    return f"its keys are {', '.join(map(ascii, items)):.200}" if items else "it is neither a module nor a dictionary"


def plain_names(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors without what wrappers put into their names; as they are where that would make two the same.

    `DataParallel` adds `module.` wherever it stands; training programs put `model.`, `net.` or `generator.` before all.
    """
    names = {name: ".".join(part for part in name.split(".") if part != "module") for name in tensors}
    for word in _WRAPPING_WORDS:
        if all(plain.startswith(f"{word}.") for plain in names.values()):
            names = {name: plain.removeprefix(f"{word}.") for name, plain in names.items()}
    if not all(names.values()) or len(set(names.values())) < len(names):
        return tensors
    return {names[name]: tensor for name, tensor in tensors.items()}
