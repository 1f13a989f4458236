"""What axe finds on a page, the grave faults only."""

from axe_playwright_python.sync_playwright import Axe


def grave_faults(page):
    return [
        (fault["id"], [node["html"][:200] for node in fault["nodes"]])
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in ("critical", "serious")
    ]
