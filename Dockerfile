# A pipeline behind HTTP, see docs/server.md:
#   docker build -t rel .
#   docker run --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 -e REL_TOKEN -v "$PWD/training/model-best:/pipeline:ro" rel
FROM python:3.12-slim
RUN pip install --no-cache-dir "torch>=2.4.0" --index-url https://download.pytorch.org/whl/cpu
COPY setup.cfg pyproject.toml README.md LICENSE /src/
COPY rel_component /src/rel_component
RUN pip install --no-cache-dir "/src[serve]" && rm -r /src
# or, in place of the mounted folder, a wheel that `spacy package` has made:
# COPY en_relations-0.1.0-py3-none-any.whl /tmp/
# RUN pip install --no-cache-dir /tmp/*.whl
RUN useradd --uid 10001 --no-create-home rel
USER rel
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "spacy", "rel", "serve"]
CMD ["/pipeline", "--host", "0.0.0.0", "--token-env", "REL_TOKEN"]
