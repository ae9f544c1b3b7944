"""Signed tokens (JWT, HS256) of an operator's backend, by the standard library alone."""

import base64
import hashlib
import hmac
import json
import time


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_set(*secrets):
    """A JWKS of HS256 keys, each named by its place."""
    keys = [
        {"kty": "oct", "alg": "HS256", "kid": str(n), "k": _base64url(secret)}
        for n, secret in enumerate(secrets)
    ]
    return json.dumps({"keys": keys})


def token(secret, sub, *, lifetime_s=600, algorithm="HS256", **claims):
    """`claims` beside the subject and the end; None leaves one out."""
    header = {"alg": algorithm, "typ": "JWT"}
    body = {"sub": sub, "exp": int(time.time()) + lifetime_s, **claims}
    body = {name: value for name, value in body.items() if value is not None}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, body))
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"
