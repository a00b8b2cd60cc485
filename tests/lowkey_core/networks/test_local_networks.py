"""A user's own TorchScript, ONNX or Python file: opened on its card's word, held to it."""

from __future__ import annotations

import copy
import hashlib
import io
import py_compile
import subprocess
import sys
import warnings
from importlib.util import cache_from_source
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Generator, Tensor, nn

from adversaries import ThreatModel
from adversaries.adaptive import Adaptive
from adversaries.parts.training import Recipe
from lowkey_core import recognisers
from lowkey_core.errors import LocalNetworkError, OptionError, TamperedWeightsError
from lowkey_core.matchers import MATCHERS
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.networks.local import names_other_files
from lowkey_core.types import Pictures
from lowkey_core.weights import card_of, sidecar
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.work import Work

CARD = """
name = "mine"
sha256 = "{sha256}"
released = 2024-05-01
licence = "my own"
source = "trained here"
trained_on = "pictures of my own"
lineage = ["mine-run-1"]
"""
INPUT = """
[input]
size = {size}
mean = [0.1, 0.2, 0.3]
std = [0.4, 0.5, 0.6]
channels = "{channels}"
"""


PYTHON = b"""
import torch
def build(): return lambda images: torch.nn.functional.normalize(images.flatten(1))
"""


class Network(nn.Module):
    """What a user might export; `shift` is a constant in the trace, `scale` an attribute."""

    def __init__(self, size: int = 112, seed: int = 0, *, scale: float = 2.0) -> None:
        super().__init__()
        self.scale, self.side = scale, size // 8
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(3, 4, 8, stride=8)
            self.norm = nn.BatchNorm2d(4)
            self.fc = nn.Linear(4 * self.side * self.side, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.tanh(self.norm(self.conv(x))).flatten(1)) * self.scale


def torchscript(network: nn.Module, size: int = 112, *, how: str = "trace") -> bytes:
    buffer, face = io.BytesIO(), torch.rand(2, 3, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = network.eval()
        made = torch.jit.trace(network, face) if how == "trace" else torch.jit.script(network)
        if how == "freeze":
            made = torch.jit.freeze(made)
        torch.jit.save(made, buffer)
    return buffer.getvalue()


def onnx_file(
    size: int = 112, batch: int | str = "n", *, outputs: int = 1, fill: float = 1
) -> bytes:
    """A linear layer on the channels' means, and nothing that an exporter would add."""
    weight = fill * torch.arange(15.0).view(3, 5)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["face"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["embedding"]),
        ],
        "mine",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [batch, 3, size, size])],
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, None)
            for n in ("embedding", "flat")[:outputs]
        ],
        [numpy_helper.from_array(weight.numpy(), "weight")],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(
        onnx.ModelProto.SerializeToString(
            helper.make_model(graph, opset_imports=opset, ir_version=9)
        )
    )


def save(folder: Path, name: str, content: bytes, *, size: int = 112, channels: str = "rgb") -> str:
    """The file, and its card beside it. Returns what the user types."""
    path = folder / name
    path.write_bytes(content)
    asked = "" if name.endswith(".py") else INPUT.format(size=size, channels=channels)
    card = CARD.format(sha256=hashlib.sha256(content).hexdigest()) + asked
    path.with_suffix(".toml").write_text(card)
    return str(path)


