"""Amazon Rekognition: a collection of one's own, searched by photo.

Requests and answers are those of the service model in botocore 1.44 (`rekognition`, 2016-06-27).
Not tried against the real service. Keys, region and endpoint come from boto3's own chain, and
`endpoint` and `region` override it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Gt, Le
from pydantic import BaseModel, Field

from lowkey_core.errors import ServiceError
from lowkey_core.services import boto
from lowkey_core.services.asked import Asked
from lowkey_core.services.asking import Services
from lowkey_core.services.boto import Boto
from lowkey_core.services.endpoints import Endpoint, endpoint
from lowkey_core.services.patience import Pace, TryAgain
from lowkey_core.services.reading import none, understood
from lowkey_core.services.vendor import NO_FACE, TOO_LARGE, Added, Candidate, Found
from lowkey_core.spec import Spec

SERVICE = "Amazon"
NAME = "rekognition"
OWN = re.compile(r"rekognition(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)")
"""The vendor's host names."""
_BUSY = {
    *("ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"),
    *("ServiceUnavailableException", "RequestTimeoutException", "TooManyRequestsException"),
}
_PHOTO = {"ImageTooLargeException", "InvalidImageFormatException"}
"""Of one photo: an outcome, no error."""
_REMEDIES = {
    "AccessDeniedException": "allow the user rekognition:CreateCollection, IndexFaces, "
    "SearchFacesByImage and DeleteCollection",
    "UnrecognizedClientException": "correct the keys that boto3 finds",
    "InvalidSignatureException": "correct the keys that boto3 finds",
    "ExpiredTokenException": "log in again",
    "ServiceQuotaExceededException": "ask for a higher quota, or audit fewer people",
    "ResourceNotFoundException": "somebody deleted the collection: give the same command again",
}


def build(
    services: Services,
    endpoint: str = "",
    region: str = "",
    rate: Annotated[float, Gt(0), Le(1e6)] = 5.0,
) -> Asked:
    """endpoint: a URL in place of the vendor's. region: as `us-east-1`; boto3's own without one.
    rate: calls a second, at most; 5 is the quota of most regions.

    Raises: OptionError, ServiceError.
    """
    services.demand(NAME)
    return services.recognition(connected(endpoint, region, rate, services.use == "allowed"))


def connected(url: str, region: str, rate: float, allowed: bool) -> Rekognition:
    """Nobody is asked for keys unless that is allowed. Raises: OptionError, ServiceError without
    boto3."""
    if url:
        endpoint(url, OWN, NAME)  # before boto3, which repeats what it cannot read
    found = boto.connected(NAME, url, region, keys=allowed)
    place = endpoint(found.client.meta.endpoint_url, OWN, NAME)
    return Rekognition(found, place, found.client.meta.region_name, rate)


Reason = Annotated[str, Field(pattern="^[A-Z_]{1,40}$")]


class _Face(BaseModel):
    external: Annotated[str, Field(alias="ExternalImageId", max_length=255)] = ""


class _Match(BaseModel):
    similarity: Annotated[float, Field(alias="Similarity", ge=0, le=100.01)]
    face: Annotated[_Face, Field(alias="Face")]


class _Unindexed(BaseModel):
    reasons: Annotated[list[Reason], Field(alias="Reasons", max_length=20)] = []


class _Indexed(BaseModel):
    records: Annotated[list[dict[str, Any]], Field(alias="FaceRecords")]
    unindexed: Annotated[list[_Unindexed], Field(alias="UnindexedFaces")] = []


class _Searched(BaseModel):
    matches: Annotated[list[_Match], Field(alias="FaceMatches", max_length=4096)]


