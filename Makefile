# What a developer does here, each as one target; each installs and builds what it needs first.

BIN := node_modules/.bin
INSTALLED := node_modules/.package-lock.json
BUILT := dist/.built
# Folders are named too: they change when a file goes, and nothing stale may stay in dist. Without its dot `test` would
# be the target.
SOURCES := tsconfig.json $(shell find src/. test/. migrations/. bench/. examples/. -type d -o -name '*.ts')

BUILD_DESCRIPTORS := $(BIN)/buf build --as-file-descriptor-set --exclude-source-info -o -\#format=binpb

# $(call generate,FOLDER) writes below FOLDER all that is generated from proto/. The loader's options are those of
# src/wire/loader.ts. Descriptor sets are joined by joining their bytes.
define generate
	mkdir -p $(1)/proto && rm -rf $(1)/src/wire/gen && \
	$(BIN)/proto-loader-gen-types --longs=Number --enums=String --defaults --oneofs --grpcLib=@grpc/grpc-js \
	  --importFileExtension=.ts -I proto -O $(1)/src/wire/gen \
	  sessionauthority/v1/session_service.proto google/rpc/status.proto google/rpc/error_details.proto && \
	$(BUILD_DESCRIPTORS) > $(1)/proto/descriptor_set.binpb && \
	$(BUILD_DESCRIPTORS) node_modules/grpc-health-check/proto >> $(1)/proto/descriptor_set.binpb
endef

# Of the command line alone: some systems have a NAME in the environment.
ifneq ($(origin NAME),command line)
NAME :=
endif

define MIGRATION
import type { Knex } from 'knex';

export async function up(_knex: Knex): Promise<void> {
  throw new Error('not written yet');
}

export async function down(_knex: Knex): Promise<void> {
  throw new Error('not written yet');
}
endef
export MIGRATION

.PHONY: help run install build test soak coverage bench bench-scale bench-readme check audit format generate migrate migrate-down migrate-status migration clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: $(BUILT) ## Start the service with what the environment says; nothing need be set.
	@exec node dist/src/main.js serve

install: $(INSTALLED) ## Install the packages of package-lock.json, if they are not the ones installed.

# What the lock file says, and it stays as it is. `npm ci` refuses one that does not list the tools' optional packages
# for every platform, as this one doesn't.
$(INSTALLED): package-lock.json
	@npm install --no-save
	@touch $@

build: $(BUILT) ## Compile src, test, migrations, bench and examples to dist, if they have changed.

$(BUILT): $(INSTALLED) $(SOURCES)
	@rm -rf dist
	@$(BIN)/tsc
	@touch $@

test: $(BUILT) ## Run all tests.
	@$(BIN)/mocha

soak: $(BUILT) ## Hold watch streams to their promise through random faults, for SOAK_MINUTES (10) at least.
	@$(BIN)/mocha --no-config --require ./dist/test/source_maps.js --require ./dist/test/servers/fixture.js 'dist/test/soak/*.soak.js'

coverage: $(BUILT) ## Run all tests, then show how much of src they reach.
	@$(BIN)/c8 --exclude-after-remap --include 'src/**' --exclude 'src/wire/gen/**' --reporter text --reporter html $(BIN)/mocha

bench: $(BUILT) ## Measure, print a table and write bench/results.json: make bench BENCH=ring, or all without BENCH
	@node --expose-gc dist/bench/main.js

bench-scale: $(BUILT) ## Measure what takes long: more streams, more sessions; BENCH as above, bench/results-scale.json
	@node --expose-gc dist/bench/main.js scale

bench-readme: $(BUILT) ## Put the table of what was measured last into the README.
	@node dist/bench/readme.js

check: $(INSTALLED) ## Check types, lint, the folders' arrows, format, Docker's files, the contract and what is generated from it.
	@$(BIN)/tsc --noEmit
	@$(BIN)/oxlint src test migrations bench examples
	@$(BIN)/biome format
	@$(BIN)/dockerfile-utils lint Dockerfile
	@$(BIN)/yaml valid --single < compose.yaml
	@$(BIN)/buf lint
	@$(BIN)/buf breaking --against proto/first_contract.binpb
	@out=$$(mktemp -d) && trap 'rm -rf "$$out"' EXIT && \
	$(call generate,"$$out") && \
	diff -r "$$out"/src/wire/gen src/wire/gen && cmp "$$out"/proto/descriptor_set.binpb proto/descriptor_set.binpb || \
	{ echo 'What is generated from proto/ is out of date: run make generate.' >&2; exit 1; }

audit: $(INSTALLED) ## Ask the registry: no known vulnerability in what is shipped, and a signature for every package.
	@npm audit --omit=dev --audit-level=low
	@npm audit signatures

format: $(INSTALLED) ## Format all files.
	@$(BIN)/biome format --write

generate: $(INSTALLED) ## Generate types and the descriptor set from proto/.
	@$(call generate,.)

migrate: $(BUILT) ## Apply all pending migrations to the database of STORE_URL.
	@node dist/src/main.js migrate up

migrate-down: $(BUILT) ## Revert the newest migration, with all that its tables hold.
	@node dist/src/main.js migrate down

migrate-status: $(BUILT) ## Show which migrations are applied and which are pending.
	@node dist/src/main.js migrate status

migration: ## Begin a migration: make migration NAME=add_x
	@LC_ALL=C; case "$$NAME" in \
	  '') echo 'Name the migration: make migration NAME=add_x' >&2; exit 1 ;; \
	  *[!a-z0-9_]*) echo 'NAME may have a-z, 0-9 and _ alone: make migration NAME=add_x' >&2; exit 1 ;; \
	esac; \
	file="migrations/$$(date -u +%Y%m%d%H%M%S)_$$NAME.ts" && printf '%s\n' "$$MIGRATION" > "$$file" && echo "$$file"

clean: ## Remove what building and testing made.
	@rm -rf dist coverage