def expected(images: Tensor, size: int, channels: str) -> Tensor:
    """What CARD and INPUT say the network is fed."""
    if size != 112:
        images = F.interpolate(images, (size, size), mode="bilinear", antialias=True)
    if channels == "bgr":
        images = images[:, [2, 1, 0]]
    mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.4, 0.5, 0.6])
    return (images - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


@pytest.mark.parametrize("how", ["trace", "script"])
@pytest.mark.parametrize(("size", "channels"), [(112, "rgb"), (160, "bgr"), (64, "rgb")])
def test_torchscript_is_fed_as_its_card_says(
    how: str, size: int, channels: str, tmp_path: Path, pictures: Pictures
) -> None:
    network = Network(size)
    content = torchscript(network, size, how=how)
    ours = recognisers.load(save(tmp_path, "mine.pt", content, size=size, channels=channels))
    theirs = F.normalize(network(expected(pictures.images, size, channels)))
    assert torch.allclose(ours(pictures.images), theirs, atol=1e-5)
    card = card_of(ours)
    assert (card.name, card.released.year, card.black_box) == ("mine", 2024, False)
    assert card.lineage == {"mine-run-1"}


def test_torchscript_has_gradients_and_no_trainable_weight(
    tmp_path: Path, pictures: Pictures
) -> None:
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network())))
    images = pictures.images[:2].clone().requires_grad_()
    (slope,) = torch.autograd.grad(ours(images)[:, 0].sum(), images)
    assert slope.flatten(1).abs().amax(1).min() > 0
    assert isinstance(ours, nn.Module)
    assert not any(p.requires_grad for p in ours.parameters())


@pytest.mark.parametrize("how", ["trace", "script"])
def test_torchscript_gives_the_same_numbers_however_often_it_is_asked(
    how: str, tmp_path: Path, pictures: Pictures
) -> None:
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network(), how=how)))
    first = ours(pictures.images)
    assert all(torch.equal(ours(pictures.images), first) for _ in range(4))


@pytest.mark.parametrize("how", ["trace", "script"])
def test_torchscript_is_retrained_and_its_teacher_left_alone(
    how: str, tmp_path: Path, pictures: Pictures
) -> None:
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network(), how=how)))
    before, name = ours(pictures.images), fingerprint(ours)

    def cloak(p: Pictures, rng: Generator) -> Tensor:
        return (p.images + 0.1).clamp(0, 1)

    threat = ThreatModel(ours, MATCHERS["nn"], pictures, cloak)
    enrol = Adaptive(Work(), Recipe(epochs=2, batch=4)).prepare(threat, Generator().manual_seed(0))
    student = enrol.embedder.embedder
    assert (student(pictures.images) - before).abs().max() > 1e-3
    assert torch.equal(ours(pictures.images), before)
    assert fingerprint(ours) == name
    assert fingerprint(student) != name


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_torchscripts_fingerprint_names_everything_it_computes_with(tmp_path: Path) -> None:
    names = set()
    for how in ("trace", "script"):
        for network in (Network(), Network(seed=1), Network(scale=3.0)):
            content = torchscript(network, how=how)
            names.add(fingerprint(torch.jit.load(io.BytesIO(content))))
    assert len(names) == 6
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network())))
    assert fingerprint(copy.deepcopy(ours)) == fingerprint(ours)
    tuned = copy.deepcopy(ours)
    with torch.no_grad():
        next(b for n, b in tuned.named_buffers() if n.endswith("running_mean")).add_(1e-3)
    assert fingerprint(tuned) != fingerprint(ours)


def test_a_torchscripts_fingerprint_is_the_same_in_every_process(tmp_path: Path) -> None:
    name = save(tmp_path, "mine.pt", torchscript(Network(), how="script"))
    for _ in range(2):  # classes are numbered as they are loaded
        here = fingerprint(recognisers.load(name))
    code = (
        "import sys; from lowkey_core import recognisers;"
        "from lowkey_core.work.provenance import fingerprint;"
        "import torch; torch.set_num_threads(int(sys.argv[2]));"
        "print(fingerprint(recognisers.load(sys.argv[1])))"
    )
    run = [sys.executable, "-c", code, name, str(torch.get_num_threads())]
    assert subprocess.check_output(run, text=True).strip() == here