@dataclass
class Rekognition:
    """A `Vendor`."""

    boto: Boto = field(repr=False)
    endpoint: Endpoint
    region: str
    rate: float
    name: str = NAME
    largest: int = 5_000_000
    most: int = 4096
    most_of: Candidate = "faces"
    per_search: int = 1

    def __post_init__(self) -> None:
        self.pace = Pace(self.name, self.rate)

    @property
    def about(self) -> str:
        """The region, whose model may be another."""
        return self.region

    @property
    def spec(self) -> str:
        """As `Vendor.spec`."""
        return str(Spec(NAME, options={"endpoint": self.endpoint.url, "region": self.region}))

    @property
    def account(self) -> str:
        """As `Vendor.account`: its number, where boto3 knows it, as keys of a role change."""
        keys = self.boto.keys()
        return str(keys.account_id or keys.access_key)

    def calls(self, photos: int, people: int) -> int:
        """As `Vendor.calls`."""
        del people
        return photos + 2

    def check(self) -> None:
        """As `Vendor.check`."""
        self.boto.keys()

    def create(self, collection: str, /) -> None:
        """As `Vendor.create`."""
        self._ask("create_collection", {"ResourceAlreadyExistsException"}, CollectionId=collection)

    def add(self, collection: str, person: int, handle: str, photo: bytes, /) -> Added:
        """As `Vendor.add`: one face of each photo, of the quality that the vendor indexes unless
        told otherwise."""
        handle = f"person-{person}"
        said = self._ask(
            *("index_faces", _PHOTO),
            CollectionId=collection,
            Image={"Bytes": photo},
            ExternalImageId=handle,
            MaxFaces=1,
        )
        if isinstance(said, str):
            return Added(said, "")
        found = understood(_Indexed, said, NAME)
        if found.records:
            return Added("", handle)
        why = {reason for face in found.unindexed for reason in face.reasons}
        known = ", ".join(sorted(why - {"EXCEEDS_MAX_FACES"})[:4])
        return Added(f"not indexed: {known}" if known else NO_FACE, "")

    def finish(self, collection: str, /) -> None:
        """Nothing is left to do."""

    def search(self, collection: str, photo: bytes, /) -> Found:
        """As `Vendor.search`."""
        said = self._ask(
            *("search_faces_by_image", {*_PHOTO, "InvalidParameterException"}),
            CollectionId=collection,
            Image={"Bytes": photo},
            MaxFaces=self.most,
            FaceMatchThreshold=0.0,
        )
        if isinstance(said, str):
            return Found(said)
        matches = understood(_Searched, said, NAME).matches
        return Found("", tuple((m.face.external, m.similarity) for m in matches))

    def delete(self, collection: str, /) -> None:
        """As `Vendor.delete`."""
        self._ask("delete_collection", {"ResourceNotFoundException"}, CollectionId=collection)

    def _ask(self, operation: str, outcomes: set[str], **given: Any) -> dict[str, Any] | str:
        """The answer; or what it says where its error is one of `outcomes`."""
        from botocore import exceptions

        def ask() -> dict[str, Any] | str:
            try:
                return getattr(self.boto.client, operation)(**given)  # type: ignore[no-any-return]
            except exceptions.ClientError as error:
                return self._judged(error.response, outcomes)
            except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
                raise TryAgain(f"no answer ({type(error).__name__})") from error
            except exceptions.BotoCoreError as error:
                raise ServiceError(
                    f"{self.name}: boto3 has {type(error).__name__}",
                    expected="an answer of the service",
                    remedy="look at the keys, the region and the endpoint",
                ) from error
            except Exception as error:  # its parser raises whatever an answer leads it into
                raise none(self.name, type(error).__name__) from error

        return self.pace.call(ask)

    def _judged(self, response: Any, outcomes: set[str]) -> str:
        """What an error says of a photo. Raises: TryAgain, ServiceError."""
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(response.get("Error", {}).get("Code", ""))[:100]
        message = str(response.get("Error", {}).get("Message", ""))[:500]
        if code in _BUSY or status == 429 or status >= 500:
            raise TryAgain(f"{code} {message}")
        if status == 413 and outcomes & _PHOTO:  # of something on the way, in plain text
            return TOO_LARGE
        if code == "InvalidParameterException" and code in outcomes:
            if "no face" in message.lower():
                return NO_FACE
        elif code in outcomes:
            return f"refused: {code}"
        raise ServiceError(
            f"{self.name} refuses with {status} {code}: {message}",
            expected="leave to make, fill, search and delete a collection",
            remedy=_REMEDIES.get(code, "look at the account, the region and the endpoint"),
        )
