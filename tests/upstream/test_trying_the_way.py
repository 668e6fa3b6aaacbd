"""`ocpp-gateway upstream test` as a process, against a real broker: each step in words, and the exit code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.certificate_maker import Authority
from tests.fakes.fleet_recorder import fleet_recorder
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.mosquitto import Tls, mosquitto
from tests.upstream.contract_check import complaints_about
from tests.upstream.fleet_site import upstream

pytestmark = pytest.mark.slow
ACL = "pattern write ocpp-gateway/v1/%u/up/#\npattern read ocpp-gateway/v1/%u/dn/#\n"


async def tried(directory: Path, port: int, more: str = "", *, host: str = "127.0.0.1") -> tuple[int, list[Any], str]:
    """Exit code, the steps, and what people read."""
    config = directory / "try.toml"
    config.write_text(
        f'[site]\nid = "site-7"\n[data]\ndirectory = "{directory}"\n'
        f'[[upstream]]\nname = "fleet"\nhost = "{host}"\nport = {port}\n{more}\n'
    )
    runs = [
        await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "gateway", "upstream", "test", "--config", str(config), *options],
            capture_output=True,
            text=True,
            check=False,
        )
        for options in ([], ["--json"])
    ]
    assert runs[0].returncode == runs[1].returncode, runs
    (item,) = json.loads(runs[1].stdout)["items"]
    assert item["works"] == (runs[0].returncode == 0)
    return runs[0].returncode, item["steps"], runs[0].stdout


def login(directory: Path, user: str, password: str = "secret") -> str:
    """TOML of a user and its password."""
    file = directory / "password"
    file.write_text(password)
    file.chmod(0o600)
    return f'tls = false\nusername = "{user}"\npassword_file = "{file}"'


def names(steps: list[Any]) -> list[str]:
    return [step["step"] for step in steps]


def failed(steps: list[Any]) -> dict[str, str]:
    return {step["step"]: step["text"] for step in steps if not step["works"]}


async def test_a_way_that_works(tmp_path: Path) -> None:
    users = {"site-7": "secret", "other": "secret"}
    async with mosquitto(tmp_path / "broker", users=users, acl=ACL) as broker:
        code, steps, text = await tried(tmp_path, broker.port, login(tmp_path, "site-7"))
        assert (code, failed(steps)) == (0, {})
        assert names(steps) == ["clock", "name", "tcp", "mqtt", "subscribe", "publish"]
        assert "fleet: 127.0.0.1" in text and "MQTT 5" in text and "secret" not in text


async def test_what_it_says_is_in_the_contract_and_the_running_gateway_keeps_its_link(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker") as broker, fleet_recorder(broker.port) as recorder:
        async with running_gateway(tmp_path, more=upstream(broker.port)) as gateway:
            async with asyncio.timeout(15):
                while not any(one.topic.endswith("up/info") for one in recorder.heard):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            file = tmp_path / "gateway.toml"
            arguments = [sys.executable, "-m", "gateway", "upstream", "test", "fleet", "--config", str(file)]
            done = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done
            assert gateway.site.fleet.upstreams["fleet"].session == 1, "its link was not taken over"
        said = [one for one in recorder.heard if one.topic.endswith("up/test")]
        assert len(said) == 1 and not said[0].retain
        assert complaints_about(said[0].topic, said[0].payload, qos=1, retain=False) == []
        states = [json.loads(one.payload) for one in recorder.heard if one.topic.endswith("up/state")]
        assert [state["state"] for state in states] == ["online", "offline"], "the will of the try is not published"


async def test_what_a_broker_refuses_is_said(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", users={"site-7": "secret", "other": "secret"}, acl=ACL) as broker:
        code, steps, _ = await tried(tmp_path, broker.port, login(tmp_path, "site-7", "wrong"))
        assert (code, failed(steps).keys()) == (1, {"mqtt"})
        assert "not authorized" in failed(steps)["mqtt"]
        code, steps, _ = await tried(tmp_path, broker.port, login(tmp_path, "other"))
        assert (code, failed(steps).keys()) == (1, {"publish"})
        assert "ocpp-gateway/v1/site-7/up/test is refused" in failed(steps)["publish"]


async def test_a_name_and_a_port_that_do_not_answer(tmp_path: Path) -> None:
    code, steps, _ = await tried(tmp_path, 1, "tls = false", host="broker.invalid")
    assert (code, names(steps), failed(steps).keys()) == (1, ["clock", "name"], {"name"})
    code, steps, _ = await tried(tmp_path, 1, "tls = false")
    assert (code, names(steps), failed(steps).keys()) == (1, ["clock", "name", "tcp"], {"tcp"})


async def test_the_certificate_of_the_broker_is_shown_or_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    pair = authority.issue("broker", names="IP:127.0.0.1,DNS:localhost")
    async with mosquitto(tmp_path / "broker", tls=Tls(pair.chain, pair.key)) as broker:
        code, steps, _ = await tried(tmp_path, broker.port, f'ca = "{authority.file}"')
        assert (code, names(steps)) == (0, ["clock", "name", "tcp", "tls", "mqtt", "subscribe", "publish"])
        (shown,) = [step["text"] for step in steps if step["step"] == "tls"]
        assert shown.startswith("TLSv1.3; certificate of broker, signed by ") and "good until" in shown
        code, steps, _ = await tried(tmp_path, broker.port)
        assert (code, failed(steps).keys()) == (1, {"tls"})
        assert "certificate is not accepted" in failed(steps)["tls"]


async def test_nothing_to_try(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[site]\nid = "s"\n')
    arguments = [sys.executable, "-m", "gateway", "upstream", "test", "--config", str(config)]
    done = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True, check=False)
    assert (done.returncode, "no fleet manager is configured" in done.stderr) == (1, True), done
