"""Azure Face: a large person group of one's own, trained, and searched by identify.

Paths and fields are those of version 1.2, as azure-ai-vision-face 1.0.0b2 sends them. Not tried
against the real service, which lets only customers identify whom Microsoft has approved. Endpoint
and key come from AZURE_FACE_ENDPOINT and AZURE_FACE_KEY; `endpoint` overrides the first.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Gt, Le
from pydantic import BaseModel, Field, RootModel

from lowkey_core.errors import ServiceError
from lowkey_core.services.asked import Asked
from lowkey_core.services.asking import Services
from lowkey_core.services.endpoints import Endpoint, endpoint
from lowkey_core.services.patience import Pace
from lowkey_core.services.reading import understood
from lowkey_core.services.vendor import NO_FACE, TOO_LARGE, Added, Candidate, Found
from lowkey_core.services.web import Reply, Web, key
from lowkey_core.spec import Spec

SERVICE = "Microsoft"
NAME = "azure-face"
OWN = re.compile(
    r"[a-z0-9-]+\.(cognitiveservices\.azure\.(com|us|cn)|api\.cognitive\.microsoft\.(com|us))"
)
"""The vendor's host names."""
RELEASED = datetime.date(2021, 2, 1)
"""Of recognition_04, the newest model."""
_MODELS = {"detectionModel": "detection_03", "recognitionModel": "recognition_04"}
_PHOTO = {"InvalidImage", "InvalidImageSize", "ImageTooSmall", "InvalidFaceSize"}
"""Of one photo: an outcome, no error."""


def build(
    services: Services, endpoint: str = "", rate: Annotated[float, Gt(0), Le(1e6)] = 10.0
) -> Asked:
    """endpoint: a URL in place of that in AZURE_FACE_ENDPOINT. rate: calls a second, at most: 10
    is that of tier S0, 0.33 that of the free one.

    Raises: OptionError, ServiceError.
    """
    services.demand(NAME)
    return services.recognition(connected(endpoint, rate), RELEASED)


def connected(url: str, rate: float) -> AzureFace:
    """Asks nobody yet. Raises: OptionError, ServiceError without an endpoint."""
    variable = "AZURE_FACE_ENDPOINT"
    if not (url := url or os.environ.get(variable, "")):
        raise ServiceError(
            f"{NAME} has no endpoint",
            expected=f"https://NAME.cognitiveservices.azure.com, in {variable}",
            remedy="copy it from your resource's page, with its key",
        )
    return AzureFace(endpoint(url, OWN, NAME), rate)


Id = Annotated[str, Field(pattern="^[0-9a-fA-F-]{36}$")]


class _Box(BaseModel):
    left: int
    top: int
    width: int
    height: int


class _Face(BaseModel):
    id: Annotated[Id | None, Field(alias="faceId")] = None
    box: Annotated[_Box, Field(alias="faceRectangle")]


class _Faces(RootModel[Annotated[list[_Face], Field(max_length=1000)]]):
    pass


class _Person(BaseModel):
    id: Annotated[Id, Field(alias="personId")]


class _Candidate(_Person):
    confidence: Annotated[float, Field(ge=0, le=1.0001)]


class _Identified(RootModel[Annotated[list["_Candidates"], Field(min_length=1, max_length=1)]]):
    pass


class _Candidates(BaseModel):
    candidates: Annotated[list[_Candidate], Field(max_length=100)]


class _Training(BaseModel):
    status: str


