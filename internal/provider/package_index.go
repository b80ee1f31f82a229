package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// newPackageIndex makes the client of the package indexes that `pip` describes; it contacts nothing yet.
func newPackageIndex(m *pipModel, c connection, version string, tokens pythonindex.Credentials) (*pythonindex.Client, error) {
	indexes, err := m.allIndexes()
	if err != nil {
		return nil, err
	}
	netrc := readNetrc()
	client, err := pythonindex.New(pythonindex.Options{
		Indexes:     indexes,
		Transport:   c.transport,
		UserAgent:   "terraform-provider-rime/" + version,
		Patience:    c.timeout,
		Retries:     max(c.retries, 0),
		Credentials: pythonindex.FirstOf(netrc.Lookup, tokens),
	})
	if err != nil {
		return nil, fmt.Errorf("embedded_registry.pip: %w", err)
	}
	return client, nil
}

// allIndexes are the indexes: what the attributes say goes before what pip.conf says.
func (m *pipModel) allIndexes() ([]pythonindex.Index, error) {
	config, err := pythonindex.ParsePipConfig(m.Config.ValueString())
	if err != nil {
		return nil, fmt.Errorf("embedded_registry.pip.config: %w", err)
	}
	first, extra := config.IndexURL, config.ExtraIndexURLs
	if m.IndexURL.ValueString() != "" {
		first = m.IndexURL.ValueString()
	}
	if len(m.ExtraIndexURLs) > 0 {
		extra = m.ExtraIndexURLs
	}
	if first == "" {
		first = pythonindex.PyPI
	}
	indexes := []pythonindex.Index{{URL: first}}
	for _, address := range extra {
		indexes = append(indexes, pythonindex.Index{URL: address})
	}
	for _, own := range m.ownIndexes() {
		indexes = append(indexes, pythonindex.Index{URL: own.URL, Packages: own.Packages})
	}
	return indexes, nil
}

// packageIndexesCheck refuses an index that has no address, or no packages that come from there.
type packageIndexesCheck struct{}

var _ validator.Map = packageIndexesCheck{}

// Description implements validator.Describer.
func (packageIndexesCheck) Description(context.Context) string {
	return "must have indexes with packages"
}

// MarkdownDescription implements validator.Describer.
func (c packageIndexesCheck) MarkdownDescription(ctx context.Context) string {
	return c.Description(ctx)
}

// ValidateMap implements validator.Map.
func (packageIndexesCheck) ValidateMap(ctx context.Context, req validator.MapRequest, resp *validator.MapResponse) {
	check := func(c check, at path.Path, value attr.Value) {
		text, _ := value.(types.String)
		found := validator.StringResponse{}
		c.ValidateString(ctx, validator.StringRequest{Path: at, ConfigValue: text}, &found)
		resp.Diagnostics.Append(found.Diagnostics...)
	}
	all := req.ConfigValue.Elements()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		at := req.Path.AtMapKey(redact.Input(name)) // some may write the address there
		index, ok := all[name].(types.Object)
		if !ok || index.IsUnknown() {
			continue
		}
		address, packages := index.Attributes()["url"], elementsOf(index.Attributes()["packages"])
		if index.IsNull() || address.IsNull() || packages != nil && (len(packages) == 0 || slices.ContainsFunc(packages, attr.Value.IsNull)) {
			resp.Diagnostics.Append(diags.IncompletePackageIndex(at))
			continue
		}
		check(indexURLCheck, at.AtName("url"), address)
		for _, name := range packages {
			check(packageNameCheck, at.AtName("packages"), name)
		}
	}
}

// elementsOf are the elements of a set, nil where they are unknown.
func elementsOf(set attr.Value) []attr.Value {
	known, _ := set.(types.Set)
	if known.IsUnknown() {
		return nil
	}
	return known.Elements()
}

// allExtraIndexes are the further indexes for the pip of a build, which takes from each only what the lock names by its hash.
func (m *pipModel) allExtraIndexes() []string {
	all := slices.Clone(m.ExtraIndexURLs)
	for _, own := range m.ownIndexes() {
		all = append(all, own.URL)
	}
	return all
}

// ownIndexes are the indexes for certain packages, in the order of their names.
func (m *pipModel) ownIndexes() []pipIndexModel {
	var all []pipIndexModel
	for _, name := range slices.Sorted(maps.Keys(m.Indexes)) {
		all = append(all, m.Indexes[name])
	}
	return all
}

// newest is when a file has to have come to its index; the zero time for whenever.
func (m *pipModel) newest() (func() time.Time, error) {
	if m.ExcludeNewer.ValueString() == "" {
		return func() time.Time { return time.Time{} }, nil
	}
	return parseExcludeNewer(m.ExcludeNewer.ValueString())
}

// buildDecides is why plans cannot look versions up: where pip.conf says that a build finds packages elsewhere as well.
func (m *pipModel) buildDecides() string {
	config, _ := pythonindex.ParsePipConfig(m.Config.ValueString()) // checked where the indexes are read
	for _, setting := range config.Ignored {
		if setting == "find-links" || setting == "no-index" {
			return fmt.Sprintf("embedded_registry.pip.config sets %s, which a plan does not follow", setting)
		}
	}
	return ""
}
