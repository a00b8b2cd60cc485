"""Face++: a FaceSet of one's own, searched by photo.

Paths and fields are those of version 3 of its API, as documented. Not tried against the real
service. Keys come from FACEPP_API_KEY and FACEPP_API_SECRET, the endpoint from FACEPP_ENDPOINT if
that is set; `endpoint` overrides it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Gt, Le
from pydantic import BaseModel, Field

from lowkey_core.services.asked import Asked
from lowkey_core.services.asking import Services
from lowkey_core.services.endpoints import Endpoint, endpoint
from lowkey_core.services.patience import Pace, TryAgain
from lowkey_core.services.reading import understood
from lowkey_core.services.vendor import NO_FACE, TOO_LARGE, Added, Candidate, Found
from lowkey_core.services.web import Reply, Web, key
from lowkey_core.spec import Spec

SERVICE = "Megvii"
NAME = "facepp"
USUAL = "https://api-us.faceplusplus.com"
OWN = re.compile(r"api-(us|cn)\.faceplusplus\.com")
"""The vendor's host names."""
_BUSY = {"CONCURRENCY_LIMIT_EXCEEDED", "INTERNAL_ERROR"}
_PHOTO = {"IMAGE_ERROR_UNSUPPORTED_FORMAT", "INVALID_IMAGE_SIZE", "IMAGE_FILE_TOO_LARGE"}
"""Of one photo: an outcome, no error."""
_REMEDIES = {
    "AUTHENTICATION_ERROR": "correct FACEPP_API_KEY and FACEPP_API_SECRET; the keys of one host "
    "are not those of the other",
    "AUTHORIZATION_ERROR": "ask for this API in the vendor's console",
    "FACESET_QUOTA_EXCEEDED": "delete FaceSets that you need no more: see `services clean`",
    "INVALID_OUTER_ID": "somebody deleted the FaceSet: give the same command again",
}


def build(
    services: Services, endpoint: str = "", rate: Annotated[float, Gt(0), Le(1e6)] = 1.0
) -> Asked:
    """endpoint: a URL in place of the vendor's. rate: calls a second, at most: 1 is about what a
    free key gets.

    Raises: OptionError, ServiceError.
    """
    services.demand(NAME)
    return services.recognition(connected(endpoint, rate))


def connected(url: str, rate: float) -> FacePP:
    """Asks nobody yet. Raises: OptionError."""
    url = url or os.environ.get("FACEPP_ENDPOINT") or USUAL
    return FacePP(endpoint(url, OWN, NAME), rate)


Token = Annotated[str, Field(pattern="^[0-9a-zA-Z-]{1,64}$")]


class _Box(BaseModel):
    width: int
    height: int


class _Face(BaseModel):
    token: Annotated[Token, Field(alias="face_token")]
    box: Annotated[_Box, Field(alias="face_rectangle")]


class _Faces(BaseModel):
    faces: Annotated[list[_Face], Field(max_length=1000)]


class _Added(BaseModel):
    added: Annotated[int, Field(alias="face_added")]


class _Result(BaseModel):
    token: Annotated[Token, Field(alias="face_token")]
    confidence: Annotated[float, Field(ge=0, le=100.01)]


class _Searched(BaseModel):
    """Thresholds change from answer to answer, and are not read."""

    results: Annotated[list[_Result], Field(max_length=5)] = []
    faces: list[dict[str, Any]] = []


@dataclass
class FacePP:
    """A `Vendor`."""

    endpoint: Endpoint
    rate: float
    name: str = NAME
    largest: int = 2_000_000
    most: int = 5
    most_of: Candidate = "faces"
    per_search: int = 1
    about: str = "v3"
    keys: tuple[str, str] = field(
        default_factory=lambda: (
            os.environ.get("FACEPP_API_KEY", ""),
            os.environ.get("FACEPP_API_SECRET", ""),
        ),
        repr=False,
    )

    def __post_init__(self) -> None:
        self.web = Web(NAME, self.endpoint, Pace(NAME, self.rate), self.keys)

    @property
    def spec(self) -> str:
        """As `Vendor.spec`."""
        return str(Spec(NAME, options={"endpoint": self.endpoint.url}))

    @property
    def account(self) -> str:
        """As `Vendor.account`."""
        return self.keys[0]

    def calls(self, photos: int, people: int) -> int:
        """As `Vendor.calls`: each photo is looked at, then added."""
        del people
        return 2 * photos + 2

    def check(self) -> None:
        """As `Vendor.check`."""
        key(NAME, "FACEPP_API_KEY", self.keys[0])
        key(NAME, "FACEPP_API_SECRET", self.keys[1])

    def create(self, collection: str, /) -> None:
        """As `Vendor.create`."""
        self._ask("faceset/create", {"FACESET_EXIST"}, outer_id=collection)

    def add(self, collection: str, person: int, handle: str, photo: bytes, /) -> Added:
        """As `Vendor.add`; a handle names a face, not a person."""
        del person, handle
        said = self._ask("detect", _PHOTO, photo)
        if isinstance(said, str):
            return Added(said, "")
        faces = understood(_Faces, said, NAME).faces
        if not faces:
            return Added(NO_FACE, "")
        token = max(faces, key=lambda f: f.box.width * f.box.height).token
        said = self._ask("faceset/addface", outer_id=collection, face_tokens=token)
        if understood(_Added, said, NAME).added != 1:
            return Added("not indexed", "")
        return Added("", token)

    def finish(self, collection: str, /) -> None:
        """Nothing is left to do."""

    def search(self, collection: str, photo: bytes, /) -> Found:
        """As `Vendor.search`."""
        wanted = {"outer_id": collection, "return_result_count": self.most}
        said = self._ask("search", _PHOTO, photo, **wanted)
        if isinstance(said, str):
            return Found(said)
        answer = understood(_Searched, said, NAME)
        if not answer.faces:
            return Found(NO_FACE)
        return Found("", tuple((r.token, r.confidence) for r in answer.results))

    def delete(self, collection: str, /) -> None:
        """As `Vendor.delete`."""
        self._ask("faceset/delete", {"INVALID_OUTER_ID"}, outer_id=collection, check_empty=0)

    def _ask(
        self,
        path: str,
        outcomes: Set[str] = frozenset(),
        photo: bytes | None = None,
        **fields: Any,
    ) -> Any:
        """The answer; or, as text, what it says where its error is one of `outcomes`."""
        form = {"api_key": self.keys[0], "api_secret": self.keys[1], **fields}
        files = None if photo is None else {"image_file": ("photo", photo)}

        def judge(reply: Reply) -> Any:
            if reply.status == 200:
                return reply.content
            return self._judged(reply, outcomes)

        return self.web.ask("POST", f"facepp/v3/{path}", judge, data=form, files=files)

    def _judged(self, reply: Reply, outcomes: Set[str]) -> str:
        """What an error says of a photo. Raises: TryAgain, ServiceError."""
        said = reply.content.get("error_message") if isinstance(reply.content, dict) else None
        code = str(said or "").partition(":")[0].strip()[:60]
        if code in _BUSY:
            raise TryAgain(code, reply.after)
        if code in outcomes:
            return f"refused: {code}"
        if reply.status == 413 and outcomes & _PHOTO:  # in plain text, not JSON
            return TOO_LARGE
        raise self.web.refused(reply, _REMEDIES.get(code, "look at the vendor's console"))
