"""OPTIONS tells what a path can do, to anyone who asks."""

from tests.api.serving import serving
from tests.conftest import LazyDatabase

METHODS = {
    "/api/campaigns": "GET, OPTIONS, POST",
    "/api/contacts/a": "DELETE, GET, OPTIONS, PATCH, PUT",
    "/api/campaigns/a/start": "OPTIONS, POST",
    "/docs": "GET, OPTIONS",
}


async def test_options_names_every_method_of_a_path(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for path, methods in METHODS.items():
            response = await api.nobody.options(path)

            assert (response.status_code, response.headers["allow"], response.content) == (204, methods, b"")
            refused = await api.nobody.request("TRACE", path)
            assert sorted(refused.headers["allow"].split(", ")) == methods.split(", ")