@dataclass
class AzureFace:
    """A `Vendor`."""

    endpoint: Endpoint
    rate: float
    name: str = NAME
    largest: int = 6 * 2**20
    most: int = 100
    most_of: Candidate = "people"
    per_search: int = 2
    about: str = "v1.2 detection_03 recognition_04"
    key: str = field(default_factory=lambda: os.environ.get("AZURE_FACE_KEY", ""), repr=False)

    def __post_init__(self) -> None:
        self.web = Web(NAME, self.endpoint, Pace(NAME, self.rate), (self.key,))
        self.web.session.headers["Ocp-Apim-Subscription-Key"] = self.key

    @property
    def spec(self) -> str:
        """As `Vendor.spec`."""
        return str(Spec(NAME, options={"endpoint": self.endpoint.url}))

    @property
    def account(self) -> str:
        """As `Vendor.account`."""
        return self.key

    def calls(self, photos: int, people: int) -> int:
        """As `Vendor.calls`: each photo is looked at, then added; training is asked for twice."""
        return 2 * photos + people + 4

    def check(self) -> None:
        """As `Vendor.check`."""
        key(NAME, "AZURE_FACE_KEY", self.key)

    def create(self, collection: str, /) -> None:
        """As `Vendor.create`."""
        given = {"name": collection, "recognitionModel": _MODELS["recognitionModel"]}
        known = {"LargePersonGroupExists"}
        self._ask("PUT", f"largepersongroups/{collection}", known, json=given)

    def add(self, collection: str, person: int, handle: str, photo: bytes, /) -> Added:
        """As `Vendor.add`."""
        face = self._look(photo, identify=False)
        if isinstance(face, str):
            return Added(face, handle)
        people = f"largepersongroups/{collection}/persons"
        if not handle:
            made = self._ask("POST", people, json={"name": f"person-{person}"})
            handle = understood(_Person, made, NAME).id
        box = face.box
        said = self._ask(
            *("POST", f"{people}/{handle}/persistedfaces", _PHOTO),
            params={
                "targetFace": f"{box.left},{box.top},{box.width},{box.height}",
                "detectionModel": _MODELS["detectionModel"],
            },
            data=photo,
        )
        return Added(said if isinstance(said, str) else "", handle)

    def finish(self, collection: str, /) -> None:
        """Trains the group, and waits."""
        group = f"largepersongroups/{collection}"
        self._ask("POST", f"{group}/train")

        def ended() -> bool:
            status = understood(_Training, self._ask("GET", f"{group}/training"), NAME).status
            if status == "failed":
                raise ServiceError(
                    f"{NAME} could not train the group",
                    expected="training that succeeds",
                    remedy="give the same command again",
                )
            return status == "succeeded"

        self.web.pace.poll(ended, "training")

    def search(self, collection: str, photo: bytes, /) -> Found:
        """As `Vendor.search`."""
        face = self._look(photo, identify=True)
        if isinstance(face, str):
            return Found(face)
        given = {
            "faceIds": [face.id],
            "largePersonGroupId": collection,
            "maxNumOfCandidatesReturned": self.most,
            "confidenceThreshold": 0.0,
        }
        (found,) = understood(_Identified, self._ask("POST", "identify", json=given), NAME).root
        return Found("", tuple((c.id, c.confidence) for c in found.candidates))

    def delete(self, collection: str, /) -> None:
        """As `Vendor.delete`."""
        self._ask("DELETE", f"largepersongroups/{collection}", {"LargePersonGroupNotFound"})

    def _look(self, photo: bytes, *, identify: bool) -> _Face | str:
        """The largest face of a photo, or why there is none. identify: with an id, for 60 s."""
        asked = {**_MODELS, "returnFaceId": str(identify).lower()}
        if identify:
            asked["faceIdTimeToLive"] = "60"
        said = self._ask("POST", "detect", _PHOTO, params=asked, data=photo)
        if isinstance(said, str):
            return said
        faces = understood(_Faces, said, NAME).root
        return max(faces, key=lambda f: f.box.width * f.box.height) if faces else NO_FACE

    def _ask(self, method: str, path: str, outcomes: Set[str] = frozenset(), **given: Any) -> Any:
        """The answer; or, as text, what it says where its error is one of `outcomes`."""
        if "data" in given:
            given["headers"] = {"Content-Type": "application/octet-stream"}

        def judge(reply: Reply) -> Any:
            if reply.status in (200, 202):
                return {} if reply.content is None else reply.content
            return self._judged(reply, outcomes)

        return self.web.ask(method, f"face/v1.2/{path}", judge, **given)

    def _judged(self, reply: Reply, outcomes: Set[str]) -> str:
        """What an error says of a photo. Raises: ServiceError."""
        error = reply.content.get("error") if isinstance(reply.content, dict) else None
        code = str(error.get("code", ""))[:60] if isinstance(error, dict) else ""
        if code in outcomes:
            return f"refused: {code}"
        if reply.status == 413 and outcomes & _PHOTO:
            return TOO_LARGE
        said = self.web.told(reply)
        if reply.status == 403 and (code == "UnsupportedFeature" or "approval" in said):
            raise ServiceError(
                f"{NAME} refuses to identify people with this account: {said}",
                expected="Limited Access: Microsoft grants identification only to customers that "
                "it manages, for uses that it approved, on a paid tier",
                remedy="apply at https://aka.ms/facerecognition, or leave this recogniser out",
            )
        remedies = {401: "correct AZURE_FACE_KEY and AZURE_FACE_ENDPOINT: they belong together"}
        raise self.web.refused(reply, remedies.get(reply.status, "look at the resource's page"))
