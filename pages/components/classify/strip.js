// Genre over time, on the time axis of the song's player: rows of colour, a playhead, click to seek.
// The player is the <audio> element in the same card; without one the strip is only a picture.

// So often a player that failed is tried again, twice a second.
const MOST_TRIES = 20;

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".strip");
  const lanes = root.querySelector(".lanes");
  const axis = root.querySelector(".axis");
  const tip = root.querySelector(".tip");
  const head = root.querySelector(".head");
  const { rows, starts, ends, duration } = data;
  root.classList.toggle("narrow", data.narrow);

  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  const percent = (s) => `${(100 * Math.min(1, Math.max(0, s / duration))).toFixed(3)}%`;

  const pictures = (data.pictures ?? []).map(({ name, url }) => {
    const lane = document.createElement("div");
    lane.className = "lane picture";
    const label = document.createElement("span");
    label.className = "label";
    label.textContent = name;
    const image = document.createElement("img");
    image.className = "bar";
    image.alt = `${name} of the song over time`;
    image.src = url;
    lane.append(label, image);
    return lane;
  });
  lanes.replaceChildren(
    ...rows.map((row) => {
      const lane = document.createElement("div");
      lane.className = "lane";
      const label = document.createElement("span");
      label.className = "label";
      label.textContent = row.name;
      const bar = document.createElement("span");
      bar.className = "bar";
      // Hard stops: a window is one colour from its start to the next one's.
      const stops = row.values.map((value, i) => {
        const colour = `color-mix(in srgb, var(--st-primary-color) ${Math.round(value)}%, transparent)`;
        const end = i + 1 < starts.length ? Math.min(ends[i], starts[i + 1]) : ends[i];
        return `transparent ${percent(starts[i])}, ${colour} ${percent(starts[i])} ${percent(end)}, transparent ${percent(end)}`;
      });
      bar.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
      lane.append(label, bar);
      return lane;
    }),
    ...pictures,
  );

  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600];
  // So many labels fit; the genres' names take a part of the width.
  const most = root.clientWidth < 260 ? 2 : root.clientWidth < 500 ? 5 : 10;
  const step = steps.find((s) => duration / s <= most) ?? 7200;
  const ticks = [];
  for (let s = 0; s < duration - step * 0.3; s += step) {
    const tick = document.createElement("span");
    tick.textContent = clock(s);
    tick.style.left = percent(s);
    ticks.push(tick);
  }
  axis.replaceChildren(...ticks);

  const card = parentElement.host?.closest(`.st-key-${data.card}`) ?? null;
  const player = () => card?.querySelector("audio") ?? null;
  const field = root.querySelector(".field");

  const show = (s) => {
    head.style.left = percent(s);
    field.setAttribute("aria-valuenow", String(Math.round(s)));
    field.setAttribute("aria-valuetext", `${clock(s)} of ${clock(duration)}`);
  };
  const seek = (s) => {
    const audio = player();
    const to = Math.min(duration, Math.max(0, s));
    if (audio) audio.currentTime = to;
    show(to);
  };
  const timeAt = (event) => {
    const box = field.getBoundingClientRect();
    return (duration * (event.clientX - box.left)) / box.width;
  };

  field.setAttribute("aria-valuemax", String(Math.round(duration)));
  field.onpointerdown = (event) => {
    field.setPointerCapture(event.pointerId);
    seek(timeAt(event));
  };
  field.onpointermove = (event) => {
    if (event.buttons) seek(timeAt(event));
    const s = timeAt(event);
    const box = field.getBoundingClientRect();
    const lane = [...lanes.children].findIndex((one) => {
      const edges = one.getBoundingClientRect();
      return edges.top <= event.clientY && event.clientY <= edges.bottom + 3;
    });
    const at = starts.findLastIndex((start) => start <= s);
    const row = rows[lane];
    if (!row || at < 0 || s > ends[at]) return (tip.hidden = true);
    tip.hidden = false;
    tip.textContent = `${clock(starts[at])} ${row.name}: ${Math.round(row.values[at])}`;
    const left = event.clientX - box.left;
    tip.style.left = `${Math.min(left, box.width - tip.offsetWidth)}px`;
    tip.style.top = `${event.clientY - box.top}px`;
  };
  field.onpointerleave = () => (tip.hidden = true);
  field.onkeydown = (event) => {
    const audio = player();
    if (event.key === " " && audio) {
      event.preventDefault();
      return audio.paused ? audio.play() : audio.pause();
    }
    const now = audio?.currentTime ?? 0;
    const to = { ArrowLeft: now - 5, ArrowRight: now + 5, Home: 0, End: duration }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    seek(to);
  };
  // The player may be mounted after the strip, and mounted again: ask for it as time goes by.
  let followed = null;
  const follow = () => show(followed.currentTime);
  const attach = () => {
    const audio = player();
    if (audio === followed) return;
    followed?.removeEventListener("timeupdate", follow);
    audio?.addEventListener("timeupdate", follow);
    followed = audio;
    if (audio) follow();
  };
  // While the server draws a page again, it may not have the player's file for a moment; the browser
  // asks once and gives up.
  let tries = 0;
  const revive = () => {
    const audio = player();
    if (audio?.error && tries < MOST_TRIES) {
      tries += 1;
      audio.load();
    } else if (audio?.readyState) {
      tries = 0;
    }
  };
  attach();
  const timer = setInterval(() => {
    attach();
    revive();
  }, 500);

  return () => {
    clearInterval(timer);
    followed?.removeEventListener("timeupdate", follow);
  };
}
