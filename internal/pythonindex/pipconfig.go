package pythonindex

import (
	"fmt"
	"slices"
	"strings"
)

// PipConfig is what a pip configuration file says of indexes.
type PipConfig struct {
	// IndexURL takes the place of the public index. Empty where it is not set.
	IndexURL string
	// ExtraIndexURLs are looked at besides.
	ExtraIndexURLs []string
	// Ignored are settings that have to do with indexes, and that are not followed: "find-links", "no-index".
	Ignored []string
}

// ParsePipConfig reads the text of a pip.conf: what pip takes from it for "pip install", the section [install] before
// [global]. It is the format of Python's configparser, without interpolation. The error names the line, not what it says.
func ParsePipConfig(text string) (PipConfig, error) {
	sections, err := parseINI(text)
	if err != nil {
		return PipConfig{}, err
	}
	value := func(name string) string {
		if own, ok := sections["install"][name]; ok {
			return own
		}
		return sections["global"][name]
	}
	c := PipConfig{IndexURL: strings.TrimSpace(value("index-url")), ExtraIndexURLs: strings.Fields(value("extra-index-url"))}
	for _, name := range []string{"find-links", "no-index", "trusted-host", "client-cert"} {
		if strings.TrimSpace(value(name)) != "" {
			c.Ignored = append(c.Ignored, name)
		}
	}
	return c, nil
}

// parseINI reads sections of settings.
func parseINI(text string) (map[string]map[string]string, error) {
	sections := map[string]map[string]string{}
	var section map[string]string
	name, depth := "", 0
	for number, line := range slices.Collect(strings.Lines(text)) {
		trimmed := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		switch {
		case trimmed == "", trimmed[0] == '#', trimmed[0] == ';':
		case section != nil && name != "" && indent > depth: // it goes on
			section[name] += "\n" + trimmed
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			title := trimmed[1 : len(trimmed)-1]
			if sections[title] == nil {
				sections[title] = map[string]string{}
			}
			section, name = sections[title], ""
		default:
			at := strings.IndexAny(trimmed, "=:")
			if section == nil || at <= 0 {
				return nil, fmt.Errorf("line %d is neither a section nor a setting", number+1)
			}
			name, depth = settingName(trimmed[:at]), indent
			section[name] = strings.TrimSpace(trimmed[at+1:])
		}
	}
	return sections, nil
}

// settingName is a setting's name as pip has it.
func settingName(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(text)), "_", "-"), "--")
}
