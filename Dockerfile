# poseharvest in a container, on the CPU: docs/scale.md. Nobody has built it yet.
FROM python:3.11-slim
WORKDIR /opt/poseharvest
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir -c constraints.txt '.[all,ray]'
WORKDIR /work
ENTRYPOINT ["poseharvest"]
CMD ["--help"]
