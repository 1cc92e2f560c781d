# What there is to do with this tree. Everything runs with Go alone; tests that
# need data say where they look for it (see README.md).

GO       ?= go
TOOLS    := bin
SCHEMAS  ?= ../shared/onnx/schemas.json
FUZZTIME ?= 20s
PLATFORMS := linux/amd64 linux/arm64 linux/riscv64 linux/386 darwin/arm64 darwin/amd64 windows/amd64 js/wasm wasip1/wasm
CPU      := backends/cpu
ASM      := matrix vector integer peak blocked
CORE     := ./adapter/... ./operators/... ./models/... ./backends/cpu/... ./backends/emu/...
SUITE    := ./conformance/...

# Test flags that keep assembly out: go test -tags noasm; MIDPLANE_CPU=avx2 or
# generic masks instructions in a program that has it.

.PHONY: build test race fuzz bench lint generate generate-asm asm-check cross static deps-onnxruntime check test-386 test-arm64 test-js static-check

build: ## the command line, into bin/
	CGO_ENABLED=0 $(GO) build -o $(TOOLS)/midplane ./cmd/midplane

test: ## every test
	$(GO) run ./cmd/testall

race: ## the tests of everything concurrent, under the race detector and checkptr
	$(GO) test -race -short -timeout 30m ./adapter/... ./backends/... ./models/... ./conformance/... ./frameworks/...

fuzz: ## every fuzz target, each for FUZZTIME
	@set -e; for d in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		targets=$$($(GO) test -list '^Fuzz' $$d); \
		for f in $$(echo "$$targets" | grep '^Fuzz'); do \
			echo "fuzz $$d $$f"; \
			MIDPLANE_SLOWNESS=3 $(GO) test $$d -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s; \
		done; \
	done

bench: ## the benchmarks in the tree
	$(GO) test -run '^$$' -bench . -benchmem ./...

lint: ## formatting and vet
	@test -z "$$(gofmt -l .)" || { gofmt -l . ; echo "gofmt would change these"; exit 1; }
	$(GO) vet ./...

generate: ## the operator catalogue (needs SCHEMAS), the capability bits and the generated pages
	$(GO) run ./operators/internal/schemagen $(SCHEMAS) operators/schemas_gen.go
	$(GO) run ./adapter/internal/tablegen .
	$(GO) run ./cmd/midplane ops --markdown --device cpu --device emu:1 >docs/operators.md.new && mv docs/operators.md.new docs/operators.md

generate-asm: ## the assembly of the cpu backend, with the generator in backends/cpu/_gen
	cd $(CPU)/_gen && for p in $(ASM); do $(GO) run ./$$p ../internal/$$p || exit 1; done
	gofmt -w $(CPU)/internal/*/kernels_amd64.go

asm-check: ## that the assembly is what its generator writes; says so where the generator's modules are not to be had
	@if ! (cd backends/cpu/_gen && $(GO) mod download); then \
		echo "NOT RUN: the generator's modules could not be fetched; the assembly was not compared with what it writes" >&2; exit 0; \
	fi; \
	dir=$$(mktemp -d) && cp -r backends/cpu/_gen backends/cpu/internal $$dir && \
		$(MAKE) -s generate-asm CPU=$$dir && diff -r backends/cpu/internal $$dir/internal; status=$$?; rm -r $$dir; \
	if [ $$status != 0 ]; then echo "the assembly is not what its generator writes: run make generate-asm" >&2; fi; exit $$status

cross: ## compiles for every platform
	@for p in $(PLATFORMS); do \
		echo "build $$p"; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build $(CORE) $(SUITE) ./cmd/... || exit 1; \
	done

test-386: ## the tests of core and suite on a 32-bit processor, which amd64 runs itself
	MIDPLANE_SLOWNESS=3 CGO_ENABLED=0 GOARCH=386 $(GO) test -tags static -short -timeout 30m $(CORE) $(SUITE)

test-arm64: ## the core's tests on arm64, emulated by qemu's user mode
	MIDPLANE_SLOWNESS=20 CGO_ENABLED=0 GOARCH=arm64 $(GO) test -tags static -short -timeout 30m -exec qemu-aarch64-static $(CORE)

test-js: ## the core's tests as WebAssembly in Node
	GOOS=js GOARCH=wasm $(GO) test -tags static -short -timeout 30m -exec "$$($(GO) env GOROOT)/lib/wasm/go_js_wasm_exec" $(CORE)

static: ## the static build, which runs in an empty root
	CGO_ENABLED=0 $(GO) build -tags static -ldflags='-s -w' -o $(TOOLS)/midplane-static ./cmd/midplane

static-check: static ## that the static build runs in an empty root (needs root)
	! ldd $(TOOLS)/midplane-static >/dev/null 2>&1
	@root=$$(mktemp -d) && cp $(TOOLS)/midplane-static $$root/midplane && \
		chroot $$root /midplane run --demo >/dev/null; status=$$?; rm -r $$root; exit $$status

deps-onnxruntime: ## ONNX Runtime for its backend's tests, by npm; prints what to set MIDPLANE_ONNXRUNTIME to
	@backends/onnxruntime/fetch.sh

check: lint asm-check cross test race ## everything that must hold before a change lands
	$(GO) mod tidy -diff
