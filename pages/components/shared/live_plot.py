"""A Plotly chart that grows without being mounted again: no flicker, and a zoom stays.

`st.plotly_chart` builds its chart again at every change of its data. This one keeps its node and
hands new figures to `Plotly.react`. plotly.js comes out of the installed plotly package, through
Streamlit's static serving; where the folder can't be written and lacks it, the chart is
Streamlit's own.
"""

import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

logger = logging.getLogger(__name__)

_HERE = Path(__file__)
STATIC = _HERE.parents[3] / "static"
_PLOTLY_JS = "plotly.min.js"

_chart = st.components.v2.component(
    "genre_live_plot",
    html='<div class="live-plot" role="figure"></div>',
    css=_HERE.with_name("live_plot.css").read_text(encoding="utf-8"),
    js=_HERE.with_name("live_plot.js").read_text(encoding="utf-8"),
    # plotly.js puts its styles into the page's head, out of a shadow root's reach.
    isolate_styles=False,
)


def live_plot(figure: "go.Figure", *, key: str, alt: str, height: int) -> None:
    """Draw a figure, or bring the one with this key up to date.

    Args:
        alt: the same in words.
        height: in pixels; the width is the container's.
    """
    version = _ready()
    if version is None:
        figure.update_layout(height=height)
        st.plotly_chart(figure, key=key, alt=alt, config={"displaylogo": False})
        return
    drawn: dict[str, Any] = json.loads(figure.to_json())
    drawn["layout"].pop("template", None)
    _chart(
        key=key,
        data={
            "traces": drawn["data"],
            "layout": drawn["layout"],
            "alt": alt,
            "height": height,
            "plotly": f"app/static/{_PLOTLY_JS}?v={version}",
        },
        height=height,
    )


@st.cache_resource(show_spinner=False)
def _ready() -> str | None:
    """The version of the plotly.js that is served, or None where none can be."""
    import plotly

    source = Path(plotly.__file__).parent / "package_data" / _PLOTLY_JS
    if not st.get_option("server.enableStaticServing"):
        return None
    return plotly.__version__ if put(source, STATIC / _PLOTLY_JS) else None


def put(source: Path, place: Path) -> bool:
    """Copy a file where it isn't yet, never leaving half of it; whether it is there then."""
    try:
        if place.is_file() and place.stat().st_size == source.stat().st_size:
            return True
        place.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", delete=False) as room:
            copied = Path(room.name)
        try:
            shutil.copyfile(source, copied)
            copied.chmod(0o644)
            os.replace(copied, place)
        finally:
            copied.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("no live charts without flicker: %s can't be written (%s)", place, error)
        return False
    return True
