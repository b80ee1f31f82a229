package main

import (
	"fmt"
	"io"
	"strings"
)

// print writes the summary.
func (s *story) print(w io.Writer, directory string) {
	p := &printer{w}
	p.line("\nImages")
	width := 0
	for _, image := range s.images {
		width = max(width, len(image.Values.Name))
	}
	for _, image := range s.images {
		v := image.Values
		p.line("  %-*s   %s   %s   built in %.1f s", width, v.Name, v.ImageDigest, size(v.Size), v.Build.RunningTimeSeconds)
		p.line("  %-*s   %s", width, "", image.libraries())
	}

	p.line("\nSecond plan")
	p.line("  No changes.")

	p.line("\nDrift")
	p.line("  The tag %s of %s was deleted in the registry. terraform plan said:\n", s.victim.Values.RimeTag, s.victim.Values.Name)
	for line := range strings.Lines(s.drift) {
		p.line("  %s", strings.TrimRight(line, "\n"))
	}

	p.line("\nRepair")
	p.line("  terraform apply built and published %s again: %s, built in %.1f s. The next plan had no changes.",
		s.repaired.Values.RimeTag, s.repaired.Values.ImageDigest, s.repaired.Values.Build.RunningTimeSeconds)

	p.line("\nOn stand-ins, where nothing is real")
	p.line("  PrimeHub, an image of the group data-science:   %s", s.platforms.groupImage)
	for i, who := range []string{"registry server:", "image builder:"} {
		p.line("  AWS, role of the %-31s%s", who, s.platforms.roles[i])
	}

	p.line("\nDestroy")
	p.line("  The %d images are gone from the registry, which has stopped; so has BuildKit. Terraform's logs are in %s.", len(s.images), directory)
}

// libraries names what was asked for with the versions that came, and counts the rest.
func (m managedImage) libraries() string {
	var named []string
	for _, name := range m.asked() {
		named = append(named, name+" "+m.Values.PipLibraries[name])
	}
	return fmt.Sprintf("%s and %d more", strings.Join(named, ", "), len(m.Values.PipLibraries)-len(named))
}

// asked are the names of the distributions that the configuration asks for.
func (m managedImage) asked() []string {
	names := make([]string, 0, len(m.Values.PipRequirements))
	for _, text := range m.Values.PipRequirements {
		end := strings.IndexAny(text+"=", "<>=!~[ ")
		names = append(names, text[:end])
	}
	return names
}

type printer struct{ io.Writer }

func (p *printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) }
