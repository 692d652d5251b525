"""``up``: from whatever is there to a running, healthy stack with its keys."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence

from local_stack import (
    bootstrap,
    console,
    env_file,
    environments,
    litellm_database,
    ports,
    postgres,
    processes,
    settings,
    waiting,
)
from local_stack.instance import Instance, recorded_port_base
from local_stack.services import LABELS, START_ORDER, Options, Service, definitions
from local_stack.supervision import ALIVE, Supervisor, write_configuration

VENVS = ["app", "litellm", "phoenix"]


class SetupError(Exception):
    """A step of the set-up failed; the message says which, and the mend."""


class Stack:
    """One instance on its way up. The steps of ``up`` are its methods, in order."""

    def __init__(self, instance: Instance, options: Options) -> None:
        self.instance, self.options = instance, options
        self.supervisor = Supervisor(instance)
        self.settings: dict[str, str] = {}
        self.services: dict[str, Service] = {}

    def up(self) -> None:
        """Raises one of the package's errors, with what to do in its message."""
        self.instance.prepare()
        with bootstrap.locked(self.instance.run / "lock", "another command on this instance"):
            self._end_orphans()
            self._check_ports()
            self._read_settings()
            self._install()
            self._configure()
            self._start(["phoenix", "demo-provider", "demo-tools"])
            self._start_postgres()
            self._start(["litellm"])
            self._wait(["phoenix", "demo-provider", "demo-tools", "litellm"])
            self._register_prices()
            self._mint_keys()
            self._start(["api"])
            self._wait(["api"])

    def _running(self) -> set[str]:
        return {name for name, state in self.supervisor.states().items() if state["statename"] in ALIVE}

    def _end_orphans(self) -> None:
        """After a kill of supervisord its services live on, unsupervised, and hold the ports."""
        stray = processes.orphans(self.instance.state, self.supervisor.pid())
        if not stray:
            return
        console.say(f"Ending what an earlier run left behind: {processes.describe_all(stray)}")
        processes.end(stray)

    def _check_ports(self) -> None:
        """A service of ours that runs holds its port rightly, as long as the ports stay what they were."""
        moved = recorded_port_base(self.instance.state) != self.instance.port_base
        running = set() if moved else self._running()
        ports.check_free(self.instance.ports, [name for name in START_ORDER if name not in running])
        self.instance.record()

    def _read_settings(self) -> None:
        path = self.instance.env_file
        existed = path.exists()
        generated = env_file.ensure(path, self.instance.example)
        if not existed:
            console.good(f"Wrote {path} with generated secrets, readable by you alone")
        elif generated:
            console.good(f"Generated in {path}: {', '.join(generated)}")
        self.settings = settings.read(self.instance)
        postgres.check_password(self.settings["LITELLM_POSTGRES_PASSWORD"])

    def _install(self) -> None:
        bootstrap.ensure(VENVS)
        # npm brings certificates of its own; a company's are with the system's.
        os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")
        engine, node = environments.engine_folder(), environments.node_programs()
        litellm = bootstrap.venv("litellm")
        with bootstrap.locked(bootstrap.state_root() / "install.lock", "another installation in this checkout"):
            missing = not (engine / litellm_database.STAMP).exists()
            missing = missing or not (litellm / litellm_database.CLIENT_STAMP).exists()
            text = "LiteLLM's database engine"
            with console.step(f"Installing {text}", f"Installed {text}") if missing else contextlib.nullcontext():
                litellm_database.install_engine(node, engine)
                litellm_database.generate_client(litellm, engine, node)

    def _configure(self) -> None:
        """Starts supervisord, or has the running one end just those services whose definition has changed."""
        services = definitions(self.instance, self.settings, self.options)
        self.services = {service.name: service for service in services}
        path = write_configuration(self.instance, services)
        if self.supervisor.pid() is None:
            self.supervisor.start_daemon(path)
            return
        for name in self.supervisor.reload():
            console.say(f"{LABELS.get(name, name)} has changed and is started anew")

    def _start(self, names: Sequence[str]) -> None:
        for name in names:
            if self.supervisor.start(name):
                console.say(f"Starting {self.services[name].label} on {self._address(name)} ...")

    def _address(self, name: str) -> str:
        return ", ".join(f"port {port}" for port in self.instance.ports.of_service(name).values())

    def _wait(self, names: Sequence[str]) -> None:
        waiting.until_healthy(self.instance, [self.services[name] for name in names], self.supervisor)

    def _start_postgres(self) -> None:
        password = self.settings["LITELLM_POSTGRES_PASSWORD"]
        if postgres.needs_provision(self.instance, password):
            self.supervisor.stop("postgres")
            with console.step("Setting up PostgreSQL's data", "PostgreSQL's data is set up"):
                postgres.provision(self.instance, password)
        self._start(["postgres"])
        self._wait(["postgres"])
        self._migrate(password)

    def _migrate(self, password: str) -> None:
        site = next(bootstrap.venv("litellm").glob("lib/python*/site-packages"))
        url = postgres.url(self.instance, password)
        migrations = site / "litellm_proxy_extras" / "migrations"
        applied = litellm_database.migrate(postgres.programs() / "psql", url, migrations)
        if applied:
            console.good(f"Applied {applied} migrations of LiteLLM's database")

    def _register_prices(self) -> None:
        config = str(self.instance.litellm_config)
        told = self._operate(
            "prices", "--phoenix-url", self.instance.url("phoenix"), "--config", config,
            failure="The prices could not be registered in Phoenix",
        )  # fmt: skip
        if told.startswith("Changed"):
            console.good(told)

    def _mint_keys(self) -> None:
        self._operate(
            "keys", "--env-file", str(self.instance.env_file), "--litellm-url", self.instance.url("litellm"), "--write",
            failure="The virtual keys could not be set up", LITELLM_MASTER_KEY=self.settings["LITELLM_MASTER_KEY"],
        )  # fmt: skip
        minted = settings.read(self.instance)
        if minted != self.settings:
            console.good(f"Virtual keys are in {self.instance.env_file}")
            self.settings = minted
            self._configure()

    def _operate(self, operation: str, *arguments: str, failure: str, **variables: str) -> str:
        """What a program of `operations` says. It runs in a process of its own, as it does for whoever calls it by hand.

        Raises SetupError.
        """
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        result = subprocess.run(
            [sys.executable, "-m", f"operations.{operation}", *arguments], cwd=self.instance.root,
            env=environment | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if result.returncode != 0:
            raise SetupError(f"{failure}:\n{result.stderr.strip()}")
        return result.stdout.strip()
