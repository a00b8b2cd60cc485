"""Requests are held to the vendor's own service model; endpoints to who may be sent pictures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.stub import Stubber

import audit.models
from lowkey_core import recognisers
from lowkey_core.errors import AuditError, OptionError, ServiceError
from lowkey_core.recognisers import azure_face, facepp, rekognition
from lowkey_core.services.asking import Services
from lowkey_core.services.boto import Boto
from lowkey_core.services.endpoints import Endpoint, endpoint
from lowkey_core.services.vendor import Added, Found
from lowkey_core.spec import Spec
from tests.services.conftest import keys

HERE = Endpoint("https://rekognition.eu-west-1.amazonaws.com", False)
OWN = {"rekognition": rekognition, "azure-face": azure_face, "facepp": facepp}
FACE = {"FaceId": "11111111-1111-1111-1111-111111111111", "ExternalImageId": "person-3"}


def test_requests_and_answers_are_those_of_amazons_service_model() -> None:
    client = boto3.client(
        "rekognition", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    vendor = rekognition.Rekognition(Boto(client, None), HERE, "eu-west-1", 1e6)
    photo = {"Bytes": b"\x89PNG"}
    name = {"CollectionId": "lowkey-audit-1"}
    with Stubber(client) as model:  # raises for a field that the model does not have
        model.add_response("create_collection", {"StatusCode": 200}, name)
        model.add_response(
            "index_faces",
            {"FaceRecords": [{"Face": FACE}], "UnindexedFaces": []},
            {**name, "Image": photo, "ExternalImageId": "person-3", "MaxFaces": 1},
        )
        model.add_response(
            "index_faces",
            {"FaceRecords": [], "UnindexedFaces": [{"Reasons": ["EXTREME_POSE"]}]},
            {**name, "Image": photo, "ExternalImageId": "person-4", "MaxFaces": 1},
        )
        asked = {**name, "Image": photo, "MaxFaces": 4096, "FaceMatchThreshold": 0.0}
        model.add_response(
            "search_faces_by_image", {"FaceMatches": [{"Similarity": 99.5, "Face": FACE}]}, asked
        )
        model.add_client_error(
            "search_faces_by_image",
            "InvalidParameterException",
            "There are no faces in the image. Should be at least 1.",
            expected_params=asked,
        )
        model.add_client_error("delete_collection", "ResourceNotFoundException")
        vendor.create("lowkey-audit-1")
        assert vendor.add("lowkey-audit-1", 3, "", photo["Bytes"]) == Added("", "person-3")
        lost = vendor.add("lowkey-audit-1", 4, "", photo["Bytes"])
        assert lost == Added("not indexed: EXTREME_POSE", "")
        found = vendor.search("lowkey-audit-1", photo["Bytes"])
        assert found == Found("", (("person-3", 99.5),))
        assert vendor.search("lowkey-audit-1", photo["Bytes"]) == Found("no face")
        vendor.delete("lowkey-audit-1")
        model.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("rekognition", "https://rekognition.us-east-1.amazonaws.com"),
        ("rekognition", "https://rekognition-fips.us-east-1.amazonaws.com/"),
        ("rekognition", "https://rekognition.cn-north-1.amazonaws.com.cn"),
        ("rekognition", "https://rekognition.us-east-1.api.aws"),
        ("azure-face", "https://mine-2.cognitiveservices.azure.com/"),
        ("azure-face", "https://westeurope.api.cognitive.microsoft.com:443"),
        ("facepp", "https://api-us.faceplusplus.com"),
        ("facepp", "https://api-cn.faceplusplus.com"),
    ],
)
def test_the_vendors_own_hosts_are_not_simulated(name: str, url: str) -> None:
    assert not endpoint(url, OWN[name].OWN, name).simulated


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("rekognition", "https://rekognition.us-east-1.amazonaws.com.example.org"),
        ("rekognition", "https://rekognition.us-east-1.amazonaws.com:8443"),
        ("rekognition", "http://127.0.0.1:4566"),
        ("rekognition", "http://localhost:4566"),
        ("rekognition", "https://api-us.faceplusplus.com"),
        ("azure-face", "https://cognitiveservices.azure.com.example.org"),
        ("azure-face", "https://faces.example.org/azure"),
        ("facepp", "https://api-us.faceplusplus.com.example.org"),
        ("facepp", "http://[::1]:80"),
    ],
)
def test_any_other_host_is_simulated(name: str, url: str) -> None:
    assert endpoint(url, OWN[name].OWN, name).simulated


@pytest.mark.parametrize(
    "url",
    [
        *("http://rekognition.us-east-1.amazonaws.com", "http://10.0.0.1", "ftp://127.0.0.1"),
        *("https://", "127.0.0.1:80", "https://a:b@host", "https://host/?a=b", "https://[::"),
        *("https://host:99999", "http://127.0.0.1.example.org"),
    ],
)
def test_pictures_are_not_sent_in_the_clear_or_to_no_address(url: str) -> None:
    with pytest.raises(OptionError):
        endpoint(url, rekognition.OWN, "rekognition")


@pytest.mark.parametrize(
    "url",
    [
        *("https://a:secret@host:99999", "https://a:secret@[::", "a:secret@host", "secret"),
        *("https://host/?key=secret", "https://host:secret", "https://a:x/secret@host"),
        *("http://10.0.0.1/secret", "https://a@host/?key=secret@", "https:///secret"),
    ],
)
@pytest.mark.parametrize("name", OWN)
def test_of_a_wrong_endpoint_no_more_than_scheme_and_host_is_repeated(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, value in keys(url, tmp_path).items():
        monkeypatch.setenv(variable, value)
    for spec in (name, str(Spec(name, options={"endpoint": url}))):
        with pytest.raises(OptionError) as raised:
            recognisers.load(spec, services=Services(use="allowed"))
        assert "secret" not in str(raised.value)


def test_of_a_wrong_endpoint_scheme_and_host_are_repeated() -> None:
    for url in ("http://10.0.0.1/path", "https://host:8443/?a=b", "http://[::2]"):
        with pytest.raises(
            OptionError, match=r"http://10\.0\.0\.1,|https://host:8443,|http://\[::2\],"
        ):
            endpoint(url, rekognition.OWN, "rekognition")


@pytest.mark.parametrize("name", OWN)
def test_an_option_goes_before_the_variable(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, value in keys("http://127.0.0.1:1", tmp_path).items():
        monkeypatch.setenv(variable, value)
    services = Services(use="allowed")
    recognisers.load(name, services=services)
    recognisers.load(f'{name}:endpoint="http://127.0.0.1:2"', services=services)
    recognisers.load(f"{name}:rate=7", services=services)
    assert services.asked[0].vendor.rate == 7
    assert services.asked[0].vendor.endpoint.url == "http://127.0.0.1:1"
    again = recognisers.load(f'{name}:endpoint="http://127.0.0.1:2"', services=services)
    (asked,) = services.asked
    assert again is asked
    assert asked.vendor.endpoint.url == "http://127.0.0.1:2"
    assert "127.0.0.1:2" in asked.vendor.spec
    assert recognisers.load(asked.vendor.spec, services=services).vendor.spec == asked.vendor.spec  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["azure-face", "facepp"])
def test_the_vendors_service_has_its_plain_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEPP_ENDPOINT", raising=False)
    monkeypatch.setenv("AZURE_FACE_ENDPOINT", "https://mine.cognitiveservices.azure.com")
    found = recognisers.load(name, services=Services(use="foreseen"))
    assert found.card.name == name
    assert (found.card.released is not None) == (name == "azure-face"), "whose model has a date"


@pytest.mark.parametrize("name", OWN)
def test_a_service_is_listed_and_is_no_surrogate(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert [
        line for line in audit.models.listed_recognisers() if line.startswith(f"{name}  a serv")
    ]
    assert name not in audit.models.catalogue()
    for variable, value in keys("http://127.0.0.1:1", tmp_path).items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(OptionError, match="is a service"):
        recognisers.network(name)


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ServiceError, match=r"pip install 'lowkey-audit\[services\]'"):
        recognisers.load("rekognition", services=Services(use="allowed"))


def test_without_a_region_it_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, value in keys("http://127.0.0.1:1", tmp_path).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    with pytest.raises(OptionError, match="region=us-east-1"):
        recognisers.load("rekognition", services=Services(use="allowed"))


def test_nothing_of_it_is_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys; from lowkey_core import recognisers; recognisers.services();"
        "recognisers.load('zoo:mobile'); print('boto3' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole"), "ClientError"),
        (OSError("no such program"), "OSError"),
    ],
)
def test_whatever_hinders_boto3_from_finding_keys_is_one_line(error: Exception, name: str) -> None:
    class Session:
        def get_credentials(self) -> None:
            raise error

    with pytest.raises(ServiceError, match=f"boto3 has {name}"):
        Boto(None, Session()).keys()


def test_a_program_for_keys_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\ncredential_process = /nowhere/to/be/found\n")
    for variable, value in keys("http://127.0.0.1:1", tmp_path).items():
        monkeypatch.setenv(variable, value)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(OptionError, match="keys that it can read"):
        recognisers.load("rekognition", services=Services(use="allowed"))


@pytest.mark.parametrize("profile", ["default", "program"])
def test_without_leave_nobody_is_asked_for_amazons_keys(
    profile: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For those of one profile boto3 asks a host on the network, for those of the other a program,
    which leaves a file."""
    config = tmp_path / "config"
    config.write_text(
        "[default]\ndefaults_mode = auto\n"
        f"[profile program]\ncredential_process = touch {tmp_path}/ran\n"
    )
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_REKOGNITION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_PROFILE", profile)
    asked: list[str] = []

    def send(_: URLLib3Session, request: AWSPreparedRequest) -> None:
        asked.append(request.url)
        raise ConnectTimeoutError(endpoint_url=request.url)

    monkeypatch.setattr(URLLib3Session, "send", send)
    with pytest.raises(ServiceError, match="is a service"):
        recognisers.load("rekognition")
    recognisers.load("rekognition", services=Services(use="foreseen"))
    with pytest.raises(OptionError, match="is a service"):
        recognisers.network("rekognition")
    assert not asked
    assert not (tmp_path / "ran").exists()
    with pytest.raises(AuditError, match="key"):
        recognisers.load("rekognition", services=Services(use="allowed"))
    assert (tmp_path / "ran").exists() == (profile == "program"), "with leave they are"
    assert bool(asked) == (profile == "default")
