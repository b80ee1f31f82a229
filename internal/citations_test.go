package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// citation is a page (without a folder, the package's own), a section with or without an item, or a guarantee of README.
var citation = regexp.MustCompile(`([\w./-]*CONTRACT(?:\.md)?)\b|§(?: *(\d+(?:\.\d+)*)(?: item (\d+))?)?|\bG(\d+) of README`)

// TestCitationsResolve looks up what comments and pages cite: the page is there, and has the section and the item.
func TestCitationsResolve(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	checked := 0
	for _, name := range citingFiles(t) {
		for _, paragraph := range paragraphs(t, name) {
			n, err := resolve(pages, name, paragraph)
			if err != nil {
				t.Errorf("%s: %v, in %q", name, err, paragraph)
			}
			checked += n
		}
	}
	if checked < 150 {
		t.Errorf("only %d citations were found", checked)
	}
}

// TestCitationsResolve_refuses has citations that lead nowhere.
func TestCitationsResolve_refuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"as in §3",
		"(design §3)",
		"CONTRACT §99.1",
		"CONTRACT §2.12, §2.99",
		"CONTRACT §8 item 99",
		"CONTRACT §",
		"internal/nowhere/CONTRACT.md §1",
		"G99 of README",
	} {
		if _, err := resolve(map[string]string{}, "../internal/rime/client.go", text); err == nil {
			t.Errorf("%q resolves", text)
		}
	}
}

// resolve looks up all citations of a paragraph. A section without a page is one of the page that was named before.
func resolve(pages map[string]string, name, paragraph string) (checked int, err error) {
	page := ""
	for _, match := range citation.FindAllStringSubmatch(paragraph, -1) {
		named, section, item, guarantee := match[1], match[2], match[3], match[4]
		checked++
		switch {
		case guarantee != "":
			err = has(pages, "../README.md", `(?m)^\| G`+guarantee+` \|`)
		case named != "":
			page = citedPage(name, named)
			err = has(pages, page, `(?m)^# `)
		case section == "" && strings.HasSuffix(name, "_test.go"): // stands for anything in an expected message
		case page == "" || section == "":
			err = fmt.Errorf("%q names no page or no section", match[0])
		case item == "":
			err = has(pages, page, heading(section))
		default:
			err = has(pages, page, heading(section)+`[^\n]*\n(?:[^#\n][^\n]*\n|\n)*(?:\| `+item+` \||`+item+`\. )`)
		}
		if err != nil {
			return checked, fmt.Errorf("%q: %w", match[0], err)
		}
	}
	return checked, nil
}

func heading(section string) string { return `(?m)^#{2,3} ` + regexp.QuoteMeta(section) + `\.? ` }

// citedPage is the file that a text in a file means by a page's name.
func citedPage(name, page string) string {
	page = strings.TrimSuffix(page, ".md") + ".md"
	if strings.Contains(page, "/") {
		return path.Join("..", page)
	}
	return path.Join(path.Dir(filepath.ToSlash(name)), page)
}

func has(pages map[string]string, page, pattern string) error {
	if _, read := pages[page]; !read {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		pages[page] = string(text)
	}
	if !regexp.MustCompile(pattern).MatchString(pages[page]) {
		return fmt.Errorf("%s has no such section", page)
	}
	return nil
}

// citingFiles yields every file of the repository that can cite something, by its path from here.
func citingFiles(t *testing.T) []string {
	t.Helper()
	files := goFiles(t)
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", ".cache", "bin", "dist", "testdata"}, entry.Name()):
			return filepath.SkipDir
		case slices.Contains([]string{".md", ".tmpl", ".graphql", ".tf", ".yml"}, filepath.Ext(name)):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// paragraphs are the texts of a file that may cite something, each on one line. Of a Go file these are its comments, and,
// as no message may cite, its strings; a test's strings have § for "anything".
func paragraphs(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	if filepath.Ext(name) == ".go" {
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range parsed.Comments {
			found = append(found, strings.Join(strings.Fields(group.Text()), " "))
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING && !strings.HasSuffix(name, "_test.go") {
				found = append(found, literal.Value)
			}
			return true
		})
		return found
	}
	for part := range strings.SplitSeq(string(text), "\n\n") {
		words := strings.Fields(part)
		found = append(found, strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "#" }), " "))
	}
	return found
}
