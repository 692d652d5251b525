"""What properties are made of: any JSON, and how many examples a slow one gets."""

from hypothesis import settings
from hypothesis import strategies as st

# Of a property that takes long: a third of what the profile gives to all others, in `make fuzz` too.
FEW = settings(max_examples=max(10, settings().max_examples // 3))


def any_json(
    texts: st.SearchStrategy[str] | None = None, names: st.SearchStrategy[str] | None = None, *, most: int = 6
) -> st.SearchStrategy[object]:
    """A value of any type, with so many leaves at most; the texts and names in it are such as these, or any."""
    text = st.text(max_size=12) if texts is None else texts | st.text(max_size=12)
    name = st.text(max_size=4) if names is None else names | st.text(max_size=4)
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(name, inner, max_size=4), max_leaves=most
    )