@pytest.mark.parametrize("batch", ["n", 1])
def test_onnx_is_a_black_box_fed_as_its_card_says(
    batch: int | str, tmp_path: Path, pictures: Pictures
) -> None:
    name = save(tmp_path, "mine.onnx", onnx_file(160, batch), size=160, channels="bgr")
    ours = recognisers.load(name)
    weight = torch.arange(15.0).view(3, 5)
    theirs = F.normalize(expected(pictures.images, 160, "bgr").mean((2, 3)) @ weight)
    out = ours(pictures.images.clone().requires_grad_())
    assert torch.allclose(out, theirs, atol=1e-4)
    assert not out.requires_grad
    assert card_of(ours).black_box
    assert FlipAveraged(ours).fingerprint == FlipAveraged(recognisers.load(name)).fingerprint
    other = recognisers.load(save(tmp_path, "other.onnx", onnx_file(160, fill=2), size=160))
    assert fingerprint(other) != fingerprint(ours)


def test_onnx_is_not_retrained(tmp_path: Path, pictures: Pictures) -> None:
    ours = recognisers.load(save(tmp_path, "mine.onnx", onnx_file()))
    threat = ThreatModel(ours, MATCHERS["nn"], pictures, lambda p, rng: p.images)
    with pytest.raises(OptionError, match="mine is a black box"):
        Adaptive(Work(), Recipe(1)).prepare(threat, Generator().manual_seed(0))


def test_a_python_file_gets_the_card_beside_it(tmp_path: Path) -> None:
    ours = recognisers.load(save(tmp_path, "mine.py", PYTHON))
    assert card_of(ours).name == "mine"
    (tmp_path / "mine.toml").unlink()
    assert card_of(recognisers.load(str(tmp_path / "mine.py"))).licence == "not stated"


def test_a_changed_python_file_is_not_run(tmp_path: Path) -> None:
    name = save(tmp_path, "mine.py", b"def build(): ...\n")
    Path(name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef build(): ...\n")
    with pytest.raises(TamperedWeightsError):
        recognisers.load(name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("carded", [True, False])
def test_of_a_python_file_nothing_but_its_text_is_run(carded: bool, tmp_path: Path) -> None:
    """Not what lies in __pycache__ under its name, whatever that claims to be made from."""
    name = save(tmp_path, "mine.py", PYTHON)
    if not carded:
        (tmp_path / "mine.toml").unlink()
    (tmp_path / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    planted, unchecked = cache_from_source(name), py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(tmp_path / "theirs.py"), planted, invalidation_mode=unchecked)
    recognisers.load(name)
    assert not (tmp_path / "ran").exists()


def test_the_python_file_that_is_run_is_the_one_that_was_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = save(tmp_path, "mine.py", PYTHON)
    verified = sidecar.verified

    def and_swapped(path: Path) -> tuple[sidecar.Sidecar, bytes]:
        found = verified(path)
        path.write_text("raise ValueError('run unseen')")
        return found

    monkeypatch.setattr(sidecar, "verified", and_swapped)
    assert card_of(recognisers.load(name)).name == "mine"


@pytest.mark.parametrize("name", ["mine.pt", "mine.onnx"])
def test_without_a_card_the_error_says_what_to_write(name: str, tmp_path: Path) -> None:
    path = Path(save(tmp_path, name, b"anything"))
    path.with_suffix(".toml").unlink()
    with pytest.raises(LocalNetworkError, match=hashlib.sha256(b"anything").hexdigest()) as refusal:
        recognisers.load(str(path))
    assert "mine.toml" in str(refusal.value)
    assert "trained_on" in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("released = 2024-05-01", "released = 'soon'", "released"),
        ('licence = "my own"\n', "", "licence"),
        ("std = [0.4, 0.5, 0.6]", "std = [0.4, 0.0, 0.6]", "std"),
        ("mean = [0.1, 0.2, 0.3]", "mean = [0.1, nan, 0.3]", "mean"),
        ("size = 112", "size = 0", "size"),
        ('"rgb"', '"gbr"', "channels"),
        ("[input]", "[inputs]", "inputs"),
        ('name = "mine"', 'name = "mine', "mine.toml"),
        ('sha256 = "', 'sha256 = "x', "sha256"),
    ],
)
def test_a_poor_card_is_refused_by_the_name_of_its_fault(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    name = save(tmp_path, "mine.pt", b"never opened")
    card = tmp_path / "mine.toml"
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new))
    with pytest.raises(LocalNetworkError, match=said) as refusal:
        recognisers.load(name)
    assert "\n" not in str(refusal.value)


