package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// readOutcomes reads what earlier runs found, by set.
func readOutcomes(file string) (map[string]outcome, error) {
	known := map[string]outcome{}
	text, err := os.ReadFile(file)
	if file == "" || errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	for line := range strings.Lines(string(text)) {
		var o outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		known[o.Set.String()] = o
	}
	return known, err
}

// appendOutcome lets a later run know what was found.
func appendOutcome(file string, o outcome) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(f).Encode(o), f.Close())
}
