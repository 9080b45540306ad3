"""GraphiQL from own assets: the page, its files and the example operations it opens with."""

from sloengine.api.graphiql.page import graphiql_page, install_graphiql

__all__ = ["graphiql_page", "install_graphiql"]
