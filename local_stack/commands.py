"""Every command but ``up``: stopping, showing, following, deleting."""

from __future__ import annotations

import shutil
import time

from rich.table import Table

from local_stack import bootstrap, console, env_file, processes, settings, waiting
from local_stack.instance import Instance, resolve
from local_stack.services import LABELS, START_ORDER, Options, definitions
from local_stack.supervision import ALIVE, Supervisor

STOP_SECONDS = 40.0


class CommandError(Exception):
    """The command cannot do what was asked; the message says why."""


def down(instance: Instance) -> None:
    """Stops everything of the instance and makes sure that nothing of it is left. Raises CommandError."""
    if not instance.run.exists():
        console.say("Nothing is running.")
        return
    with bootstrap.locked(instance.run / "lock", "another command on this instance"):
        _down(instance)


def _down(instance: Instance) -> None:
    supervisor = Supervisor(instance)
    pid = supervisor.pid()
    stopped = stop_services(supervisor) if pid is not None else []
    if pid is not None:
        supervisor.shutdown()
        processes.wait(pid, STOP_SECONDS)
    stray = processes.own(instance.state)
    left_behind = processes.describe_all(stray)
    processes.end(stray)
    for name in stopped:
        console.good(f"Stopped {LABELS.get(name, name)}")
    if stray:
        console.good(f"Ended what an earlier run had left behind: {left_behind}")
    if left := processes.own(instance.state):
        raise CommandError(f"These processes did not end: {processes.describe_all(left)}")
    console.say("Nothing is running any more." if stopped or stray else "Nothing was running.")


def stop_services(supervisor: Supervisor) -> list[str]:
    """In the opposite of the start order: whoever is talked to ends after the one who talks. PostgreSQL is the last."""
    alive = [name for name, state in supervisor.states().items() if state["statename"] in ALIVE]
    return [name for name in reversed(START_ORDER) if name in alive and supervisor.stop(name)]


def uptime(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def status(instance: Instance) -> int:
    """0 if every service runs, else 1."""
    states = Supervisor(instance).states()
    table = Table("Service", "State", "Address", "Pid", "Up for", box=None, pad_edge=False)
    for name in START_ORDER:
        state = states.get(name, {})
        running = state.get("statename") == "RUNNING"
        address = ", ".join(f"127.0.0.1:{port}" for port in instance.ports.of_service(name).values())
        if name not in ("postgres", "phoenix"):
            address = instance.url(name)
        since = uptime(state["now"] - state["start"]) if running else ""
        table.add_row(
            name, str(state.get("statename", "STOPPED")), address, str(state["pid"]) if running else "", since
        )
    console.table_console().print(table)
    if states.get("api", {}).get("statename") == "RUNNING":
        console.say(f"How to connect a client: {connect_command(instance)}")
    return 0 if all(states.get(name, {}).get("statename") == "RUNNING" for name in START_ORDER) else 1


def connect_command(instance: Instance) -> str:
    """What prints the instance's address and token for a client."""
    if instance.is_default:
        return "make connect"
    if instance.port_base is not None and instance == resolve(None, str(instance.port_base), {}):
        return f"make connect STACK_PORT_BASE={instance.port_base}"
    return f'make connect ARGS="--state-dir {instance.state}"'


def change(instance: Instance, command: str, name: str) -> None:
    """``start``, ``stop`` or ``restart`` of one service. Raises CommandError, SupervisionError, ServiceFailedError."""
    supervisor = Supervisor(instance)
    if supervisor.pid() is None:
        raise CommandError("The stack does not run. Start it: make up")
    if command in ("stop", "restart"):
        supervisor.stop(name)
        console.good(f"Stopped {LABELS[name]}")
    if command in ("start", "restart"):
        supervisor.start(name)
        service = next(s for s in definitions(instance, settings.read(instance), Options()) if s.name == name)
        waiting.until_healthy(instance, [service], supervisor)
        _until_running(supervisor, name)


def _until_running(supervisor: Supervisor, name: str) -> None:
    """A service may answer before supervisord calls it RUNNING, which takes its first seconds; ``status`` shows the latter."""
    deadline = time.monotonic() + STOP_SECONDS
    while supervisor.states()[name]["statename"] == "STARTING" and time.monotonic() < deadline:
        time.sleep(0.1)


def reset(instance: Instance, *, sure: bool) -> None:
    """Deletes the instance's data, its logs and its minted keys; the installations and the secrets stay."""
    names = ", ".join(env_file.MINTED)
    console.say(f"This deletes the databases, traces and logs in {instance.state}, and {names} in {instance.env_file}.")
    if not sure and not confirmed():
        raise CommandError("Nothing was deleted.")
    down(instance)
    if instance.env_file.exists():
        present = {name: "" for name in env_file.MINTED if name in env_file.read(instance.env_file)}
        env_file.set_values(instance.env_file, present)
    for folder in (instance.postgres_data, instance.phoenix_data, instance.logs, instance.run, instance.home):
        if folder.exists():
            shutil.rmtree(folder)
    console.good("Deleted. make up starts afresh.")


def confirmed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        console.say("(no terminal to ask on: use --yes)")
        return False
