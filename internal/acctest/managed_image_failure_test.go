package acctest_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// imageOf is the configuration of an image with these pip requirements ("numpy", "numpy>=1,<2").
func imageOf(name string, requirements ...string) string {
	return imageWith(name, "", requirements...)
}

// imageWith is imageOf with further lines of configuration.
func imageWith(name, settings string, requirements ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "resource \"rime_managed_image\" %q {\n  name             = %q\n  python_version   = \"3.11\"\n  %s\n  pip_requirements = [\n", name, name, settings)
	for _, r := range requirements {
		fmt.Fprintf(&b, "    %q,\n", r)
	}
	b.WriteString("  ]\n}\n")
	return b.String()
}

// culprit is where a diagnostic says what it is about: Terraform does so in its first line, but not for what is destroyed.
var culprit = regexp.MustCompile(`(?:with (?:data\.)?rime_\w+\.|Managed image: )(\w[\w-]*)`)

// errorsOf are the errors in an output by the name of the resource or data source that they are about.
func errorsOf(r acctest.Result) map[string]acctest.Result {
	found := map[string]acctest.Result{}
	for _, text := range strings.Split(r.Output, "\nError: ")[1:] {
		if about := culprit.FindStringSubmatch(text); about != nil {
			found[about[1]] = acctest.Result{Output: text}
		}
	}
	return found
}

func TestManagedImage_failedBuilds(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		requirements []string
		// says is in the diagnostic, whatever the breaks of lines.
		says []string
	}{
		"broken": {[]string{"broken-build"}, []string{`pip_requirements["broken-build"]`, "does not build in the base image", "the C compiler is missing", "Last lines of the log:"}},
		"line":   {[]string{"endless-line"}, []string{`pip_requirements["endless-line"]`, "xxxxxxxxxx… [", " bytes more]"}},
		"lines":  {[]string{"many-lines"}, []string{`pip_requirements["many-lines"]`, "after a hundred thousand lines"}},
		"noise":  {[]string{"binary-noise"}, []string{`pip_requirements["binary-noise"]`, `\u0000\xff\xfe`, "after the noise"}},
	}
	var broken, mended strings.Builder
	for name, c := range cases {
		broken.WriteString(imageOf(name, c.requirements...))
		mended.WriteString(imageOf(name, "tiny-model"))
	}
	registry, w := setup(t, broken.String())

	failed := fails(t, w, []string{"apply", "-auto-approve"})
	if strings.ContainsFunc(failed.Output, func(r rune) bool { return r == '\x1b' || r == '\x00' || r == '\x07' || r == '\uFFFD' }) {
		t.Error("the noise of a build reached the terminal")
	}
	errors := errorsOf(failed)
	for name, c := range cases {
		says := errors[name]
		shows(t, says, append(c.says, "Managed Image Build Failed", "Building managed image \""+name+"\"", `in the step "install pip requirements"`,
			"Correct the requirements", "Managed image: "+name, "Class: user_input")...)
		if len(says.Output) > 64<<10 {
			t.Errorf("the message about %s has %d bytes", name, len(says.Output))
		}
		image, ok := w.Image(name)
		if !ok || image.Text("status") != "failed" || image.Text("build", "status") != "failed" || image.Text("build", "error") == "" || image.Text("image_uri") != "" {
			t.Errorf("the state of %s after the failure: %t %v", name, ok, image)
		}
	}

	w.Write("main.tf", mended.String())
	w.Apply()
	w.PlanIsEmpty()
	for name := range cases {
		if image, _ := w.Image(name); image.Text("status") != "ready" || image.Tainted {
			t.Errorf("%s is not repaired: %v", name, image)
		}
	}
	w.Destroy()
	for name := range cases {
		expectNothingLeft(t, registry, name)
	}
}

// A first build that failed leaves a record of its failure, and a destroy leaves nothing.
func TestManagedImage_failedBuildDestroyed(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, imageOf("gone", "broken-build"))
	fails(t, w, []string{"apply", "-auto-approve"}, `pip_requirements["broken-build"]`)
	if tags := repositoryOf(t, registry.Host, "gone").tags(); len(tags) != 1 || tags[0] != recordTag {
		t.Errorf("the registry has the tags %q, want only the record's", tags)
	}
	planShows(t, w, "rime_managed_image.gone is tainted, so must be replaced")
	w.Destroy()
	expectNothingLeft(t, registry, "gone")
}

