"""All runs in a table, and what can be done with those that are selected."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st

from genre_engine import runs
from genre_engine.errors import GenreEngineError
from genre_engine.metrics.export import value_of
from genre_engine.runs import Run
from genre_engine.runs.notes import MOST_SIGNS
from genre_engine.storage import owners
from pages.components.compare import repeat
from pages.components.compare import runs as compare_runs
from pages.components.shared.text import plain
from pages.components.train import bundles

_SELECTED = "managed"
_KEPT = "managed-kept"
_TURN = "managed-turn"
_REMOVED = "managed-removed"
_SAID = "managed-said"
_MOST_PX = 420


def tag_filter(found: Sequence[Run]) -> list[Run]:
    """Buttons of all tags, if there are any; the runs that have all of those that are pressed."""
    tags: dict[str, str] = {}
    for run in found:
        for word in run.notes().tags:
            tags.setdefault(word.casefold(), word)
    if not tags:
        return list(found)
    words = [tags[key] for key in sorted(tags)]
    kept = [word for word in st.session_state.get("tagged") or [] if word in words]
    if kept != (st.session_state.get("tagged") or []):
        st.session_state["tagged"] = kept
    chosen = st.pills(
        "Only runs tagged",
        words,
        selection_mode="multi",
        key="tagged",
        format_func=plain,
        persist_state="session",
        help="Applies to the whole page. A run must have all tags that are pressed.",
    )
    wanted = {word.casefold() for word in chosen}
    return [run for run in found if wanted <= {word.casefold() for word in run.notes().tags}]


def section(listed: Sequence[Run]) -> None:
    """The runs that whoever looks may change.

    Args:
        listed: those that the page shows, the newest first.
    """
    st.header("Manage runs", anchor=False)
    _removed()
    if said := st.session_state.pop(_SAID, None):
        st.error(plain(said), icon=":material/error:")
    mine = [run for run in listed if owners.may_change(run.folder)]
    if not mine:
        st.markdown("None of these runs is yours, so there is nothing to change here.")
        return
    chosen = _chosen(mine)
    if not chosen:
        st.markdown(
            ":gray[Select runs in the table or by name to rename, note, tag, repeat, export or "
            "remove them.]"
        )
        return
    with st.container(horizontal=True, key="manage-actions"):
        finished = [run for run in chosen if run.error is None and run.status == "finished"]
        if len(finished) > 1:
            st.button(
                "Compare these",
                icon=":material/compare_arrows:",
                on_click=_compare,
                args=([run.name for run in finished],),
            )
        if len(chosen) == 1:
            _of_one(chosen[0])
        if all(run.error is None for run in chosen):
            _tags(chosen)
        _remove(chosen)


def _chosen(mine: list[Run]) -> list[Run]:
    """The table and, for keyboards and phones, the same by name."""
    by_id = {run.id: run for run in mine}
    kept = [one for one in st.session_state.get(_KEPT, []) if one in by_id]
    # What a widget holds is lost when its options change, as by a new name.
    st.session_state[_SELECTED] = kept
    ids = list(by_id)
    turn = st.session_state.get(_TURN, 0)
    key = f"manage-table-{turn}-{len(ids)}"
    st.dataframe(
        [_row(run) for run in mine],
        hide_index=True,
        height=min(38 + 35 * len(mine), _MOST_PX),
        key=key,
        on_select=lambda: _take(key, ids),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(one) for one in kept]}},
        placeholder="–",
        column_config={
            "Run": st.column_config.TextColumn(width="medium"),
            "Tags": st.column_config.ListColumn(width="small"),
            "Note": st.column_config.TextColumn(width="medium"),
            "Macro F1": st.column_config.NumberColumn(format="%.3f", width="small"),
            "Seed": st.column_config.NumberColumn(format="%d", width="small"),
        },
        alt=f"{len(mine)} runs, the newest first; select some to change them",
    )
    found = st.multiselect(
        "Selected runs",
        ids,
        key=_SELECTED,
        format_func=lambda one: by_id[one].name if one in by_id else one,
        on_change=_take_names,
        placeholder="None",
    )
    return [by_id[one] for one in found]


def _take(key: str, ids: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    st.session_state[_KEPT] = [ids[row] for row in rows if row < len(ids)]


def _take_names() -> None:
    st.session_state[_KEPT] = list(st.session_state[_SELECTED])
    _turn()


def _turn() -> None:
    """Have the table drawn again, with what is selected by name."""
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def _row(run: Run) -> dict[str, Any]:
    noted = run.notes()
    row: dict[str, Any] = {
        "Run": run.name,
        "Status": run.status,
        "Macro F1": None,
        "Tags": list(noted.tags),
        "Note": noted.note or None,
    }
    if run.error is not None:
        return row | dict.fromkeys(("Data set", "Model", "Split", "Seed", "Made"))
    with suppress(GenreEngineError):
        report = compare_runs.stored(run.id, compare_runs.changed(run))
        row["Macro F1"] = value_of(report.get("validation"), "f1.macro")
    config = run.config
    return row | {
        "Data set": config.dataset,
        "Model": config.model,
        "Split": config.split.get("kind"),
        "Seed": config.seed,
        "Made": config.created[:16].replace("T", " "),
    }


def _compare(names: list[str]) -> None:
    st.session_state["compared"] = names


def _of_one(run: Run) -> None:
    if run.error is not None:
        return
    with st.popover("Rename", icon=":material/edit:", key=_key("rename", run)):
        st.text_input("New name", run.name, max_chars=64, key=f"rename-{run.id}")
        st.button(
            "Save name",
            key=f"rename-go-{run.id}",
            type="primary",
            on_click=_do,
            args=(lambda: runs.rename(run, str(st.session_state[f"rename-{run.id}"])),),
        )
    with st.popover("Note", icon=":material/notes:", key=_key("note", run)):
        st.text_area("Note", run.notes().note, max_chars=MOST_SIGNS, key=f"note-{run.id}")
        st.button(
            "Save note",
            key=f"note-go-{run.id}",
            type="primary",
            on_click=_do,
            args=(lambda: runs.annotate(run, note=str(st.session_state[f"note-{run.id}"])),),
        )
    if run.status == "finished":
        repeat.offer(run)
        bundles.export(run)


def _tags(chosen: list[Run]) -> None:
    common = [
        word
        for word in chosen[0].notes().tags
        if all(word.casefold() in map(str.casefold, run.notes().tags) for run in chosen)
    ]
    known = sorted({word for run in runs.listing() for word in run.notes().tags})
    key = f"tags-{'-'.join(run.id for run in chosen)}-{st.session_state.get(_TURN, 0)}"
    with st.popover("Tags", icon=":material/sell:", key=f"manage-{key}"):
        st.multiselect(
            "Tags" if len(chosen) == 1 else f"Tags that all {len(chosen)} have",
            known,
            default=common,
            key=key,
            accept_new_options=True,
            placeholder="Choose or type a tag",
        )
        st.button(
            "Save tags",
            key=f"{key}-go",
            type="primary",
            on_click=_do,
            args=(lambda: _write_tags(chosen, common, list(st.session_state[key])),),
        )


def _write_tags(chosen: list[Run], common: list[str], wanted: list[str]) -> None:
    kept = {word.casefold() for word in wanted}
    gone = [word for word in common if word.casefold() not in kept]
    for run in chosen:
        runs.tag(run, wanted, gone)


def _remove(chosen: list[Run]) -> None:
    n = len(chosen)
    with st.popover("Remove", icon=":material/delete:", key=_key("remove", *chosen)):
        what = f"**{plain(chosen[0].name)}**" if n == 1 else f"these {n} runs"
        st.markdown(
            f"Remove {what} with model and predictions? For {runs.KEPT_DAYS} days "
            f"{'it' if n == 1 else 'they'} can be brought back here."
        )
        st.button(
            "Yes, remove",
            key=f"remove-go-{'-'.join(run.id for run in chosen)}",
            type="primary",
            on_click=_do,
            args=(lambda: _discard(chosen),),
        )


def _discard(chosen: list[Run]) -> None:
    gone: list[str] = []
    st.session_state[_REMOVED] = gone
    for run in chosen:
        runs.discard(run)
        gone.append(run.id)
    st.session_state[_KEPT] = []


def _removed() -> None:
    """What was removed a moment ago, with a way back, and what else is in the trash."""
    thrown = runs.trash()
    by_id = {run.id: run for run in thrown}
    now = [by_id[one] for one in st.session_state.get(_REMOVED, []) if one in by_id]
    if now:
        names = ", ".join(f"**{plain(run.name)}**" for run in now)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(f"Removed {names}.", icon=":material/delete:")
            st.button(
                "Undo",
                icon=":material/undo:",
                key="manage-undo",
                on_click=_do,
                args=(lambda: [runs.restore(run.id) for run in now],),
            )
    others = [run for run in thrown if run not in now]
    if others:
        with st.popover(f"Removed lately: {len(others)}", icon=":material/restore_from_trash:"):
            for run in others:
                st.button(
                    f"Bring back {plain(run.name)}",
                    key=f"restore-{run.id}",
                    on_click=_do,
                    args=(lambda run=run: runs.restore(run.id),),
                )


def _do(change: Callable[[], object]) -> None:
    """Make a change; what speaks against it is said on the page."""
    try:
        change()
    except GenreEngineError as error:
        st.session_state[_SAID] = str(error)
    _turn()


def _key(what: str, *chosen: Run) -> str:
    """A popover's key: it closes when something was done, for it is another one then."""
    ids = "-".join(run.id for run in chosen)
    return f"manage-{what}-{ids}-{st.session_state.get(_TURN, 0)}"
