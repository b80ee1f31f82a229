// Package internal holds only the rules that the repository itself must keep.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/managed-images/terraform-provider-rime"

// allowedImports is the whole direction of dependencies between our packages. A package that is not
// listed may import nothing of ours; test files are free.
var allowedImports = map[string][]string{
	"":                                 {"internal/lifeline", "internal/planmemory", "internal/provider"},
	"internal/provider":                {"internal/awsregistry", "internal/primehub", "internal/diags", "internal/imageregistry", "internal/embedded", "internal/rime", "internal/httpx", "internal/buildkit", "internal/redact", "internal/requirement", "internal/wait", "internal/planmemory", "internal/pythonindex", "internal/requirement/lockfile", "internal/requirement/pep508"},
	"internal/diags":                   {"internal/awsregistry", "internal/primehub", "internal/imageregistry", "internal/embedded", "internal/rime", "internal/buildkit", "internal/requirement", "internal/redact", "internal/pythonindex", "internal/resolve"},
	"internal/embedded":                {"internal/imageregistry", "internal/buildkit", "internal/httpx", "internal/lifeline", "internal/requirement", "internal/wait", "internal/redact", "internal/compose", "internal/pythonindex", "internal/requirement/lockfile", "internal/requirement/pep508", "internal/requirement/pylock", "internal/resolve"},
	"internal/rime":                    {"internal/imageregistry", "internal/httpx", "internal/lifeline", "internal/requirement", "internal/wait", "internal/redact"},
	"internal/primehub":                {"internal/primehub/wire", "internal/httpx", "internal/lifeline", "internal/requirement", "internal/wait", "internal/redact"},
	"internal/buildkit":                {"internal/imageregistry", "internal/requirement", "internal/redact", "internal/requirement/pep425", "internal/requirement/pep440", "internal/requirement/pep508"},
	"internal/awsregistry":             {"internal/httpx", "internal/lifeline", "internal/wait", "internal/redact"},
	"internal/httpx":                   {"internal/redact"},
	"internal/imageregistry":           {"internal/requirement", "internal/wait"},
	"internal/requirement":             {"internal/redact", "internal/requirement/pep425", "internal/requirement/pep440", "internal/requirement/pep508", "internal/requirement/pipline"},
	"internal/compose":                 {"internal/pythonindex", "internal/requirement/pep425", "internal/requirement/pep440", "internal/resolve"},
	"internal/pythonindex":             {"internal/httpx", "internal/redact", "internal/requirement/pep425", "internal/requirement/pep440", "internal/requirement/pep508", "internal/similar", "internal/wait"},
	"internal/requirement/pep425":      {"internal/requirement/pep440", "internal/requirement/pep508"},
	"internal/requirement/pep508":      {"internal/requirement/pep440"},
	"internal/requirement/pylock":      {"internal/requirement/pep440", "internal/requirement/pep508"},
	"internal/resolve":                 {"internal/httpx", "internal/pythonindex", "internal/requirement/pep425", "internal/requirement/pep440", "internal/requirement/pep508", "internal/requirement/pylock", "internal/similar"},
	"internal/requirement/lockfile":    {"internal/requirement", "internal/requirement/pep425", "internal/requirement/pep440", "internal/requirement/pep508", "internal/requirement/pipline", "internal/requirement/pylock", "internal/redact"},
	"internal/sandbox/aws":             {"internal/sandbox/fault", "internal/sandbox/oci"},
	"internal/sandbox/oci":             {"internal/sandbox/fault"},
	"internal/sandbox/pypi":            {"internal/sandbox/fault"},
	"internal/sandbox/rime":            {"internal/sandbox/agenda", "internal/sandbox/fault"},
	"internal/sandbox/primehub":        {"internal/sandbox/agenda", "internal/sandbox/fault"},
	"internal/sandbox":                 {"internal/sandbox/aws", "internal/sandbox/fault", "internal/sandbox/oci", "internal/sandbox/primehub", "internal/sandbox/pypi", "internal/sandbox/rime"},
	"internal/workbench":               {"internal/sandbox/oci", "internal/sandbox/pypi"},
	"internal/workbench/workbenchtest": {"internal/workbench"},
	"internal/acctest":                 {"internal/provider", "internal/imageregistry", "internal/requirement", "internal/sandbox", "internal/sandbox/aws", "internal/sandbox/fault", "internal/sandbox/oci", "internal/sandbox/primehub", "internal/sandbox/pypi", "internal/sandbox/rime", "internal/workbench", "internal/workbench/workbenchtest"},
	"cmd/rime-sandbox":                 {"internal/sandbox", "internal/sandbox/aws", "internal/sandbox/fault", "internal/sandbox/oci", "internal/sandbox/primehub", "internal/sandbox/pypi", "internal/sandbox/rime"},
	"cmd/rime-conformance":             {"internal/awsregistry", "internal/httpx", "internal/pythonindex", "internal/requirement/pep425", "internal/requirement/pep440", "internal/requirement/pep508", "internal/requirement/pylock", "internal/resolve", "internal/sandbox/aws", "internal/sandbox/primehub", "internal/sandbox/rime"},
	"cmd/rime-corpus":                  {"internal/requirement", "internal/requirement/lockfile"},
	"cmd/rime-quickstart":              {"internal/sandbox", "internal/sandbox/oci", "internal/sandbox/primehub", "internal/sandbox/pypi", "internal/workbench"},
	"cmd/rime-test":                    {"internal/workbench"},
	"cmd/rime-workbench":               {"internal/workbench"},
}

