"""From stores that answer to the first table: schema, first data, recommendations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceOrder
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings, TelemetryKind
from sloengine.cli import first_data, output
from sloengine.cli.recommendation_text import print_overview
from sloengine.cli.remembered import Remembered, telemetry_of
from sloengine.cli.steps import Steps
from sloengine.cli.topology import all_services
from sloengine.infrastructure.embedded.state_directory import StateDirectory
from sloengine.infrastructure.sample.organisation import sample_provenance

_NEXT_STEPS = """The graph is empty. What to do next, in another shell:
  sloengine ingest FILE                  services and dependencies from .csv, .json or .yaml
  sloengine load-sli FILE                good and total events from .csv
  make up ARGS="--prometheus-url URL"    telemetry of your own Prometheus
  sloengine doctor                       which services and metrics it has for them"""

_NEXT_STEPS_WITH_TELEMETRY = """The graph is empty; {source} has {count} services: {some}
What to do next, in another shell:
  sloengine discover otel --dry-run      what its service-graph metrics say of who calls whom
  sloengine discover otel                bring that into the graph
  sloengine ingest FILE                  or services and dependencies from .csv, .json or .yaml
  sloengine doctor                       which metrics it has, and for which services
Their past is read in, and recommendations are made, as soon as they are in the graph."""

_SOME = 8


def next_steps(source: str | None, offered: Sequence[str]) -> str:
    """What to do with an empty graph; ``offered``: services that the telemetry source has series for."""
    if source is None or not offered:
        return _NEXT_STEPS
    some = ", ".join(offered[:_SOME]) + (", …" if len(offered) > _SOME else "")
    return _NEXT_STEPS_WITH_TELEMETRY.format(source=source, count=len(offered), some=some)


@dataclass
class FirstTable:
    """What ``up`` does with stores that answer."""

    steps: Steps
    state: StateDirectory
    sample_is_missing: bool = False

    async def prepare(self, settings: Settings, *, wants_sample: bool) -> Settings:
        """Migrate, and decide where telemetry comes from."""
        async with open_database(settings) as stores:
            applied = await stores.migrator.up()
            if applied:
                self.steps.say(f"the database's schema is up to date ({len(applied)} migrations applied)")
            page = await stores.graph.page_of_services(
                ServiceFilter(), ServiceOrder.SERVICE_ID, PageRequest(first=1)
            )
        remembered = Remembered.read(self.state)
        settings = telemetry_of(settings, remembered, is_empty=not page.rows, wants_sample=wants_sample)
        is_sample = settings.telemetry_kind is TelemetryKind.SAMPLE
        sample_is_in = remembered.sample_is_in and bool(page.rows)
        if sample_is_in and not is_sample:
            output.warn(
                f"{self.state.root} holds the {sample_provenance(remembered.sample_seed or settings.sample_seed)} "
                "from an earlier run, beside what is yours. For your own services alone: `sloengine reset`, or "
                "another --state-dir"
            )
        self.sample_is_missing = is_sample and not sample_is_in
        Remembered.of(settings, sample_is_in=sample_is_in).write(self.state)
        return settings

    async def fill(self, settings: Settings, files: first_data.Files | None) -> None:
        """Files or the sample, telemetry, recommendations; prints the table."""
        async with open_use_cases(settings) as use_cases:
            if files is not None:
                for warning in files.warnings:
                    output.warn(warning)
                with self.steps.bar("bringing in the files") as advance:
                    ingestion = await first_data.ingest_files(use_cases, files, advance)
                for rejected in ingestion.rejected if ingestion else ():
                    output.warn(f"rejected {rejected.path}: {rejected.message}")
            elif self.sample_is_missing:
                with self.steps.bar(f"bringing in the {sample_provenance(settings.sample_seed)}") as advance:
                    await first_data.ingest_sample(use_cases, settings.sample_seed, advance)
                Remembered.of(settings, sample_is_in=True).write(self.state)
            offered: Sequence[str] = ()
            if use_cases.telemetry_name is not None:
                with self.steps.bar(f"aggregating telemetry: {use_cases.telemetry_name}") as advance:
                    report = await first_data.aggregate(use_cases, advance)
                offered = report.unknown
                if report.error:
                    output.warn(f"telemetry: {report.error}")
                for service_id, reason in sorted(report.refused.items()):
                    output.warn(f"telemetry of {service_id} refused: {reason}")
            services = {service.service_id: service for service in await all_services(use_cases, ServiceFilter())}
            if not services:
                output.out.print(next_steps(use_cases.telemetry_name, offered), highlight=False, markup=False)
                return
            with self.steps.bar(f"recommending for {len(services)} services") as advance:
                results = await first_data.recommend_all(use_cases, list(services), advance)
            missing = len(services) * len(first_data.SLI_TYPES) - len(results)
        title = "Recommended SLOs"
        if settings.telemetry_kind is TelemetryKind.SAMPLE:
            title = f"{title} of the {sample_provenance(settings.sample_seed)}"
        if missing:
            output.warn(f"{missing} recommendations could not be computed; why is in {self.state.logs / 'up.log'}")
        print_overview(results, services, title)
