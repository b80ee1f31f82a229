package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// reporter writes one line for each stage: what it is when it begins, what is worth knowing on the way, how long it took.
type reporter struct {
	out   io.Writer
	width int // of the line so far
}

// column is where the durations stand.
const column = 72

func (r *reporter) stage(title string, do func() error) error {
	began := time.Now()
	r.width = 0
	r.write("  " + title)
	err := do()
	mark := "✓"
	if err != nil {
		mark = "✗"
	}
	r.write(" " + strings.Repeat(".", max(2, column-r.width)) + " " + short(time.Since(began)) + " " + mark + "\n")
	return err
}

// note adds to the line of the stage.
func (r *reporter) note(text string) { r.write(" (" + text + ")") }

func (r *reporter) write(text string) {
	r.width += len([]rune(text))
	_, _ = io.WriteString(r.out, text) // there is nowhere else to complain
}

// short is a duration for people, always of the same width.
func short(d time.Duration) string { return fmt.Sprintf("%6.1f s", d.Seconds()) }

// size is a number of bytes for people.
func size(bytes int64) string { return fmt.Sprintf("%d MB", (bytes+500_000)/1_000_000) }
