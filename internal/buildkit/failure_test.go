package buildkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/opencontainers/go-digest"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// verdict is what an analysis is to find. Message is a part of the message.
type verdict struct {
	class       imageregistry.FailureClass
	requirement string
	message     string
}

func (v verdict) check(t *testing.T, kind string, f finding) {
	t.Helper()
	if f.class != v.class || f.requirement != v.requirement || !strings.Contains(f.message, v.message) {
		t.Errorf("got class %q, requirement %q, message %q\nwant class %q, requirement %q, a message with %q",
			f.class, f.requirement, f.message, v.class, v.requirement, v.message)
	}
	if want := map[bool]string{true: kind}[v.requirement != ""]; f.kind != want {
		t.Errorf("kind %q, want %q", f.kind, want)
	}
}

// capturedLines reads what a real tool wrote.
func capturedLines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var last tail
	for line := range strings.Lines(string(raw)) {
		last.add(readable([]byte(line)))
	}
	return last.all()
}

// TestAnalysePip_hash finds out whose file is not the one that was locked, by what pip 23.2 and 25 write.
func TestAnalysePip_hash(t *testing.T) {
	t.Parallel()
	const mismatch = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."
	const hashes = "        Expected sha256 0a\n             Got        0b"
	asked := askedPips{"pkg": "pkg[x]"}
	for line, want := range map[string]string{
		"    pkg==1.0 from https://h.test/*** (from -r r.txt (line 1)):":           "the file of pkg on the package index is not the one that was locked: Expected sha256 0a, Got 0b",
		"    pkg@ https://h.test/*** from https://h.test/*** (from -r (line 1)):":  "the file of pkg at its address is not the one that was locked: Expected sha256 0a, Got 0b",
		"    pkg @ https://h.test/*** from https://h.test/*** (from -r (line 1)):": "the file of pkg at its address is not the one that was locked: Expected sha256 0a, Got 0b",
	} {
		f := analysePipHash(strings.Split(mismatch+"\n"+line+"\n"+hashes, "\n"), asked)
		verdict{imageregistry.FailureIntegrity, "pkg[x]", want}.check(t, kindPip, f)
	}
}

// TestAnalysePip judges what pip 20.3, 23.0 and 26.3 wrote when they were run with scripts/install_pip.py (the
// number at the end of the file's name is pip's).
func TestAnalysePip(t *testing.T) {
	t.Parallel()
	const userInput, network = imageregistry.FailureUserInput, imageregistry.FailureNetwork
	cases := map[string]struct {
		asked string
		verdict
	}{
		"unknown":                {"no-such-lib", verdict{userInput, "no-such-lib", "no-such-lib"}},
		"bad-version":            {"tiny", verdict{userInput, "tiny", "from versions: 1.0, 1.1, 2.0"}},
		"normalised":             {"mixed-case-name", verdict{userInput, "mixed-case-name", "mixed-case-name==9"}},
		"conflict-direct":        {"tiny needs-tiny", verdict{userInput, "tiny", "The user requested tiny>=2; needs-tiny 1.0 depends on tiny<2"}},
		"conflict-indirect":      {"needs-tiny needs-tiny2", verdict{userInput, "needs-tiny", "needs-tiny2 1.0 depends on tiny>=2"}},
		"missing-dependency":     {"deep", verdict{userInput, "deep", "does-not-exist>=3 (from needs-nothing)"}},
		"requires-python":        {"newpy", verdict{userInput, "newpy", "Requires-Python >=3.99"}},
		"build-fails":            {"broken-build", verdict{userInput, "broken-build", "command 'gcc' failed"}},
		"dependency-build-fails": {"needs-broken tiny", verdict{userInput, "needs-broken", "broken-build comes as source code"}},
		"wheel-fails":            {"wheelfail", verdict{userInput, "wheelfail", "command 'gcc' failed"}},
		"invalid":                {"foo", verdict{userInput, "foo", "Invalid requirement"}},
		"build-killed":           {"killed-build", verdict{imageregistry.FailureOutOfMemory, "", "Killed signal terminated program cc1plus"}},
		"disk-full":              {"tiny", verdict{imageregistry.FailureOutOfDisk, "", "No space left on device"}},
		"network-refused":        {"tiny", verdict{network, "", "Connection refused"}},
		"network-dns":            {"tiny", verdict{network, "", ""}},
		"network-timeout":        {"tiny", verdict{network, "", ""}},
		"network-reset":          {"tiny", verdict{network, "", "onnection"}},
		"network-certificate":    {"tiny", verdict{network, "", "certificate"}},
		"network-not-tls":        {"tiny", verdict{network, "", ""}},
		"network-503":            {"tiny", verdict{network, "", "503"}},
		"network-401":            {"tiny", verdict{network, "", "401"}},
		"network-403":            {"tiny", verdict{network, "", "403 Client Error"}},
		"network-429":            {"tiny", verdict{network, "", "429 Client Error"}},
		"network-file-500":       {"tiny", verdict{network, "", "500"}},
		"network-file-reset":     {"tiny", verdict{network, "", ""}},
		"network-untrusted":      {"tiny", verdict{network, "", "trusted"}},
	}
	// Versions before 23 do not tell who wanted a source distribution.
	unnamed := map[string]bool{"missing-dependency-23.0.1.txt": true, "dependency-build-fails-23.0.1.txt": true}
	files, err := filepath.Glob("testdata/pip/*.txt")
	if err != nil || len(files) < 50 {
		t.Fatalf("only %d files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			name := filepath.Base(file)
			c, ok := cases[name[:strings.LastIndex(name, "-")]]
			if !ok {
				t.Fatal("nothing is known about this file")
			}
			if unnamed[name] {
				c.requirement = ""
			}
			req := Request{Pip: parsePips(t, strings.Fields(c.asked)...)}
			c.check(t, kindPip, evidence{request: req, step: stepPip, exitCode: 1, err: errors.New("exit code: 1"), lines: capturedLines(t, file)}.judge())
		})
	}
}

