"""How clients speak: a folder a dialect, none of which knows another."""
