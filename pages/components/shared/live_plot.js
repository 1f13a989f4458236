// One chart, kept: every new figure goes to Plotly.react on the same node, so a zoom stays.

const CONFIG = {
  displaylogo: false,
  responsive: false,
  doubleClick: "autosize",
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "autoScale2d"]],
};

function loaded(address) {
  // Once for the page, however many charts there are. The page's address is one level deep.
  window.genrePlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(address, window.location.href).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      delete window.genrePlotly;
      script.remove();
      reject(new Error(`${script.src} can't be loaded`));
    };
    document.head.append(script);
  });
  return window.genrePlotly;
}

// A visitor's own ranges, by axis. Plotly's uirevision keeps them only where the figure states none.
function follow(root, kept, draw) {
  root.on("plotly_relayout", (change) => {
    for (const axis of ["xaxis", "yaxis"]) {
      const low = change[`${axis}.range[0]`] ?? change[`${axis}.range`]?.[0];
      const high = change[`${axis}.range[1]`] ?? change[`${axis}.range`]?.[1];
      if (low !== undefined && high !== undefined) kept.zoom[axis] = [low, high];
      if (change[`${axis}.autorange`]) delete kept.zoom[axis];
    }
    draw();
  });
}

// What Streamlit's theme gives to its own charts.
function themed(layout, root, height, width) {
  const style = getComputedStyle(root);
  const value = (name, other) => style.getPropertyValue(name).trim() || other;
  const text = value("--st-text-color", "#31333f");
  const line = value("--st-border-color", "#e0e0e0");
  const axis = (given = {}) => ({
    gridcolor: line,
    linecolor: line,
    zerolinecolor: line,
    ...given,
    title: { ...given.title, font: { size: 13, color: text } },
    tickfont: { size: 12, color: text },
  });
  const out = {
    ...layout,
    height,
    width,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: value("--st-font", "sans-serif"), size: 13, color: text },
    hoverlabel: {
      bgcolor: value("--st-secondary-background-color", "#fff"),
      bordercolor: line,
      font: { color: text, size: 13 },
      ...layout.hoverlabel,
    },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: text, activecolor: value("--st-primary-color", text) },
  };
  // Labels let what lies under them through, but can be read on it.
  const ground = value("--st-background-color", "");
  if (/^#[0-9a-f]{6}$/i.test(ground)) {
    out.annotations = (layout.annotations ?? []).map((one) => ({ bgcolor: `${ground}b3`, ...one }));
  }
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(name)) out[name] = axis(layout[name]);
  }
  return out;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".live-plot");
  root.setAttribute("aria-label", data.alt);
  root.style.height = `${data.height}px`;
  const kept = (root.kept ??= { updates: 0, drawn: "", zoom: {} });
  kept.data = data;

  const draw = () => {
    // The newest figure, which may have come while plotly.js was still on its way.
    const { traces, layout, height } = kept.data;
    const width = root.clientWidth;
    if (!width || !window.Plotly || kept.held) return;
    const full = themed(layout, root, height, width);
    for (const [axis, range] of Object.entries(kept.zoom)) {
      full[axis] = { ...full[axis], range: [...range], autorange: false };
    }
    const said = JSON.stringify([traces, full, kept.zoom]);
    if (said === kept.drawn) return;
    kept.drawn = said;
    kept.updates += 1;
    root.dataset.updates = String(kept.updates);
    window.Plotly.react(root, ...structuredClone([traces, full]), CONFIG).then(() => {
      if (!kept.followed) follow(root, kept, draw);
      kept.followed = true;
    });
  };

  loaded(data.plotly).then(draw, (error) => {
    root.textContent = `The chart can't be drawn: ${error.message}. Load the page again.`;
  });

  if (!kept.watcher) {
    // A new figure in the middle of a drag would end it.
    kept.press = () => (kept.held = true);
    kept.release = () => {
      if (!kept.held) return;
      kept.held = false;
      setTimeout(draw);
    };
    root.addEventListener("pointerdown", kept.press);
    window.addEventListener("pointerup", kept.release);
    window.addEventListener("pointercancel", kept.release);
    kept.watcher = new ResizeObserver(draw);
    kept.watcher.observe(root);
    // Light and dark change the colours that are read from the page.
    kept.dark = new MutationObserver(draw);
    kept.dark.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
    for (let at = root; at && at !== document.documentElement; at = at.parentElement) {
      kept.dark.observe(at, { attributes: true, attributeFilter: ["style", "class"] });
    }
  }

  return () => {
    root.removeEventListener("pointerdown", kept.press);
    window.removeEventListener("pointerup", kept.release);
    window.removeEventListener("pointercancel", kept.release);
    kept.watcher?.disconnect();
    kept.dark?.disconnect();
    kept.watcher = null;
    kept.drawn = "";
    kept.followed = false;
    window.Plotly?.purge(root);
  };
}
