"""A user's ONNX file: its input, and files that must not reach onnxruntime."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from lowkey_core import recognisers
from lowkey_core.errors import LocalNetworkError
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.networks.local import names_other_files
from lowkey_core.types import Pictures
from lowkey_core.work.provenance import fingerprint
from tests.lowkey_core.networks.user_files import expected, onnx_file, save


@pytest.mark.parametrize("batch", ["n", 1])
def test_onnx_is_a_black_box_with_the_input_of_its_card(
    batch: int | str, tmp_path: Path, pictures: Pictures
) -> None:
    name = save(tmp_path, "mine.onnx", onnx_file(160, batch), size=160, channels="bgr")
    ours = recognisers.load(name)
    weight = torch.arange(15.0).view(3, 5)
    theirs = F.normalize(expected(pictures.faces(), 160, "bgr").mean((2, 3)) @ weight)
    out = ours(pictures.faces().requires_grad_())
    assert torch.allclose(out, theirs, atol=1e-4)
    assert not out.requires_grad
    assert ours.card.black_box
    assert FlipAveraged(ours).fingerprint == FlipAveraged(recognisers.load(name)).fingerprint
    other = recognisers.load(save(tmp_path, "other.onnx", onnx_file(160, fill=2), size=160))
    assert fingerprint(other) != fingerprint(ours)


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
    """A varint of two bytes, even if one would be enough."""
    return bytes([number & 0x7F | 0x80, number >> 7])


def field(number: int, content: bytes) -> bytes:
    return two(number << 3 | 2) + two(len(content)) + content


@pytest.mark.parametrize("where", ["an initialiser", "a node's attribute"])
def test_onnx_with_weights_in_another_file_is_refused_in_any_encoding(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # onnxruntime would read it from there
    weight = torch.arange(15.0).view(3, 5)
    (tmp_path / "weights.bin").write_bytes(weight.numpy().tobytes())
    model = onnx.load_from_string(onnx_file())
    del model.graph.initializer[:]
    entry = field(1, b"location") + field(2, b"weights.bin")
    tensor = TensorProto(dims=(3, 5), data_type=1, name="weight", data_location=1)
    external = tensor.SerializeToString() + field(13, entry)
    if where == "an initialiser":
        rest = field(7, field(5, external))  # a repeated message is merged into the first
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
    """A model in which the tensor at `where` names another file."""
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
    """Fields of another version of the format, which could hold tensors in other files."""
    unknown = field(2000, EXTERNAL.SerializeToString())
    content, plain, given = onnx_file(), onnxruntime.InferenceSession, []

    def session(model: bytes, *more: object, **named: object) -> object:
        given.append(model)
        return plain(model, *more, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    recognisers.load(save(tmp_path, "mine.onnx", content + unknown))
    assert given == [onnx.load_from_string(content).SerializeToString()]


def test_opening_one_leaves_denormal_floats_zero(tmp_path: Path) -> None:
    """onnxruntime's first session in a process sets this for the thread that opens it."""
    name = save(tmp_path, "mine.onnx", onnx_file())
    code = f"""if True:
        import torch
        from lowkey_core import recognisers
        from lowkey_core.work import runtime
        runtime.tune()
        recognisers.load({name!r})
        print(float(torch.tensor([1e-40]) * 1))"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "0.0\n"


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_packages_it_says_what_to_install(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LocalNetworkError, match=rf"{package}, which.*lowkey-audit\[onnx\]"):
        recognisers.load(save(tmp_path, "mine.onnx", onnx_file()))
