package provider

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
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
	for _, name := range slices.Sorted(maps.Keys(m.Indexes)) {
		indexes = append(indexes, pythonindex.Index{URL: m.Indexes[name].URL, Packages: m.Indexes[name].Packages})
	}
	return indexes, nil
}

// allExtraIndexes are the further indexes for the pip of a build, which takes from each only what the lock names by its hash.
func (m *pipModel) allExtraIndexes() []string {
	all := slices.Clone(m.ExtraIndexURLs)
	for _, name := range slices.Sorted(maps.Keys(m.Indexes)) {
		all = append(all, m.Indexes[name].URL)
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
