"""A sign-in service on loopback that speaks OpenID Connect: codes for one use, PKCE, tokens signed with RS256."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "signalbox-test", "client-secret-of-the-test"


@dataclass
class Provider:
    """`person`: the claims of whoever signs in; `bent`: what the next tokens say differently from what is right."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    bent: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    ended: list[dict[str, str]] = field(default_factory=list)

    def authorize(self, asked: dict[str, str]) -> str:
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code" and asked["nonce"]
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(24)
        self.codes[code] = asked
        self.secrets.append(code)
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """None for a code that was used before, a wrong client or a verifier that does not fit."""
        asked = self.codes.pop(form.get("code", ""), None)
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if asked is None or unquote(client) != f"{CLIENT}:{CLIENT_SECRET}":
            return None
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if challenge.decode().rstrip("=") != asked["code_challenge"]:
            return None
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": self.person["email"], "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], "email_verified": True} | self.person | self.bent
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        access = secrets.token_urlsafe(32)
        self.secrets += [token, access]
        return {"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": token}

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }


@contextmanager
def oidc_provider() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            match parts.path:
                case "/.well-known/openid-configuration":
                    self.say(200, provider.metadata)
                case "/keys":
                    self.say(200, {"keys": [provider.key.as_dict(private=False)]})
                case "/authorize":
                    self.lead(provider.authorize(asked))
                case "/end":
                    provider.ended.append(asked)
                    self.lead(asked["post_logout_redirect_uri"])
                case _:
                    self.say(404, {})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            made = provider.token({name: one[0] for name, one in form.items()}, self.headers.get("Authorization", ""))
            self.say(400, {"error": "invalid_grant"}) if made is None else self.say(200, made)

        def say(self, status: int, body: dict[str, Any]) -> None:
            told = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def lead(self, place: str) -> None:
            self.send_response(302)
            self.send_header("Location", place)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()
