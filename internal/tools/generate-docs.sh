#!/usr/bin/env bash
# Writes docs/ with tfplugindocs from the built provider's schema, templates/ and examples/. Called by `make generate`.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/terraform.rc" <<EOF
provider_installation {
  dev_overrides { "hashicorp/rime" = "$PWD/bin" }
  direct {}
}
EOF
cat >"$work/main.tf" <<'EOF'
terraform {
  required_providers {
    rime = {
      source = "hashicorp/rime" # the only namespace in which tfplugindocs looks for a schema
    }
  }
}
EOF
TF_CLI_CONFIG_FILE="$work/terraform.rc" terraform -chdir="$work" providers schema -json >"$work/schema.json"
# A CLI before 1.12 leaves resource identities out; a test of the provider keeps this copy of their schemas true.
if ! grep -q '"resource_identity_schemas"' "$work/schema.json"; then
  identities=$(cat internal/provider/testdata/identity_schemas.json)
  sed -i "s|\"resource_schemas\":|\"resource_identity_schemas\":${identities},&|" "$work/schema.json"
fi
# Attributes that only tell what to write instead of them are no attributes for a reader.
go run internal/tools/hide_slips.go <"$work/schema.json" >"$work/shown.json"
mv "$work/shown.json" "$work/schema.json"
go tool -modfile=internal/tools/go.mod tfplugindocs generate \
  --provider-name rime --rendered-provider-name RIME --providers-schema "$work/schema.json" >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  exit 1
}
