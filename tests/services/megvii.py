"""Face++'s dialect: forms with both keys, errors as one text, and 413 as none."""

from __future__ import annotations

from tests.services.stand_in import SECRET, Face, Reply, Request, StandIn, Store

ROOT = "/facepp/v3/"


def error(status: int, message: str) -> Reply:
    return Reply(status, {"request_id": "1", "time_used": 1, "error_message": message})


THROTTLED = error(403, "CONCURRENCY_LIMIT_EXCEEDED")
TOO_LARGE = Reply(413, "Request Entity Too Large")


def answer(service: StandIn, request: Request) -> Reply | None:
    if not request.path.startswith(ROOT):
        return None
    operation, form = request.path.removeprefix(ROOT), request.form
    name, photo = form.get("outer_id", b"").decode(), form.get("image_file", b"")
    if told := service.told(operation, name, photo):
        return told
    keys = (service.key.encode(), SECRET.encode())
    if (form.get("api_key"), form.get("api_secret")) != keys:
        return error(401, "AUTHENTICATION_ERROR")
    seen = service.look(photo) if photo else None
    if operation == "detect":
        return _detect(service, seen)
    if operation == "faceset/create":
        if name in service.stores:
            return error(400, "FACESET_EXIST")
        service.stores[name] = Store()
        return Reply(200, {"outer_id": name, "face_added": 0, "face_count": 0})
    if name not in service.stores:
        return error(400, "INVALID_OUTER_ID")
    store = service.stores[name]
    if operation == "faceset/delete":
        if store.faces and form.get("check_empty") != b"0":
            return error(400, "FACESET_NOT_EMPTY")
        del service.stores[name]
        return Reply(200, {"outer_id": name})
    if operation == "faceset/addface":
        tokens = form["face_tokens"].decode().split(",")
        assert len(tokens) <= 5
        store.faces += [Face(t, "", service.tokens[t]) for t in tokens]
        return Reply(200, {"face_added": len(tokens), "face_count": len(store.faces)})
    assert operation == "search"
    if not store.faces:
        return error(400, "EMPTY_FACESET")
    if seen is None:
        return Reply(200, {"faces": []})  # neither results nor thresholds
    most = int(form.get("return_result_count", b"1"))
    assert 1 <= most <= 5
    results = [
        {"face_token": face.token, "confidence": (cosine + 1) * 50}
        for face, cosine in service.nearest(store, seen[0])[:most]
    ]
    thresholds = {"1e-3": 65.3, "1e-4": 71.8, "1e-5": 76.5}
    faces = [{"face_token": service.token()}]
    return Reply(200, {"faces": faces, "results": results, "thresholds": thresholds})


def _detect(service: StandIn, seen: object) -> Reply:
    if not isinstance(seen, tuple):
        return Reply(200, {"faces": [], "face_num": 0})
    vector, (left, top, width, height), _ = seen
    token = service.token()
    service.tokens[token] = vector
    box = {"left": left, "top": top, "width": width, "height": height}
    return Reply(200, {"faces": [{"face_token": token, "face_rectangle": box}], "face_num": 1})
