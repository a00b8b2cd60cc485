# `web` for others: docs/web.md#for-others, with compose.yaml. It was not built where it was written,
# where no container engine is at hand; `pytest -m slow tests/web/test_container.py` does what it says
# step by step.
FROM python:3.11-slim

# Of a user who owns nothing.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin web

# PyTorch without CUDA, whose libraries take 3 GB. Set it to "" for the index that pip knows.
ARG EXTRA_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY pyproject.toml README.md LICENSE cli.py ./
COPY audit audit
COPY lowkey_core lowkey_core
COPY adversaries adversaries
COPY reports reports
COPY web web
RUN pip install --no-cache-dir ${EXTRA_INDEX:+--extra-index-url "$EXTRA_INDEX"} ".[web]" && rm -r /src

WORKDIR /
ENV PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/enter', timeout=8)"]
# /photos is a tmpfs of that user: photos are never on a disk.
ENTRYPOINT ["lowkey-audit", "web", "--host", "0.0.0.0", "--port", "5000", "--folder", "/photos"]