// TestAnalysePackages judges what apt 2.6 and dnf 4.14 wrote.
func TestAnalysePackages(t *testing.T) {
	t.Parallel()
	const userInput, network = imageregistry.FailureUserInput, imageregistry.FailureNetwork
	cases := map[string]struct {
		asked string
		verdict
	}{
		"apt-unknown":          {"no-such-package", verdict{userInput, "no-such-package", "Unable to locate package"}},
		"apt-pattern":          {"tin.", verdict{userInput, "tin.", "Unable to locate package"}},
		"apt-bad-version":      {"tiny", verdict{userInput, "tiny", "'9.9'"}},
		"apt-no-candidate":     {"mail-transport-agent", verdict{userInput, "mail-transport-agent", "no installation candidate"}},
		"apt-unmet-dependency": {"needs-missing", verdict{userInput, "needs-missing", "not-there but it is not installable"}},
		"apt-script-fails":     {"breaks", verdict{userInput, "breaks", "dpkg: error processing package breaks"}},
		"apt-refused":          {"jq", verdict{network, "", "Connection refused"}},
		"apt-dns":              {"jq", verdict{network, "", "mirror.nowhere.invalid"}},
		"apt-no-release":       {"jq", verdict{imageregistry.FailureBaseImage, "", "nosuchrelease"}},
		"dnf-unknown":          {"nosuchrpm", verdict{userInput, "nosuchrpm", "No match for argument"}},
		"dnf-bad-version":      {"tinyrpm", verdict{userInput, "tinyrpm", "tinyrpm-9.9"}},
		"dnf-conflict":         {"tinyrpm fights", verdict{userInput, "fights", "conflicts with tinyrpm"}},
		"dnf-requires":         {"wantsbroken", verdict{userInput, "wantsbroken", "requires needsmissing"}},
		"dnf-unmet-dependency": {"needsmissing", verdict{userInput, "needsmissing", "nothing provides"}},
		"dnf-refused":          {"tinyrpm", verdict{network, "", "Couldn't connect to server"}},
		"dnf-dns":              {"tinyrpm", verdict{network, "", "mirror.nowhere.invalid"}},
		"dnf-404":              {"tinyrpm", verdict{network, "", "All mirrors were tried"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packageType := requirement.PackageTypeApt
			if strings.HasPrefix(name, "dnf") {
				packageType = requirement.PackageTypeRockyLinux
			}
			c.check(t, kindPackage, packageEvidence(packageType, c.asked, capturedLines(t, "testdata/packages/"+name+".txt")...).judge())
		})
	}
	files, err := filepath.Glob("testdata/packages/*.txt")
	if err != nil || len(files) != len(cases) {
		t.Errorf("%d files for %d cases: %v", len(files), len(cases), err)
	}
}

