# 'make help' lists the targets.

GO            ?= go
LINT_VERSION  := v2.5.0
LINT          := $(CURDIR)/.tools/golangci-lint-$(LINT_VERSION)
FUZZTIME      ?= 30s
BENCH         ?= .
TEST_TIMEOUT  ?= 12m
SEEDS         ?= 3
FOR           ?= 60s
SEED          ?=

.DEFAULT_GOAL := help

## help: list the targets
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | column -t -s ':'

## run: everything in one process, on a simulated venue; Ctrl-C stops
.PHONY: run
run:
	@$(GO) build -o bin/fullon ./cmd/fullon
	@exec bin/fullon up

## test: install what the tests need, then run all of them, nearly all with the race detector
.PHONY: test
test: redis browser
	$(GO) test -race -timeout $(TEST_TIMEOUT) $$($(GO) list ./... | grep -v /internal/acceptance$$)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync test-acceptance test-cluster

# Without the race detector: the processes that are broken here are those of users,
# which have none, and 'make test-long' looks at the rest with it.
## test-acceptance: what the system promises as a whole, while processes and servers are killed
.PHONY: test-acceptance
test-acceptance: redis browser
	$(GO) test -timeout $(TEST_TIMEOUT) ./internal/acceptance

# Without the race detector: the same code ran with it on one server.
## test-cluster: the tests of what is in Redis, on a Redis Cluster
.PHONY: test-cluster
test-cluster: redis
	FULLON_TEST_REDIS=cluster $(GO) test -timeout $(TEST_TIMEOUT) ./cachestore ./client ./internal/projector

## short: the tests that need no server but NATS
.PHONY: short
short:
	$(GO) test -short ./...

## test-long: the outages of the acceptance tests, 10 s each, and 10,000 orders
.PHONY: test-long
test-long: redis
	FULLON_AWAY=10s FULLON_ORDERS=10000 $(GO) test -race -count 1 -timeout 60m ./internal/acceptance

## chaos: break everything while it runs, and check what is left: SEEDS=30 FOR=60s, or SEED=n for one
.PHONY: chaos
chaos: redis
	$(GO) run ./internal/chaos -seeds $(SEEDS) -for $(FOR) $(if $(SEED),-seed $(SEED))

## mutate: guards are removed one by one; a test or a chaos run must fail each time
.PHONY: mutate
mutate: redis
	$(GO) run ./internal/mutate

## lint: gofmt, go vet and golangci-lint
.PHONY: lint
lint: $(LINT)
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'd: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(LINT) run --allow-parallel-runners ./...

$(LINT):
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv .tools/golangci-lint $(LINT)

## reference: write REFERENCE.md and asyncapi.yaml from the code
.PHONY: reference
reference:
	@doc="$$($(GO) run ./internal/asyncapi)" && printf '%s\n' "$$doc" > asyncapi.yaml
	@doc="$$($(GO) run ./internal/reference)" && printf '%s\n' "$$doc" > REFERENCE.md

## bench: benchmarks with their floors, one after the other
.PHONY: bench
bench: redis
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 60m ./internal/bench
	$(GO) test -run '^$$' -bench '$(BENCH)' ./internal/wire ./internal/venue/...

## fuzz: each fuzz target for FUZZTIME
.PHONY: fuzz
fuzz:
	@set -e; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
			echo "== $$target in $$(dirname $$file)"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$(dirname $$file); \
		done; \
	done

# The page is tested in a real Chromium, and a client in Python if its library is
# there. Where neither can be installed the tests tell how to do without.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || [ -n "$$FULLON_NO_BROWSER" ] && exit 0; \
	if command -v apt-get >/dev/null; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends chromium python3-websockets; \
	fi

# The tests run against a real redis-server.
.PHONY: redis
redis:
	@command -v redis-server >/dev/null && exit 0; \
	if command -v apt-get >/dev/null; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && $$sudo apt-get install -y -qq redis-server && \
		{ $$sudo service redis-server stop >/dev/null 2>&1 || true; }; \
	elif command -v brew >/dev/null; then \
		brew install redis; \
	else \
		echo "redis-server is missing. Install it with your package manager (the package is called redis or redis-server),"; \
		echo "then run 'make test' again."; exit 1; \
	fi
