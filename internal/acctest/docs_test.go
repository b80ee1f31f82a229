package acctest_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
)

// block is a configuration that a page shows.
type block struct {
	page string
	line int
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// complete tells that a reader can paste the block into an empty folder.
func (b block) complete() bool { return strings.Contains(b.text, "required_providers") }

// has tells whether the block has a block of that kind at its top.
func (b block) has(kind string) bool {
	return regexp.MustCompile(`(?m)^` + kind + ` `).MatchString(b.text)
}

var fenced = regexp.MustCompile("(?ms)^```(?:hcl|terraform)\n(.*?)^```$")

// documentedBlocks are the blocks of the README and of all pages.
func documentedBlocks(t *testing.T) []block {
	t.Helper()
	root := filepath.Dir(examplesRoot)
	pages := []string{filepath.Join(root, "README.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range fenced.FindAllSubmatchIndex(text, -1) {
			name, _ := filepath.Rel(root, page)
			all = append(all, block{name, strings.Count(string(text[:at[2]]), "\n"), string(text[at[2]:at[3]])})
		}
	}
	return all
}

// mayBeFragments are the pages of one type or function, where a registry shows beside the example where the provider comes from; and the provider's page,
// which shows some of their examples.
func mayBeFragments(page string) bool {
	return !strings.Contains(page, "guides") && page != "README.md"
}

// TestDocs_blocks has Terraform validate every block of README and pages as it is pasted, many in one start. What is complete is not touched; a fragment of a
// type's page gets where the provider comes from, and what an import is for.
func TestDocs_blocks(t *testing.T) {
	t.Parallel()
	all := documentedBlocks(t)
	if len(all) < 35 {
		t.Errorf("only %d blocks were found: %v", len(all), all)
	}
	together, alone := acctest.NewWorkspace(t), acctest.NewWorkspace(t)
	var calls strings.Builder
	var imports []block
	knowsIdentity := terraformMinor(t, alone) >= 12
	for i, b := range all {
		if !b.complete() && !mayBeFragments(b.page) {
			t.Errorf("%s has no required_providers: whoever pastes it is told that there is no such provider", b)
		}
		switch {
		case b.has("import") && strings.Contains(b.text, "identity =") && !knowsIdentity:
			expectParsesText(t, b)
		case b.has("import"): // in the main module only
			imports = append(imports, b.completed(all))
		default:
			name := fmt.Sprintf("b%d", i)
			writeBlock(t, filepath.Join(together.Dir, name), b.completed(nil))
			fmt.Fprintf(&calls, "module %q { # %s\n  source = \"./%s\"\n%s}\n", name, b, name, variables(t, b))
		}
	}
	together.Write("main.tf", calls.String())
	together.MustRun("get")
	if result := together.Run("validate", "-no-color"); result.ExitCode != 0 {
		t.Errorf("%s\nwhere\n%s", result.Output, calls.String())
	}
	for _, b := range imports {
		writeBlock(t, alone.Dir, b)
		if result := alone.Run("validate", "-no-color"); result.ExitCode != 0 {
			t.Errorf("%s: %s", b, result.Output)
		}
	}
	if len(imports) < 4 {
		t.Errorf("only these blocks import: %v", imports)
	}
}

// completed is a fragment with where the provider comes from and, for an import, with the example of its page before it.
func (b block) completed(others []block) block {
	if b.complete() {
		return b
	}
	if i := slices.IndexFunc(others, func(o block) bool { return o.page == b.page }); i >= 0 && others[i].line != b.line {
		b.text += others[i].text
	}
	if !b.complete() {
		b.text = acctest.RequiredProviders + b.text
	}
	return b
}

// writeBlock writes a block as the main file of a folder, with the files that the examples of functions read.
func writeBlock(t *testing.T, dir string, b block) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	read, err := filepath.Glob(filepath.Join(examplesRoot, "functions", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"main.tf": []byte(b.text), "windows.txt": []byte(frozenOnWindows)}
	for _, path := range append(read, "../requirement/lockfile/testdata/uv-pylock.toml") {
		if filepath.Ext(path) == ".tf" {
			continue
		}
		if files[strings.TrimPrefix(filepath.Base(path), "uv-")], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// variables are arguments for the variables of a block that have no default.
func variables(t *testing.T, b block) string {
	t.Helper()
	var arguments strings.Builder
	for _, each := range expectParsesText(t, b).Blocks {
		if each.Type == "variable" && each.Body.Attributes["default"] == nil {
			fmt.Fprintf(&arguments, "  %s = null\n", each.Labels[0])
		}
	}
	return arguments.String()
}

func expectParsesText(t *testing.T, b block) *hclsyntax.Body {
	t.Helper()
	file, diagnostics := hclparse.NewParser().ParseHCL([]byte(b.text), b.String())
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatalf("%s: %T", b, file.Body)
	}
	return body
}