// TestAnalysePackages_others judges the words of package managers that could not be run here, as their sources have them.
func TestAnalysePackages_others(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]verdict{
		"error: No package matches 'nosuch'":                                   {imageregistry.FailureUserInput, "nosuch", "No package matches"},
		"No package nosuch available.":                                         {imageregistry.FailureUserInput, "nosuch", "No package"},
		"Failed to resolve the transaction:\nNo match for argument: nosuch":    {imageregistry.FailureUserInput, "nosuch", "No match"},
		"Cannot find a valid baseurl for repo: base/7/x86_64":                  {imageregistry.FailureNetwork, "", "baseurl"},
		"error: Error transferring repodata/repomd.xml: Curl error (28)":       {imageregistry.FailureNetwork, "", "Curl error"},
		"E: You don't have enough free space in /var/cache/apt/archives/.":     {imageregistry.FailureOutOfDisk, "", "free space"},
		"  At least 12MB more space needed on the / filesystem.":               {imageregistry.FailureOutOfDisk, "", "12MB"},
		"rime: the base image has no apt-get, so it cannot take apt packages":  {imageregistry.FailureBaseImage, "", "the base image has no apt-get"},
		"W: GPG error: http://x y InRelease: NO_PUBKEY 0123456789ABCDEF":       {imageregistry.FailureBaseImage, "", "NO_PUBKEY"},
		"E: Held packages were changed and -y was used without --allow-change": {imageregistry.FailureUserInput, "", "Held packages"},
	} {
		e := packageEvidence(requirement.PackageTypeRockyLinux, "nosuch", strings.Split(line, "\n")...)
		if strings.HasPrefix(line, "rime: ") {
			e.exitCode = baseVerdict
		}
		want.check(t, kindPackage, e.judge())
	}
}

func packageEvidence(packageType requirement.PackageType, asked string, lines ...string) evidence {
	var packages []requirement.Package
	for name := range strings.FieldsSeq(asked) {
		packages = append(packages, requirement.Package{Name: name, Type: packageType})
	}
	return evidence{request: Request{Packages: packages}, step: stepSystem, exitCode: 1, err: errors.New("exit code: 1"), lines: lines}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	plain := errors.New("something")
	for name, c := range map[string]struct {
		evidence
		verdict
	}{
		"killed":              {evidence{err: plain, step: stepPip, exitCode: 137}, verdict{imageregistry.FailureOutOfMemory, "", "killed"}},
		"killed in the log":   {evidence{err: plain, step: stepSystem, exitCode: 1, lines: []string{"Killed"}}, verdict{imageregistry.FailureOutOfMemory, "", "Killed"}},
		"disk of the builder": {evidence{err: plain, message: "failed to mkdir /tmp/x: no space left on device"}, verdict{imageregistry.FailureOutOfDisk, "", "no space left"}},
		"base image":          {evidence{err: &baseError{plain}, message: "x: not found"}, verdict{imageregistry.FailureBaseImage, "", "x: not found"}},
		"base layer":          {evidence{err: plain, step: stepPull, message: "unexpected EOF"}, verdict{imageregistry.FailureBaseImage, "", "EOF"}},
		"emulation":           {evidence{err: plain, step: stepProbe, exitCode: 1, message: "exec /bin/sh: exec format error"}, verdict{imageregistry.FailurePlatform, "", "platform"}},
		"report":              {evidence{err: plain, step: stepReport, message: "odd"}, verdict{imageregistry.FailurePlatform, "", "odd"}},
		"push 401":            {evidence{err: plain, exported: true, message: "failed to push h/r:t: unexpected status from PUT request to http://h/v2/r/manifests/t: 401 Unauthorized"}, verdict{imageregistry.FailurePush, "", "other credentials"}},
		"push 403":            {evidence{err: plain, exported: true, message: "failed to push h:5/r:t: unexpected status from POST request to http://h:5/v2/r/blobs/uploads/: 403 Forbidden"}, verdict{imageregistry.FailurePush, "", "may not push"}},
		"push denied":         {evidence{err: plain, exported: true, message: "failed to push h/r:t: denied: no"}, verdict{imageregistry.FailurePush, "", "may not push"}},
		"push 429":            {evidence{err: plain, exported: true, message: "failed to push h/r:t: unexpected status from PUT request to http://h/v2/r/manifests/t: 429 Too Many Requests"}, verdict{imageregistry.FailurePush, "", tooManyRequests}},
		"push ECR 429":        {evidence{err: plain, exported: true, message: "failed to push h/r:t: toomanyrequests: Rate exceeded"}, verdict{imageregistry.FailurePush, "", tooManyRequests}},
		"push odd 429":        {evidence{err: plain, exported: true, message: "failed to push h/r:t: unknown: Rate exceeded"}, verdict{imageregistry.FailurePush, "", tooManyRequests}},
		"push expired":        {evidence{err: plain, exported: true, message: "failed to push h/r:t: denied: Your authorization token has expired. Reauthenticate and try again."}, verdict{imageregistry.FailurePush, "", expired}},
		"push 500":            {evidence{err: plain, exported: true, message: "failed to push h/r:t: unexpected status from HEAD request to http://h/: 500 Internal Server Error"}, verdict{imageregistry.FailurePush, "", "500"}},
		"nothing known":       {evidence{err: plain, message: "something"}, verdict{imageregistry.FailurePlatform, "", "something"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := c.judge()
			c.check(t, "", f)
			failed := &Error{Failure: imageregistry.BuildFailure{Class: f.class, Message: f.message}}
			if _, passes := passing(fmt.Errorf("wrapped: %w", failed)); passes != (strings.Contains(name, "429") || strings.Contains(name, "expired")) {
				t.Errorf("passing is %t", passes)
			}
		})
	}
}