func TestManagedImage_failedUpdate(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, imageOf("model", "tiny-model<2"))
	w.Apply()
	before, _ := w.Image("model")
	repo := repositoryOf(t, registry.Host, "model")

	w.Write("main.tf", imageOf("model", "tiny-model<2", "broken-build"))
	fails(t, w, []string{"apply", "-auto-approve"}, `pip_requirements["broken-build"]`)
	failed, _ := w.Image("model")
	if failed.Tainted || failed.Text("status") != "failed" || failed.Text("build", "status") != "failed" {
		t.Errorf("the state after the failed update: %v", failed)
	}
	// What was published stays, under its digest and its tag, and the state still leads there.
	for _, reference := range []string{before.Text("image_digest"), before.Text("rime_tag")} {
		if err := repo.pull(reference); err != nil {
			t.Errorf("%s cannot be pulled after the failed update: %v", reference, err)
		}
	}
	if failed.Text("image_uri") != before.Text("image_uri") {
		t.Errorf("image_uri was %q and is %q, though nothing new was published", before.Text("image_uri"), failed.Text("image_uri"))
	}

	// The next plan repairs: with the same configuration it builds again, with the old one it goes back.
	planShows(t, w, "will be updated in-place", `-> "its last build failed in the step \"install pip requirements\": `)
	fails(t, w, []string{"apply", "-auto-approve"}, `pip_requirements["broken-build"]`)
	w.Write("main.tf", imageOf("model", "tiny-model<2"))
	planShows(t, w, "will be updated in-place", "pip requirements changed: - broken-build")
	w.Apply()
	w.PlanIsEmpty()
	after, _ := w.Image("model")
	if err := repo.pull(after.Text("image_digest")); err != nil {
		t.Error(err)
	}
	w.Destroy()
	expectNothingLeft(t, registry, "model")
}

// No text that a shell could understand gets past the plan: the registry is not even asked.
func TestManagedImage_metacharacters(t *testing.T) {
	t.Parallel()
	registry := acctest.StartRegistry(t, oci.Options{})
	w := acctest.Embedded{Registry: registry.Host, Index: acctest.StartIndex(t, pypi.Simple("tiny-model", "1.0"))}.NewWorkspace(t)
	var config strings.Builder
	texts := []string{
		"a; touch /tmp/pwned", "a$(id)", "a`id`", "a|id", "a&&id", "a>/etc/passwd", "a\nRUN id", "a\r\nb", "--index-url=http://evil", "a @ http://evil/a.whl;$(id)",
		"-r /etc/passwd", "a'b", `a"b`, "a\\", "${IFS}", "a#b", "git+https://evil/a", "../a", "a\x00b", "a\u202eb",
	}
	for i, text := range texts {
		quoted := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(hclQuote(text))
		fmt.Fprintf(&config, "resource \"rime_managed_image\" \"n%d\" {\n  name = \"n%d\"\n  pip_requirements = [%s]\n}\n", i, i, quoted)
		fmt.Fprintf(&config, "resource \"rime_managed_image\" \"v%d\" {\n  name = \"v%d\"\n  pip_requirements = [\"tiny-model==${%s}\"]\n}\n", i, i, quoted)
		fmt.Fprintf(&config, "resource \"rime_managed_image\" \"p%d\" {\n  name = \"p%d\"\n  apt_packages = [%s]\n}\n", i, i, quoted)
	}
	w.Write("main.tf", config.String())
	r := fails(t, w, []string{"plan"})
	refused := errorsOf(r)
	for i, text := range texts {
		for _, kind := range []string{"n", "v", "p"} {
			if says, ok := refused[fmt.Sprintf("%s%d", kind, i)]; !ok || !strings.Contains(says.Output, "Invalid") {
				t.Errorf("%q as %s was not refused: %s", text, kind, says.Output)
			}
		}
	}
	if requests := registry.Requests(); len(requests) > 0 {
		t.Errorf("the registry was asked: %v", requests)
	}
}

// hclQuote writes a text as a string of the configuration language.
func hclQuote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ' || r > '~':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
