# One image, three roles: web, worker, clock. The command says which (see compose.yaml).
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 UV_COMPILE_BYTECODE=1
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --quiet uv==0.13.9 \
    && /opt/venv/bin/uv pip install --python /opt/venv/bin/python --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
# pg_dump and pg_restore for `manage.py backup` and `restore`; fonts for reports.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /srv/medimaging --shell /usr/sbin/nologin medimaging \
    && install --directory --owner medimaging --mode 0700 /var/lib/medimaging
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/medimaging
COPY manage.py ./
COPY medimaging medimaging
COPY accounts accounts
COPY mlcore mlcore
COPY diagnosis diagnosis
COPY templates templates
COPY static static
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=3 \
    MPLCONFIGDIR=/tmp/matplotlib \
    MEDIMAGING_VAR=/var/lib/medimaging
RUN MEDIMAGING_SECRET_KEY=build MEDIMAGING_IDENTITY_KEY=build MEDIMAGING_VAR=/tmp/build \
    python manage.py collectstatic --noinput --verbosity 0 && rm -rf /tmp/build
USER medimaging
VOLUME /var/lib/medimaging
EXPOSE 8000
CMD ["gunicorn", "--config", "python:medimaging.gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", "medimaging.wsgi:application"]
