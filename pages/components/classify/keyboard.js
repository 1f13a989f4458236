// Keys for the whole page: play, seek, from song to song, the list of keys. One player at a time.

// How long a player that is to start is waited for.
const MOST_WAITS = 60;
const WAIT_MS = 200;
const SEEK_S = 5;

// What the last drawing left running; the page has one of these components.
let stop = () => {};

const TYPED = "textarea, select, [contenteditable], [role=combobox], [role=listbox]";
const PRESSED = "button, a, summary, label, [role=button], [role=option]";
const MOVED = "audio, [role=slider], [role=tab], [role=radio], [role=menuitem]";

function typedIn(element) {
  if (element.matches("input")) return !["checkbox", "radio", "range"].includes(element.type);
  return element.closest(TYPED) !== null;
}

export default function ({ data, parentElement, setTriggerValue }) {
  stop();
  const cards = () =>
    [...document.querySelectorAll("[class*='st-key-song-']")].filter((card) =>
      [...card.classList].some((name) => /^st-key-song-\d+$/.test(name)),
    );
  const playerOf = (card) => card?.querySelector("audio") ?? null;
  const current = () => {
    const all = cards();
    return (
      all.find((card) => playerOf(card) && !playerOf(card).paused) ??
      all.find((card) => card.contains(document.activeElement)) ??
      all.find((card) => card.classList.contains(window.genreStudioCard)) ??
      all[0]
    );
  };
  const remember = (card) => {
    window.genreStudioCard = [...card.classList].find((name) => /^st-key-song-\d+$/.test(name));
  };

  const go = (step) => {
    const here = current();
    const playing = Boolean(playerOf(here) && !playerOf(here).paused);
    if (data.listed) return setTriggerValue("move", { step, playing });
    const all = cards();
    const next = all[all.indexOf(here) + step];
    if (!next) return;
    remember(next);
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "start", behavior: "smooth" });
    if (playing) {
      playerOf(here).pause();
      playerOf(next)?.play();
    }
  };

  const onKey = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const target = event.composedPath()[0];
    if (!(target instanceof Element) || typedIn(target)) return;
    const inside = (what) => event.composedPath().some((one) => one.matches?.(what));
    if (inside("[role=dialog]")) return;
    const audio = playerOf(current());
    let act = null;
    if (event.key === "j") act = () => go(1);
    else if (event.key === "k") act = () => go(-1);
    else if (event.key === "?") {
      act = () => document.querySelector(".st-key-keyboard button")?.click();
    } else if (event.key === " ") {
      const takes = inside(PRESSED) || inside(MOVED) || target.matches("input");
      if (audio && !takes) act = () => (audio.paused ? audio.play() : audio.pause());
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const takes = inside(MOVED) || inside("[data-testid=stDataFrame]") || target.matches("input");
      const to = audio && audio.currentTime + (event.key === "ArrowLeft" ? -SEEK_S : SEEK_S);
      if (audio && !takes) {
        act = () => (audio.currentTime = Math.min(audio.duration || 0, Math.max(0, to)));
      }
    }
    if (act === null) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  const onPlay = (event) => {
    for (const other of document.querySelectorAll("audio")) {
      if (other !== event.target) other.pause();
    }
    const card = cards().find((one) => one.contains(event.target));
    if (card) remember(card);
  };

  // A song whose playing was asked for in the list: its card may be drawn, and its file be there,
  // only a moment later.
  let timer = null;
  const wanted = data.play;
  if (wanted && wanted.number > (window.genreStudioPlayed ?? 0)) {
    window.genreStudioPlayed = wanted.number;
    let waits = 0;
    timer = setInterval(() => {
      const audio = playerOf(cards().find((one) => one.classList.contains(wanted.card)));
      waits += 1;
      if (audio?.readyState) audio.play().catch(() => {});
      if (audio?.readyState || waits > MOST_WAITS) clearInterval(timer);
    }, WAIT_MS);
  }

  document.addEventListener("keydown", onKey, true);
  document.addEventListener("play", onPlay, true);
  stop = () => {
    document.removeEventListener("keydown", onKey, true);
    document.removeEventListener("play", onPlay, true);
  };
  return () => {
    stop();
    clearInterval(timer);
  };
}
