"""Leaving for another page with a query."""

from streamlit.testing.v1 import AppTest

from tests.pages.test_train import ENTRY


def at(page, going):
    app = AppTest.from_file(ENTRY, default_timeout=60)
    app.switch_page(f"pages/{page}.py")
    app.session_state["page-going"] = going
    app.run()
    assert not app.exception
    return app


def test_a_query_that_was_lost_on_the_way_is_put_into_the_address(workspace):
    app = at("classify", ("classify", {"view": "ten", "model": "fast"}))
    assert app.query_params["view"] == ["ten"] or app.query_params["view"] == "ten"
    assert "page-going" not in app.session_state


def test_a_query_for_another_page_waits_for_it(workspace):
    app = at("glossary", ("classify", {"view": "ten"}))
    assert "view" not in app.query_params
    assert app.session_state["page-going"] == ("classify", {"view": "ten"})
