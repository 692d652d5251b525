"""The user's environment for stacks that tests start: no real provider is asked, and no setting is another than the test's."""

import os
from collections.abc import Mapping

from local_stack import settings
from local_stack.instance import Instance

# Beside the settings: which ports a stack has, and since when `make` has been at work.
OF_THE_TERMINAL = ("STACK_PORT_BASE", "REASONING_STACK_STARTED")


def without_the_users_settings(instance: Instance, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What is left goes by the instance's .env alone. Proxies and certificates stay, for installations."""
    private = {*settings.names(instance), *OF_THE_TERMINAL}
    return {name: value for name, value in environment.items() if name not in private}
