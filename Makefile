# Everything below needs Go 1.26, gcc and make, and pip or npm for one download; each target fetches what else it needs into .deps.
# The tests need python3 (3.11 or newer) as well, with venv, or with pip and npm.

GO       ?= go
PREFIX   ?= /usr/local
FUZZTIME ?= 30s
# --cuda fetches the runtime with the CUDA provider.
ONNXRUNTIME_FLAGS ?=

.PHONY: help run build install man test browser vscode inspector agents agents-newest scorers chart release fleet lint vulnerabilities deadcode fmt golden fuzz mutate bench soak deps testdeps clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

run: build ## fetch what is missing, build, serve on 127.0.0.1:8484
	bin/pith serve

build: deps ## leave bin/pith
	$(GO) build -o bin/pith ./cmd/pith

deps: ## fetch ONNX Runtime once, checksummed, into .deps
	@scripts/fetch-onnxruntime $(ONNXRUNTIME_FLAGS)

install: build man ## copy program, runtime library and manual pages below PREFIX
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pith $(DESTDIR)$(PREFIX)/share/man/man1
	install bin/pith $(DESTDIR)$(PREFIX)/bin/pith
	install -m 644 .deps/onnxruntime/libonnxruntime* $(DESTDIR)$(PREFIX)/lib/pith
	install -m 644 bin/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1

man: build ## leave manual pages in bin/man
	bin/pith man bin/man

testdeps: deps ## what the tests need besides: a Redis server, the client SDKs, two coding agents
	@scripts/fetch-redis
	@scripts/fetch-clients
	@scripts/fetch-agents

test: testdeps build ## all tests: real ONNX Runtime, real Redis, real clients, race detector
	$(GO) test -run '^TestWorkIsLinear$$' ./dialects # what is made for a body is not judged under the race detector
	$(GO) test -race -timeout 20m ./...

agents: testdeps build ## every coding agent at its pinned version against a scripted model, directly and through Pith
	@scripts/fetch-agents --all
	$(GO) test -tags agents -run CodingAgent -count 1 -v -timeout 40m ./e2e

browser: testdeps ## the dashboard in a headless Chromium, with axe; PICTURES=DIR keeps the screenshots
	@scripts/fetch-browser
	$(GO) test -tags browser -run Browser -count 1 -v ./dashboard

vscode: build ## bin/pith.vsix, used in a real VS Code in a headless Chromium; PICTURES=DIR keeps the screenshots
	@scripts/vscode --test

inspector: build ## the official MCP inspector against pith mcp
	@scripts/inspect-mcp

agents-newest: testdeps build ## the same with the newest versions, to see a changed format before users do
	@scripts/fetch-agents --newest
	AGENTS=.deps/agents-newest $(GO) test -tags agents -run CodingAgent -count 1 -v -timeout 40m ./e2e

scorers: build ## scoring on the real Triton, MLServer and llama-cpp-python, which are fetched (1 GB) and compiled
	@scripts/fetch-scorers
	$(GO) test -tags scorers -run ScorersOfOthers -count 1 -v -timeout 20m ./perplexity/remote

chart: build ## the Helm chart: linted, rendered with each example, held to the types and schemas of the Kubernetes API, its configurations checked
	@scripts/chart

release: ## the configuration of GoReleaser, read strictly by its own types
	@cd tools/release && $(GO) build -o ../../.deps/release-check . && cd ../.. && .deps/release-check .goreleaser.yaml && echo "ok  .goreleaser.yaml"

fleet: build ## four replicas and real Redis servers under load, killed, added, restarted and failed over
	@scripts/fetch-redis
	bin/pith bench fleet

lint: ## formatting and static checks with the pinned linter
	@scripts/lint

vulnerabilities: ## known ones that the program reaches; needs a module proxy
	@scripts/vulnerabilities

deadcode: ## functions that nothing reaches
	@scripts/deadcode

fmt: ## format in place
	@scripts/lint fmt

golden: testdeps build ## rewrite golden files
	$(GO) test ./parsers ./compress ./bench ./configs ./e2e -update

fuzz: deps ## run each fuzz target for FUZZTIME
	@scripts/fuzz $(FUZZTIME)

mutate: testdeps build ## break the code in one place at a time; each break has to fail a test
	@scripts/mutate.py

bench: build ## quality and speed tables
	bin/pith bench questions
	bin/pith bench retention
	bin/pith bench speed
	bin/pith bench proxy
	bin/pith bench session

soak: testdeps build ## 10,000 streams at one time, 200 bodies of 10 MB, then SOAK_REQUESTS (10,000) with code, on loopback
	$(GO) test -tags soak -run Soak -count 1 -v -timeout 40m ./e2e

clean: ## remove what was built, keep what was fetched
	rm -rf bin dist