class Flat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :8]


class WithParameter(nn.Module):
    """Anything, made retrainable."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.one = kind, nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.one
        if self.kind == "map":
            return x
        if self.kind == "nan":
            return (x / 0).flatten(1)[:, :8]
        if self.kind == "double":
            return x.flatten(1)[:, :8].double()
        return x.flatten()[None, :8]  # all faces in one


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (WithParameter("map"), "into shape"),
        (WithParameter("nan"), "not finite"),
        (WithParameter("double"), "float64"),
        (WithParameter("one"), "2 faces"),
        (Network(160), "does not take"),
        (Flat(), "no parameters"),
    ],
    ids=["map", "nan", "double", "all faces in one", "another size", "nothing to train"],
)
def test_torchscript_that_gives_no_embedding_is_refused(
    network: nn.Module, said: str, tmp_path: Path
) -> None:
    size = getattr(network, "side", 14) * 8
    name = save(tmp_path, "mine.pt", torchscript(network, size))
    with pytest.raises(LocalNetworkError, match=said) as refusal:
        recognisers.load(name)
    assert "\n" not in str(refusal.value)


def test_a_frozen_torchscript_is_refused(tmp_path: Path) -> None:
    name = save(tmp_path, "mine.pt", torchscript(Network(), how="freeze"))
    with pytest.raises(LocalNetworkError, match=r"torch\.jit\.freeze"):
        recognisers.load(name)


def test_onnx_that_gives_no_embedding_is_refused(tmp_path: Path) -> None:
    cases = {
        "does not take": onnx_file(160),
        "not finite": onnx_file(fill=float("nan")),
        "2 outputs": onnx_file(outputs=2),
        "does not open as ONNX": b"nothing of the kind",
    }
    for said, content in cases.items():
        with pytest.raises(LocalNetworkError, match=said) as refusal:
            recognisers.load(save(tmp_path, "mine.onnx", content))
        assert "\n" not in str(refusal.value)


def test_onnx_with_weights_in_another_file_is_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(onnx_file())
    onnx.save(
        model,
        tmp_path / "raw.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    content = (tmp_path / "raw.onnx").read_bytes()
    with pytest.raises(LocalNetworkError, match="other files"):
        recognisers.load(save(tmp_path, "mine.onnx", content))


def two(number: int) -> bytes:
    """A varint of two bytes, also where one would do."""
    return bytes([number & 0x7F | 0x80, number >> 7])


def field(number: int, content: bytes) -> bytes:
    return two(number << 3 | 2) + two(len(content)) + content


@pytest.mark.parametrize("where", ["an initialiser", "a node's attribute"])
def test_onnx_with_weights_in_another_file_is_refused_however_it_is_written(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # from where onnxruntime would read it
    weight = torch.arange(15.0).view(3, 5)
    (tmp_path / "weights.bin").write_bytes(weight.numpy().tobytes())
    model = onnx.load_from_string(onnx_file())
    del model.graph.initializer[:]
    entry = field(1, b"location") + field(2, b"weights.bin")
    tensor = TensorProto(dims=(3, 5), data_type=1, name="weight", data_location=1)
    external = tensor.SerializeToString() + field(13, entry)
    if where == "an initialiser":
        rest = field(7, field(5, external))  # what comes again is merged into what came first
    else:
        node = helper.make_node("Constant", [], ["weight"]).SerializeToString()
        value = field(1, b"value") + two(20 << 3) + two(4) + field(5, external)
        nodes = [node + field(5, value), *(n.SerializeToString() for n in model.graph.node)]
        del model.graph.node[:]
        rest = field(7, b"".join(field(1, n) for n in nodes))
    with pytest.raises(LocalNetworkError, match="keeps weights in other files"):
        recognisers.load(save(tmp_path, "mine.onnx", model.SerializeToString() + rest))


EXTERNAL = TensorProto(dims=(3, 5), data_type=1, name="hidden", data_location=1)
INSIDE = numpy_helper.from_array(torch.arange(2).numpy(), "indices")


def subgraph() -> onnx.GraphProto:
    return helper.make_graph([], "inner", [], [], [EXTERNAL])


def hidden(where: str) -> onnx.ModelProto:
    """A model that names another file somewhere."""
    model = onnx.load_from_string(onnx_file())
    graph, node = model.graph, model.graph.node[0]
    sparse = onnx.SparseTensorProto(dims=(3, 5), values=EXTERNAL, indices=INSIDE)
    match where:
        case "initializer":
            graph.initializer.append(EXTERNAL)
        case "only external_data":
            entry = onnx.StringStringEntryProto(key="location", value="weights.bin")
            graph.initializer.add(name="hidden", external_data=[entry])
        case "sparse values":
            graph.sparse_initializer.append(sparse)
        case "sparse indices":
            graph.sparse_initializer.add(values=INSIDE, indices=EXTERNAL)
        case "attribute t":
            node.attribute.add(name="x", t=EXTERNAL)
        case "attribute tensors":
            node.attribute.add(name="x", tensors=[INSIDE, EXTERNAL])
        case "attribute sparse":
            node.attribute.add(name="x", sparse_tensors=[sparse])
        case "attribute g":
            node.attribute.add(name="x", g=subgraph())
        case "attribute graphs":
            outer = helper.make_graph([helper.make_node("If", [], [])], "outer", [], [])
            outer.node[0].attribute.add(name="x", graphs=[subgraph()])
            node.attribute.add(name="x", graphs=[outer])
        case "function":
            inner = helper.make_node("Constant", [], ["y"])
            inner.attribute.add(name="value", t=EXTERNAL)
            model.functions.add(name="f", node=[inner])
        case "function default":
            model.functions.add(name="f").attribute_proto.add(name="x", t=EXTERNAL)
        case "training":
            model.training_info.add(algorithm=subgraph())
        case "initialisation":
            model.training_info.add(initialization=subgraph())
    return model


@pytest.mark.parametrize(
    "where",
    [
        "initializer",
        "only external_data",
        "sparse values",
        "sparse indices",
        "attribute t",
        "attribute tensors",
        "attribute sparse",
        "attribute g",
        "attribute graphs",
        "function",
        "function default",
        "training",
        "initialisation",
    ],
)
def test_onnx_that_names_another_file_never_reaches_onnxruntime(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not names_other_files(onnx.load_from_string(onnx_file()))
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)
    name = save(tmp_path, "mine.onnx", hidden(where).SerializeToString())
    with pytest.raises(LocalNetworkError, match="keeps weights in other files"):
        recognisers.load(name)


def test_onnxruntime_gets_no_field_that_was_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields of another version of the format, which may lead to tensors in other files."""
    unknown = field(2000, EXTERNAL.SerializeToString())
    content, plain, given = onnx_file(), onnxruntime.InferenceSession, []

    def session(model: bytes, *more: object, **named: object) -> object:
        given.append(model)
        return plain(model, *more, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    recognisers.load(save(tmp_path, "mine.onnx", content + unknown))
    assert given == [onnx.load_from_string(content).SerializeToString()]


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_packages_it_says_what_to_install(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LocalNetworkError, match=rf"{package}, which.*lowkey-audit\[onnx\]"):
        recognisers.load(save(tmp_path, "mine.onnx", onnx_file()))
