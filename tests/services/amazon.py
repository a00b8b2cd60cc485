"""Amazon's dialect: JSON 1.1 with an operation in a header, signed by key."""

from __future__ import annotations

import base64

from tests.services.stand_in import Face, Reply, Request, StandIn, Store

PREFIX = "RekognitionService."


def error(code: str, message: str = "", status: int = 400) -> Reply:
    return Reply(status, {"__type": code, "message": message or code})


THROTTLED = error("ThrottlingException", "Rate exceeded")
NO_FACE = error(
    "InvalidParameterException", "There are no faces in the image. Should be at least 1."
)


def answer(service: StandIn, request: Request) -> Reply | None:
    target = request.headers.get("x-amz-target", "")
    if not target.startswith(PREFIX):
        return None
    operation, given = target.removeprefix(PREFIX), request.json
    photo = base64.b64decode(given.get("Image", {}).get("Bytes", ""))
    name = given["CollectionId"]
    if told := service.told(operation, name, photo):
        return told
    if f"Credential={service.key}/" not in request.headers.get("authorization", ""):
        return error("UnrecognizedClientException", "The security token is invalid.")
    if operation == "CreateCollection":
        if name in service.stores:
            return error("ResourceAlreadyExistsException")
        service.stores[name] = Store()
        return Reply(200, {"StatusCode": 200, "FaceModelVersion": "7.0"})
    if name not in service.stores:
        return error("ResourceNotFoundException", f"{name} does not exist")
    store = service.stores[name]
    if operation == "DeleteCollection":
        del service.stores[name]
        return Reply(200, {"StatusCode": 200})
    seen = service.look(photo)
    if operation == "IndexFaces":
        if seen is None:
            return Reply(200, {"FaceRecords": [], "UnindexedFaces": []})
        vector, _, pixels = seen
        if reasons := service.poor(pixels):
            return Reply(200, {"FaceRecords": [], "UnindexedFaces": [{"Reasons": reasons}]})
        face = Face(service.token(), given["ExternalImageId"], vector)
        store.faces.append(face)
        return Reply(200, {"FaceRecords": [{"Face": _face(face)}], "UnindexedFaces": []})
    assert operation == "SearchFacesByImage"
    if seen is None:
        return NO_FACE
    least = given.get("FaceMatchThreshold", 80)
    matches = [
        {"Similarity": (cosine + 1) * 50, "Face": _face(face)}
        for face, cosine in service.nearest(store, seen[0])
        if (cosine + 1) * 50 >= least
    ]
    return Reply(200, {"FaceMatches": matches[: given.get("MaxFaces", 80)]})


def _face(face: Face) -> dict[str, str]:
    return {"FaceId": face.token, "ExternalImageId": face.person}