func TestExplain_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user pressed Ctrl-C")
	cancel(why)
	log := newBuildLog(newRedactor(), nil)
	running := log.step(digest.FromString("x"))
	running.name, log.unfinished = "[linux/arm64] "+stepPip, running
	running.tail.add("Collecting numpy")
	failed := explain(ctx, &gatewaypb.ExitError{ExitCode: 137}, false, log, Request{})
	want := imageregistry.BuildFailure{
		Class: imageregistry.FailureCancelled, Step: stepPip, Message: why.Error(), LogTail: []string{"Collecting numpy"},
	}
	if diff := cmp.Diff(want, failed.Failure); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(failed, why) {
		t.Errorf("%v does not wrap the cause", failed)
	}
}

// The page of an index tells whether it could be read. It is looked at before it is hidden.
func TestExplain_addresses(t *testing.T) {
	t.Parallel()
	var observed []string
	log := newBuildLog(newRedactor(), func(_, line string) { observed = append(observed, line) })
	step := log.step(digest.FromString("x"))
	step.name, log.unfinished = stepPip, step
	log.write(step, 1, []byte("Could not fetch URL https://index.test/S3CRET/numpy/: 401 Client Error for url: https://index.test/S3CRET/numpy/ - skipping\n"+
		"ERROR: No matching distribution found for numpy\n"))
	failure := explain(t.Context(), &gatewaypb.ExitError{ExitCode: 1}, false, log, Request{}).Failure
	const shown = "Could not fetch URL https://index.test/***: 401 Client Error for url: https://index.test/*** - skipping"
	want := imageregistry.BuildFailure{
		Class: imageregistry.FailureNetwork, Step: stepPip, Message: "the package index could not be read: " + shown,
		LogTail: []string{shown, "ERROR: No matching distribution found for numpy"},
	}
	if diff := cmp.Diff(want, failure); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.LogTail, observed); diff != "" {
		t.Error(diff)
	}
}

// A build may flood the log with more lines than are kept, and older versions of pip then do not name it again.
func TestExplain_flood(t *testing.T) {
	t.Parallel()
	log := newBuildLog(newRedactor(), nil)
	step := log.step(digest.FromString("x"))
	step.name, log.unfinished = stepPip, step
	log.write(step, 1, []byte("Collecting first\nCollecting loud>=1 (from first)\n"+strings.Repeat("noise\n", 2*maxTailLines)+"error: metadata-generation-failed\n"))
	asked := Request{Pip: []requirement.Pip{{Name: "other"}, {Name: "First"}}}
	failed := explain(t.Context(), &gatewaypb.ExitError{ExitCode: 1}, false, log, asked)
	if f := failed.Failure; f.Requirement != "First" || f.RequirementKind != kindPip || !strings.HasPrefix(f.Message, "loud ") {
		t.Errorf("blamed %q: %s", f.Requirement, f.Message)
	}
	if lines := failed.Failure.LogTail; len(lines) != maxTailLines+1 || lines[0] != "Collecting loud>=1 (from first)" {
		t.Errorf("%d lines, the first is %q", len(lines), lines[0])
	}
}
