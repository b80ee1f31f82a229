package buildkit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

const kindPip = "pip"

// What pip says, from version 20 to 25. The texts in testdata were written by real ones.
var (
	pipNoMatch     = regexp.MustCompile(`No matching distribution found for ([A-Za-z0-9][\w.-]*)`)
	pipUnsatisfied = regexp.MustCompile(`Could not find a version that satisfies the requirement ([A-Za-z0-9][\w.-]*)`)
	pipName        = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*`)
	pipWanted      = regexp.MustCompile(`(?:Collecting|satisfies the requirement) ([A-Za-z0-9][\w.-]*)[^(]*\(from ([A-Za-z0-9][^)]*)`)
	pipCollecting  = regexp.MustCompile(`^\s*Collecting ([A-Za-z0-9][\w.-]*)`)
	pipImpossible  = regexp.MustCompile(`ResolutionImpossible|because these package versions have conflicting dependencies`)
	pipRequested   = regexp.MustCompile(`^\s+The user requested (?:\(constraint\) )?([A-Za-z0-9][\w.-]*)`)
	pipDepends     = regexp.MustCompile(`^\s+([A-Za-z0-9][\w.-]*)\S* \S+ depends on `)
	pipInvalid     = regexp.MustCompile(`Invalid requirement: '?"?([A-Za-z0-9][\w.-]*)`)
	pipBuild       = regexp.MustCompile(`Failed building wheel for ([A-Za-z0-9][\w.-]*)|Could not build wheels for ([A-Za-z0-9][\w.-]*)|Failed to build installable wheels for some pyproject\.toml based projects \(([A-Za-z0-9][\w.-]*)`)
	pipMetadata    = regexp.MustCompile(`metadata-generation-failed|Getting requirements to build wheel did not run successfully|python setup\.py egg_info.* did not run successfully`)
	pipCulprit     = regexp.MustCompile(`^╰─> ([A-Za-z0-9][\w.-]*)$`)
	pipOutputBegin = regexp.MustCompile(`lines? of output\]|Complete output`)
	pipOutputEnd   = regexp.MustCompile(`\[end of output\]|^\s*-{20,}$`)
	pipErrorWord   = regexp.MustCompile(`(?i)\berror\b`)
	pipMismatch    = regexp.MustCompile(`DO NOT MATCH THE HASHES`)
	pipFileOf      = regexp.MustCompile(`^\s+([A-Za-z0-9][\w.-]*)(?:==\S+)?( from| ?@) `)
	pipHashes      = regexp.MustCompile(`^\s+(?:Expected|Got)\s+`)
	pipUnreached   = regexp.MustCompile(`Could not fetch URL|after connection broken by|is not a trusted or secure host`)
)

// networkTrouble is how the libraries under pip say that they did not reach something.
var networkTrouble = regexp.MustCompile(`(?i)Max retries exceeded|NewConnectionError|Connection (?:refused|reset|aborted|timed out)|ConnectionResetError|` +
	`Read timed out|ReadTimeoutError|ConnectTimeoutError|ProtocolError|IncompleteRead|Temporary failure in name resolution|Name or service not known|` +
	`SSLError|incomplete-download|CERTIFICATE_VERIFY_FAILED|HTTPError: 5\d\d|5\d\d (?:Server Error|error)|Network is unreachable|No route to host|429 Client Error`)

// analysePip finds the requirement at fault in what pip said last.
func analysePip(e evidence) finding {
	asked := pipIndex(e.request.Pip)
	if f := analysePipGone(e, asked); f.class != "" {
		return f
	}
	for _, analyse := range []func([]string, askedPips) finding{
		analysePipHash, analysePipConflict, analysePipMissing, analysePipBuild, analysePipInvalid,
	} {
		if f := analyse(e.lines, asked); f.class != "" {
			return f
		}
	}
	if line, ok := lastMatch(e.lines, networkTrouble); ok {
		return finding{class: imageregistry.FailureNetwork, message: "pip could not download what it needs: " + line}
	}
	if line, ok := lastMatch(e.lines, regexp.MustCompile(`(?i)^\s*error: `)); ok {
		return finding{class: imageregistry.FailureUserInput, message: line}
	}
	return finding{}
}

// askedPips finds a requirement as it was asked for by the canonical name of its distribution.
type askedPips map[string]string

func pipIndex(pips []requirement.Pip) askedPips {
	asked := askedPips{}
	for _, p := range pips {
		asked[p.Distribution()] = p.Name
	}
	return asked
}

// blame names the first of the distributions that was asked for.
func (a askedPips) blame(f finding, distributions ...string) finding {
	for _, d := range distributions {
		if name, ok := a[requirement.Pip{Name: d}.Distribution()]; ok {
			f.requirement, f.kind = name, kindPip
			return f
		}
	}
	return f
}

// analysePipHash finds a file that is not the one that was locked.
func analysePipHash(lines []string, asked askedPips) finding {
	at := slices.IndexFunc(lines, pipMismatch.MatchString)
	if at < 0 {
		return finding{}
	}
	f := finding{class: imageregistry.FailureIntegrity, message: "a file on the package index is not the one that was locked"}
	for i, line := range lines[at+1:] {
		name := pipFileOf.FindStringSubmatch(line)
		if name == nil {
			continue
		}
		var hashes []string
		for _, line := range lines[at+1+i+1:] {
			if !pipHashes.MatchString(line) {
				break
			}
			hashes = append(hashes, strings.Join(strings.Fields(line), " "))
		}
		where := "on the package index"
		if strings.HasSuffix(name[2], "@") {
			where = "at its address"
		}
		f.message = fmt.Sprintf("the file of %s %s is not the one that was locked: %s", name[1], where, strings.Join(hashes, ", "))
		return asked.blame(f, name[1])
	}
	return f
}

// analysePipGone finds a locked version that no index has any more.
func analysePipGone(e evidence, asked askedPips) finding {
	line, ok := lastMatch(e.lines, pipNoMatch)
	if !ok || len(e.request.Locked) == 0 {
		return finding{}
	}
	missing := pipNoMatch.FindStringSubmatch(line)[1]
	if _, trouble := indexTrouble(e.lines, missing); trouble {
		return finding{}
	}
	i := slices.IndexFunc(e.request.Locked, func(l Locked) bool { return l.Name == requirement.Pip{Name: missing}.Distribution() })
	if i < 0 {
		return finding{} // what the build of a source distribution needs is not in the lock
	}
	l := e.request.Locked[i]
	message := fmt.Sprintf("the package index does not have %s %s any more, which was locked", l.Name, l.Version)
	return asked.blame(finding{class: imageregistry.FailureIntegrity, message: message}, l.Name)
}

// analysePipMissing finds a requirement that has no distribution. When pip could not read the index it says the same,
// so what it said about the index decides.
func analysePipMissing(lines []string, asked askedPips) finding {
	line, ok := lastMatch(lines, pipNoMatch)
	if !ok {
		return finding{}
	}
	missing := pipNoMatch.FindStringSubmatch(line)[1]
	if trouble, ok := indexTrouble(lines, missing); ok {
		return finding{class: imageregistry.FailureNetwork, message: "the package index could not be read: " + trouble}
	}
	f := finding{class: imageregistry.FailureUserInput, message: line}
	if why, ok := lastMatch(lines, pipUnsatisfied); ok {
		f.message = why
	}
	if python, ok := lastMatch(lines, regexp.MustCompile(`require a different python version`)); ok {
		f.message += " (" + strings.TrimPrefix(python, "ERROR: ") + ")"
	}
	return asked.blame(f, append([]string{missing}, parents(lines, missing)...)...)
}

// indexTrouble finds the line that says why the index page of a distribution could not be had.
func indexTrouble(lines []string, distribution string) (string, bool) {
	page := "/" + requirement.Pip{Name: distribution}.Distribution() + "/"
	for _, line := range slices.Backward(lines) {
		if pipUnreached.MatchString(line) && (strings.Contains(line, page) || strings.Contains(line, "trusted or secure host")) {
			return strings.TrimSpace(line), true
		}
	}
	return "", false
}

// parents are the distributions that wanted this one, the nearest first, as far as pip told.
func parents(lines []string, distribution string) []string {
	found := []string{distribution}
	for i := 0; i < len(found); i++ { // found grows while it is read
		for _, line := range lines {
			match := pipWanted.FindStringSubmatch(line)
			if match == nil || match[1] != found[i] {
				continue
			}
			for link := range strings.SplitSeq(match[2], "->") { // "a->b->-r file (line 1)"
				name := pipName.FindString(link)
				if name != "" && !slices.Contains(found, name) {
					found = append(found, name)
				}
			}
		}
	}
	return found[1:]
}

// analysePipConflict finds requirements that exclude each other.
func analysePipConflict(lines []string, asked askedPips) finding {
	if _, ok := lastMatch(lines, pipImpossible); !ok {
		return finding{}
	}
	var conflict, names []string
	for _, line := range lines {
		match := pipRequested.FindStringSubmatch(line)
		if match == nil {
			match = pipDepends.FindStringSubmatch(line)
		}
		if match != nil {
			conflict, names = append(conflict, strings.TrimSpace(line)), append(names, match[1])
		}
	}
	f := finding{class: imageregistry.FailureUserInput, message: "the requirements exclude each other: " + strings.Join(conflict, "; ")}
	if len(conflict) == 0 {
		f.message = "the requirements exclude each other"
	}
	return asked.blame(f, names...)
}

// analysePipBuild finds source distributions that do not build.
func analysePipBuild(lines []string, asked askedPips) finding {
	culprit := ""
	if line, ok := lastMatch(lines, pipBuild); ok {
		match := pipBuild.FindStringSubmatch(line)
		culprit = match[1] + match[2] + match[3]
	} else if _, ok := lastMatch(lines, pipMetadata); ok {
		if line, ok := lastMatch(lines, pipCulprit); ok {
			culprit = pipCulprit.FindStringSubmatch(line)[1]
		} else if line, ok := lastMatch(lines, pipCollecting); ok { // older versions do not name it again
			culprit = pipCollecting.FindStringSubmatch(line)[1]
		}
	}
	if culprit == "" {
		return finding{}
	}
	f := finding{
		class: imageregistry.FailureUserInput,
		message: fmt.Sprintf("%s comes as source code for this Python and platform, and does not build in the base image (%s); a version "+
			"with a wheel, or the system packages that its build needs, may help", culprit, buildError(lines)),
	}
	return asked.blame(f, append([]string{culprit}, parents(lines, culprit)...)...)
}

// buildError is the last error that the build itself wrote; pip encloses its output.
func buildError(lines []string) string {
	said, inside := "it does not say why", false
	for _, line := range lines {
		switch {
		case pipOutputBegin.MatchString(line):
			inside = true
		case pipOutputEnd.MatchString(line):
			inside = false
		case inside && pipErrorWord.MatchString(line):
			said = strings.TrimSpace(line)
		}
	}
	return said
}

// analysePipInvalid finds requirements that pip does not even read.
func analysePipInvalid(lines []string, asked askedPips) finding {
	line, ok := lastMatch(lines, pipInvalid)
	if !ok {
		return finding{}
	}
	return asked.blame(finding{class: imageregistry.FailureUserInput, message: line}, pipInvalid.FindStringSubmatch(line)[1])
}
