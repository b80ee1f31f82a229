package requirement_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// refusals are the messages of everything that reads a text, for that text.
func refusals(text string) []string {
	var errs []error
	files := map[string]string{"https://h.test/t0ken/r.txt": "a;x\nb==\n-r more.txt", "h.test/t0ken/r.txt": "a>2\na<1"}
	_, lines := requirement.ParsePipFile(text, files)
	_, more := requirement.ReadPipFile(text, files)
	lines = append(lines, more...)
	for _, line := range lines {
		errs = append(errs, errors.New(line.File), line.Err)
	}
	_, pip := requirement.ParsePip(text)
	_, conda := requirement.ParseCondaSpec(text)
	errs = append(errs, pip, conda)
	for _, t := range requirement.PackageTypes() {
		_, err := requirement.ParsePackage(text, t)
		errs = append(errs, err)
	}
	for _, installer := range []requirement.Installer{requirement.InstallerApt, requirement.InstallerConda, requirement.InstallerPip} {
		_, refused := requirement.CheckEntries(installer, []string{text})
		for _, r := range refused {
			errs = append(errs, r.Err)
		}
	}
	var messages []string
	for _, err := range errs {
		if err != nil {
			messages = append(messages, err.Error())
		}
	}
	return messages
}

// TestErrors_secrets has addresses in every place where a tool takes one, or a user may put one. Their tokens are in
// no message and in no proposal.
func TestErrors_secrets(t *testing.T) {
	t.Parallel()
	addresses := []string{
		"https://t0ken@h.test/simple", "https://u:t0ken@h.test/", "https://h.test/t0ken/simple/",
		"https://h.test/x?k=t0ken", "https://h.test/#t0ken", "https:/h.test/t0ken",
		"https:h.test/t0ken", "//h.test/t0ken/", "h.test/t0ken/r.txt", "h.test:8080/t0ken", "localhost/t0ken",
		"10.0.0.1/t0ken", "https://h.test/t0ken/r.txt",
		"git+https://t0ken@h.test/x.git@v1#egg=x", "git@h.test:t0ken/x.git", "https://[::1]:80/t0ken",
		"https://h.test/\u00a0t0ken", "https://u:pa/t0ken@h.test/", "https://h.test\\t0ken",
	}
	forms := []string{
		"@", "--extra-index-url @", "--index-url=@", "-i@", "-f @", "-r @", "-r@", "-c @", "--requirement=@",
		"-r x.txt -r @", "-e @", "-e x @ @", "x @ @", "x@@", "x[y] @ @ ; python_version > '3'",
		"x @", "x==@", "x;@", "x ; @", "x [@]", "x[@]", "x(@)", "x --index-url @ --hash=sha256:0a", "--find-links=@", "-f '@", "--pre @", "--extra @ @", "-e '@'", "a @ @ --hash=@",
		"-i @ -r @", "--trusted-host @ x", "--hash=@", "-x@", "--index=@ x",
		"x --config-settings=\"k=@\"", "- @", `"@"`, "'x @ @'", "`@`", "x, @", "x # @", "url=@",
		"-c conda-forge @", "pip install -i @ x", "@::numpy", "x={url=\"@\"}", "x|@",
	}
	for _, form := range forms {
		for _, address := range addresses {
			text := strings.Replace(form, "@", address, 1)
			if strings.HasPrefix(form, "x @ ") || strings.HasPrefix(form, "x@@") || strings.Contains(form, "@ @") {
				text = form[:strings.LastIndex(form, "@")] + address + form[strings.LastIndex(form, "@")+1:]
			}
			for _, message := range refusals(text) {
				if strings.Contains(message, "t0ken") {
					t.Errorf("%q: %s", text, message)
				}
			}
		}
	}
}
