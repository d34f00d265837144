# docker build -t deeper .                                   with CUDA's libraries, as requirements.txt pins them
# docker build -t deeper --build-arg WHEELS=https://download.pytorch.org/whl/cpu .     without them, for machines without a GPU
# docker run --rm -v "$PWD/own:/deeper/own" deeper           make study, its pages in own/
# docker run --rm deeper make test

FROM debian:bookworm-slim
ARG WHEELS=""
# procps and iproute2 serve tests; apt's lists stay, for the data come by apt-get download
RUN apt-get update && apt-get install -y --no-install-recommends \
    ca-certificates git iproute2 make procps python3.11 python3.11-venv
WORKDIR /deeper
COPY . .
RUN git config --global --add safe.directory /deeper && PIP_EXTRA_INDEX_URL="$WHEELS" make setup
CMD ["make", "study"]
