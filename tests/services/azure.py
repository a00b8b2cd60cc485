"""Azure's dialect: paths and JSON, a key in a header."""

from __future__ import annotations

import re

from tests.services.stand_in import Face, Reply, Request, StandIn, Store

ROOT = "/face/v1.2/"


def error(status: int, code: str, message: str = "") -> Reply:
    return Reply(status, {"error": {"code": code, "message": message or code}})


THROTTLED = Reply(429, error(429, "429", "Rate limit is exceeded.").content, {"Retry-After": "3"})
LIMITED = error(
    403,
    "UnsupportedFeature",
    "Feature is not supported, missing approval for one or more of the following features: "
    "Identification,Verification.",
)


def answer(service: StandIn, request: Request) -> Reply | None:
    if not request.path.startswith(ROOT):
        return None
    path = request.path.removeprefix(ROOT)
    operation, group, rest = _named(request.method, path)
    photo = request.body if operation in ("detect", "addface") else b""
    if operation == "identify":
        group = request.json["largePersonGroupId"]
    if told := service.told(operation, group, photo):
        return told
    if request.headers.get("ocp-apim-subscription-key") != service.key:
        return error(401, "401", "Access denied due to invalid subscription key.")
    if operation == "detect":
        return _detect(service, request)
    if operation == "create":
        assert request.json["recognitionModel"] == "recognition_04"
        service.stores[group] = Store()
        return Reply(200, "")
    if group not in service.stores:
        return error(404, "LargePersonGroupNotFound")
    store = service.stores[group]
    if operation == "delete":
        del service.stores[group]
        return Reply(200, "")
    if operation == "person":
        token = service.token()
        store.people[token] = request.json["name"]
        return Reply(200, {"personId": token})
    if operation == "addface":
        seen = service.look(photo)
        if seen is None or rest not in store.people:
            return error(400, "InvalidImage", "No face detected in the image.")
        box = ",".join(map(str, seen[1]))
        assert request.query["targetFace"] == box
        if service.poor(seen[2]):
            return error(400, "InvalidImage", "Low quality.")
        store.faces.append(Face(service.token(), rest, seen[0]))
        return Reply(200, {"persistedFaceId": store.faces[-1].token})
    if operation == "train":
        store.trained = True
        return Reply(202, "")
    if operation == "training":
        service.polls -= 1
        return Reply(200, {"status": "running" if service.polls >= 0 else "succeeded"})
    assert operation == "identify"
    return _identify(service, store, request)


def _named(method: str, path: str) -> tuple[str, str, str]:
    """Operation, group and person."""
    for operation, verb, pattern in (
        ("detect", "POST", "detect"),
        ("identify", "POST", "identify"),
        ("create", "PUT", "largepersongroups/([^/]+)"),
        ("delete", "DELETE", "largepersongroups/([^/]+)"),
        ("train", "POST", "largepersongroups/([^/]+)/train"),
        ("training", "GET", "largepersongroups/([^/]+)/training"),
        ("person", "POST", "largepersongroups/([^/]+)/persons"),
        ("addface", "POST", "largepersongroups/([^/]+)/persons/([^/]+)/persistedfaces"),
    ):
        if verb == method and (found := re.fullmatch(pattern, path)):
            group, person, *_ = (*found.groups(), "", "")
            return operation, group, person
    raise AssertionError(f"{method} {path} is nothing that Azure knows")


def _detect(service: StandIn, request: Request) -> Reply:
    query = request.query
    assert (query["detectionModel"], query["recognitionModel"]) == (
        "detection_03",
        "recognition_04",
    )
    seen = service.look(request.body)
    if seen is None:
        return Reply(200, [])
    left, top, width, height = seen[1]
    face: dict[str, object] = {
        "faceRectangle": {"left": left, "top": top, "width": width, "height": height}
    }
    if query["returnFaceId"] == "true":
        assert 60 <= int(query["faceIdTimeToLive"]) <= 86400
        face["faceId"] = token = service.token()
        service.tokens[token] = seen[0]
    return Reply(200, [face])


def _identify(service: StandIn, store: Store, request: Request) -> Reply:
    given = request.json
    if not store.trained:
        return error(400, "LargePersonGroupNotTrained")
    (token,) = given["faceIds"]
    best: dict[str, float] = {}
    for face, cosine in service.nearest(store, service.tokens[token]):
        best.setdefault(face.person, (cosine + 1) / 2)
    most = given["maxNumOfCandidatesReturned"]
    assert 1 <= most <= 100
    candidates = [
        {"personId": person, "confidence": score}
        for person, score in best.items()
        if score >= given["confidenceThreshold"]
    ]
    return Reply(200, [{"faceId": token, "candidates": candidates[:most]}])
