//go:build ignore

// Command hide_slips copies a provider schema in JSON without the attributes that only tell what to write instead of
// them. Their descriptions begin with a mark, which package provider has as slipMark.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strings"
)

const slipMark = "Not an attribute. "

func main() {
	var schema any
	if err := json.NewDecoder(os.Stdin).Decode(&schema); err != nil {
		log.Fatal(err)
	}
	hide(schema)
	if err := json.NewEncoder(os.Stdout).Encode(schema); err != nil {
		log.Fatal(err)
	}
}

// hide removes slips from every map, however deep.
func hide(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			hide(element)
		}
	case map[string]any:
		for name, element := range value {
			attribute, _ := element.(map[string]any)
			if text, _ := attribute["description"].(string); strings.HasPrefix(text, slipMark) {
				delete(value, name)
				continue
			}
			hide(element)
		}
	}
}
