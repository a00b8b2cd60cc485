"""Amazon's own client, set up so that it asks nobody where nobody may be asked.

Of its errors only the kind is told: their text repeats addresses, with what stands in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lowkey_core.errors import OptionError, ServiceError

_NONE = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}


@dataclass(frozen=True)
class Boto:
    """A client of one service, and the session that finds its keys."""

    client: Any
    session: Any

    def keys(self) -> Any:
        """boto3's credentials as they are now, from where it looks for them: files, a program, a
        host that gives them out. Raises: ServiceError if it finds none."""
        try:
            found = self.session.get_credentials()
            keys = found and found.get_frozen_credentials()
        except Exception as error:  # of a file, a program, a login, a role that is refused
            raise ServiceError(f"boto3 has {type(error).__name__}", **_KEYS) from error
        if keys is None:
            raise ServiceError("boto3 finds no keys", **_KEYS)
        return keys


def connected(name: str, url: str, region: str, *, keys: bool) -> Boto:
    """url: of the endpoint; region: as `us-east-1`; boto3's own for "". keys: they are looked for,
    which may run a program or ask a host; without them nobody is asked, and calls fail.

    Raises: OptionError, ServiceError without boto3.
    """
    try:
        import boto3  # half a second
        from botocore.config import Config
    except ImportError as error:
        raise ServiceError(
            f"{name} needs the package {error.name}",
            expected="boto3, Amazon's own",
            remedy="pip install 'lowkey-audit[services]'",
        ) from error
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"total_max_attempts": 1},
        defaults_mode="legacy",  # `auto` asks a host where it runs
    )
    try:
        session = boto3.session.Session(region_name=region or None)
        given: dict[str, Any] = {} if keys else {**_NONE}
        given["endpoint_url"] = url or None
        client = session.client(name, config=config, **given)
        if client.meta.endpoint_url.lower().startswith("http:"):  # on this machine
            direct = config.merge(Config(proxies={}))  # through nobody else's
            client = session.client(name, config=direct, **given)
    except Exception as error:  # of its files, and of whatever it gets keys from
        raise OptionError(
            f"{name} cannot be set up: boto3 has {type(error).__name__}",
            expected="a region, keys that it can read, and an address if an endpoint is named",
            remedy=f"write {name}:region=us-east-1, or set AWS_DEFAULT_REGION; look at ~/.aws",
        ) from None
    return Boto(client, session)


_KEYS = {
    "expected": "an access key, from where boto3 looks for one",
    "remedy": "log in with the aws program, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
}
