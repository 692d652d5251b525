"""supervisord: its configuration, its start, and its control over its Unix socket."""

from __future__ import annotations

import http.client
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from local_stack.instance import SERVICE_MARKER, STATE_MARKER, Instance
from local_stack.services import Service

LOG_BYTES = "10MB"
LOG_BACKUPS = 3
# Names of supervisord's own, from its documentation on process states.
ALIVE = ("STARTING", "RUNNING", "BACKOFF")
START_SECONDS = 20.0

State = dict[str, Any]


class SupervisionError(Exception):
    """supervisord could not be started or did not do as asked; the message says why."""


def quoted(text: str) -> str:
    """A percent sign begins an expansion in supervisord's configuration."""
    return text.replace("%", "%%")


def program_section(instance: Instance, service: Service) -> str:
    """The command holds no secret: run_service reads the definition, whose digest here makes a change visible."""
    command = [sys.executable, "-m", "local_stack.run_service", str(definition_file(instance, service.name))]
    options = {
        "command": quoted(shlex.join(command)),
        "environment": f'REASONING_STACK_DEFINITION="{service.digest()}"',
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "3",
        "stopsignal": service.stop_signal,
        "stopwaitsecs": str(service.stop_seconds),
        "stopasgroup": str(service.stop_as_group).lower(),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": quoted(str(instance.log(service.name))),
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }
    return section(f"program:{service.name}", options)


def section(name: str, options: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items())]) + "\n"


def configuration(instance: Instance, services: Iterable[Service]) -> str:
    daemon = {
        "logfile": quoted(str(instance.log("supervisord"))),
        "logfile_maxbytes": LOG_BYTES,
        "logfile_backups": str(LOG_BACKUPS),
        "pidfile": quoted(str(instance.run / "supervisord.pid")),
        "directory": quoted(str(instance.root)),
        "nodaemon": "true",
        "silent": "true",
    }
    if os.getuid() == 0:
        # Said on purpose, or supervisord warns: root's services stay root's.
        daemon["user"] = "root"
    socket = {"file": quoted(str(instance.socket())), "chmod": "0700"}
    interface = {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"}
    return "\n".join(
        [
            section("unix_http_server", socket),
            section("supervisord", daemon),
            section("rpcinterface:supervisor", interface),
            *(program_section(instance, service) for service in services),
        ]
    )


def definition_file(instance: Instance, service: str) -> Path:
    return instance.run / "services" / f"{service}.json"


def write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - the mode counts from the start
        file.write(text)


def write_configuration(instance: Instance, services: list[Service]) -> Path:
    path = instance.run / "supervisord.conf"
    for service in services:
        write_private(definition_file(instance, service.name), service.as_json())
    write_private(path, configuration(instance, services))
    return path


class Supervisor:
    """supervisord's calls, by the names that they have in its documentation."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def _call(self, name: str, *arguments: object) -> Any:
        """A new connection each time: one that failed once is of no more use."""
        transport = SupervisorTransport(None, None, f"unix://{self._instance.socket()}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, name)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise SupervisionError(f"supervisord does not answer ({error}); start it again: make up") from error
        finally:
            transport.close()

    def pid(self) -> int | None:
        """None when no supervisord answers."""
        try:
            return int(self._call("getPID"))
        except (SupervisionError, xmlrpc.client.Error):
            return None

    def states(self) -> dict[str, State]:
        return {state["name"]: state for state in self._call("getAllProcessInfo")} if self.pid() is not None else {}

    def state(self, service: str) -> State:
        return dict(self._call("getProcessInfo", service))

    def start_daemon(self, configuration_file: Path) -> None:
        """Starts supervisord apart from this terminal and waits until it answers. Raises SupervisionError."""
        self._instance.socket().unlink(missing_ok=True)
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
        environment |= {STATE_MARKER: str(self._instance.state), SERVICE_MARKER: "supervisord"}
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration_file)]
        with self._instance.log("supervisord-start").open("w") as output:
            daemon = subprocess.Popen(
                command, env=environment, cwd=self._instance.root, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while self.pid() is None:
            if daemon.poll() is not None or time.monotonic() > deadline:
                said = self._instance.log("supervisord-start").read_text(errors="replace").strip()
                raise SupervisionError(
                    f"supervisord did not start:\n{said}\nIts log: {self._instance.log('supervisord')}"
                )
            time.sleep(0.05)

    def reload(self) -> list[str]:
        """Reads the configuration anew and ends what has changed or is gone; returns those that were running."""
        try:
            [[added, changed, removed]] = self._call("reloadConfig")
        except xmlrpc.client.Fault as fault:
            raise SupervisionError(f"supervisord cannot read its configuration: {fault.faultString}") from fault
        stopped = []
        for name in [*changed, *removed]:
            if self.stop(name):
                stopped.append(name)
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)
        return stopped

    def start(self, service: str) -> bool:
        """False if it was on its way already."""
        return self._change("startProcess", service, "ALREADY_STARTED")

    def stop(self, service: str, *, wait: bool = True) -> bool:
        """False if it was not running."""
        return self._change("stopProcess", service, "NOT_RUNNING", wait=wait)

    def _change(
        self, call: Literal["startProcess", "stopProcess"], service: str, harmless: str, *, wait: bool = False
    ) -> bool:
        try:
            self._call(call, service, wait)
        except xmlrpc.client.Fault as fault:
            if fault.faultString.startswith(harmless):
                return False
            raise SupervisionError(f"supervisord: {service}: {fault.faultString}") from fault
        return True

    def shutdown(self) -> None:
        self._call("shutdown")
