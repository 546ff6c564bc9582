"""aws: a signed GetCallerIdentity request (Signature Version 4) that the server sends to STS itself.

Credentials come from the parameters, the environment, the container endpoint or the instance metadata service.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import NamedTuple

from vaultlike.cli.answer import Answer
from vaultlike.cli.failures import CommandError
from vaultlike.cli.login import metadata
from vaultlike.cli.login.call import LoginCall
from vaultlike.cli.shapes import as_text

_BODY = "Action=GetCallerIdentity&Version=2011-06-15"
_CONTAINER = "http://169.254.170.2"
_INSTANCE = "http://169.254.169.254"
HELP = """vaultlike login -method=aws role=dev

  role                    the role. Default: chosen by the server from the principal's name
  region                  region of STS to sign for. Default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1
  header_value            value of X-Vault-AWS-IAM-Server-ID, where the server asks for it
  aws_access_key_id, aws_secret_access_key, aws_security_token
                          credentials. Default: the AWS_* variables, the container's, the instance's role"""


class Credentials(NamedTuple):
    """AWS credentials; never shown."""

    key_id: str
    secret: str
    session_token: str

    def __repr__(self) -> str:
        return "Credentials(...)"


def login(call: LoginCall) -> Answer:
    environ = call.terminal.environ
    credentials = _credentials(call)
    region = call.take("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    headers = signed_headers(credentials, region, call.take("header_value"), datetime.now(UTC))
    role = call.take("role")
    body = {
        **({"role": role} if role else {}),
        "iam_http_request_method": "POST",
        "iam_request_url": _b64(f"https://{headers['Host']}/"),
        "iam_request_body": _b64(_BODY),
        "iam_request_headers": _b64(json.dumps({name: [value] for name, value in headers.items()})),
        **call.rest(),
    }
    return call.post("login", body)


def signed_headers(credentials: Credentials, region: str, server_id: str, now: datetime) -> dict[str, str]:
    """The headers of the signed request, `Authorization` among them (AWS Signature Version 4)."""
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {
        "Content-Length": str(len(_BODY)),
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "Host": f"sts.{region}.amazonaws.com",
        "X-Amz-Date": stamp,
    }
    if credentials.session_token:
        headers["X-Amz-Security-Token"] = credentials.session_token
    if server_id:
        headers["X-Vault-AWS-IAM-Server-ID"] = server_id
    names = sorted(headers, key=str.lower)
    signed = ";".join(name.lower() for name in names)
    listed = "".join(f"{name.lower()}:{headers[name].strip()}\n" for name in names)
    canonical = f"POST\n/\n\n{listed}\n{signed}\n{_sha256(_BODY)}"
    scope = f"{day}/{region}/sts/aws4_request"
    key = f"AWS4{credentials.secret}".encode()
    for part in (day, region, "sts", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{_sha256(canonical)}"
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"
    )
    return headers


def _credentials(call: LoginCall) -> Credentials:
    environ = call.terminal.environ
    key_id = call.take("aws_access_key_id") or environ.get("AWS_ACCESS_KEY_ID", "")
    secret = call.take("aws_secret_access_key") or environ.get("AWS_SECRET_ACCESS_KEY", "")
    session = call.take("aws_security_token") or environ.get("AWS_SESSION_TOKEN", "")
    if key_id and secret:
        return Credentials(key_id, secret, session)
    sleep = call.terminal.sleep
    if relative := environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        text = metadata.get(_CONTAINER, relative, {}, {}, sleep, what="the container credentials endpoint")
    else:
        text = _instance_credentials(call)
    found = metadata.as_object(text, "the AWS metadata service")
    result = Credentials(*(as_text(found.get(key)) for key in ("AccessKeyId", "SecretAccessKey", "Token")))
    if not result.key_id or not result.secret:
        raise CommandError("no AWS credentials: neither parameters, nor AWS_* variables, nor an instance role")
    return result


def _instance_credentials(call: LoginCall) -> str:
    base = call.terminal.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "") or _INSTANCE
    what, sleep, path = "the EC2 metadata service", call.terminal.sleep, "/latest/meta-data/iam/security-credentials/"
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    session = metadata.get(base, "/latest/api/token", {}, lifetime, sleep, what=what, method="PUT")
    headers = {"X-aws-ec2-metadata-token": session.strip()}
    role = metadata.get(base, path, {}, headers, sleep, what=what).split("\n", 1)[0].strip()
    return metadata.get(base, path + role, {}, headers, sleep, what=what)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