// frameworkUsers are the only packages that may know Terraform.
var frameworkUsers = []string{"", "internal/provider", "internal/diags", "internal/acctest"}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestDependencyDirection(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	if len(packages) < 10 {
		t.Fatalf("go list found only %d packages", len(packages))
	}
	for _, p := range packages {
		from := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		for _, imported := range p.Imports {
			if to, ours := strings.CutPrefix(imported, module+"/"); ours && !slices.Contains(allowedImports[from], to) {
				t.Errorf("%q must not import %q: see allowedImports in this file", from, to)
			}
			if strings.HasPrefix(imported, "github.com/hashicorp/terraform-plugin-") && !slices.Contains(frameworkUsers, from) {
				t.Errorf("%q must not import %q: only %v know Terraform", from, imported, frameworkUsers)
			}
		}
	}
}

// goFiles yields every Go file of the repository that a person wrote, by its path from the top.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", ".cache", "bin", "dist", "testdata"}, entry.Name()):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go"):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFilesStayReadable(t *testing.T) {
	t.Parallel()
	for _, name := range goFiles(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("DO NOT EDIT")) && strings.Contains(name, "generated") {
			continue
		}
		limit := 350
		if strings.HasSuffix(name, "_test.go") {
			limit = 600
		}
		if lines := bytes.Count(text, []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines, more than %d: split it by concern", name, lines, limit)
		}
		checkSchemaLength(t, name, text)
	}
}

// checkSchemaLength holds what the linter's funlen does not look at: schemas may be long, within 150 lines.
func checkSchemaLength(t *testing.T, name string, text []byte) {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range parsed.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if lines := files.Position(function.End()).Line - files.Position(function.Pos()).Line; lines > 150 {
			t.Errorf("%s: %s has %d lines, more than 150", name, function.Name.Name, lines)
		}
	}
}

func TestPackageNames(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`^(util|utils|helper|helpers|common|misc|shared|lib)$`)
	for _, p := range listPackages(t) {
		if forbidden.MatchString(path.Base(p.ImportPath)) {
			t.Errorf("%s: name a package by its duty", p.ImportPath)
		}
	}
}

func TestChangelogHasUnreleasedSection(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^## .*\(Unreleased\)$`).Match(text) {
		t.Error(`CHANGELOG.md needs a section headed "## X.Y.Z (Unreleased)"`)
	}
}

// TestDirectDependenciesAreExplained keeps CONTRIBUTING's list of direct dependencies complete: each has its reason.
func TestDirectDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	gomod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	contributing, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllSubmatch(gomod, -1)
	if len(direct) == 0 || len(direct) > 32 {
		t.Errorf("%d direct dependencies; between 1 and 32 are allowed", len(direct))
	}
	for _, match := range direct {
		if !bytes.Contains(contributing, append([]byte("`"), append(match[1], '`')...)) {
			t.Errorf("CONTRIBUTING.md does not say why %s is a direct dependency", match[1])
		}
	}
}
