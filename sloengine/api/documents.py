"""Operations are parsed, validated and measured once, and remembered by their text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, GraphQLSchema
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from sloengine.api.limits import MAX_TOKENS, OperationMeasure
from sloengine.api.problems import VALIDATION_FAILED

MAX_REMEMBERED = 512
MAX_REMEMBERED_CHARACTERS = 32_768


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A parsed document, what is wrong with it, and its measure when nothing is."""

    document: DocumentNode
    errors: tuple[GraphQLError, ...]
    measure: OperationMeasure | None


class KnownDocuments:
    """The documents of one schema that were used last, bounded in number and size."""

    def __init__(self, *, introspection: bool) -> None:
        self._introspection = introspection
        self._known: OrderedDict[str, KnownDocument] = OrderedDict()

    def get(self, query: str) -> KnownDocument | None:
        """The document of this text, if it was used of late."""
        known = self._known.get(query)
        if known is not None:
            self._known.move_to_end(query)
        return known

    def add(
        self, query: str, schema: GraphQLSchema, document: DocumentNode, rules: tuple[type, ...]
    ) -> KnownDocument:
        """Validate, measure and remember."""
        if not self._introspection:
            rules = (*rules, NoSchemaIntrospectionCustomRule)
        errors = tuple(_with_code(error) for error in validate_document(schema, document, rules))
        known = KnownDocument(document, errors, None if errors else OperationMeasure(schema, document))
        if len(query) <= MAX_REMEMBERED_CHARACTERS:
            self._known[query] = known
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return known


class GuardedDocuments(SchemaExtension):
    """Keeps what is too large from being executed."""

    def __init__(self, documents: KnownDocuments) -> None:
        self._documents = documents
        self._known: KnownDocument | None = None

    def on_parse(self) -> Iterator[None]:
        """Take the parsed document where the text is known; otherwise bound the tokens."""
        context = self.execution_context
        self._known = self._documents.get(context.query or "")
        if self._known is not None:
            context.graphql_document = self._known.document
        else:
            context.parse_options["max_tokens"] = MAX_TOKENS
        yield

    def on_validate(self) -> Iterator[None]:
        """Take the findings where the text is known; measure with the variables in any case."""
        context = self.execution_context
        known = self._known
        if known is None:
            document = context.graphql_document
            if document is None:
                raise AssertionError("validated before it was parsed")
            known = self._documents.add(
                context.query or "", context.schema._schema, document, context.validation_rules
            )
        errors = list(known.errors)
        if known.measure is not None and (
            problem := known.measure.problem(context._provided_operation_name, context.variables)
        ):
            errors.append(problem)
        context.pre_execution_errors = errors
        yield


def _with_code(error: GraphQLError) -> GraphQLError:
    return GraphQLError(
        error.message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        extensions={"code": VALIDATION_FAILED},
    )
