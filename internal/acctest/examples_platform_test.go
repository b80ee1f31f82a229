package acctest_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// platformAddress is that of the platform in examples.
const platformAddress = "https://rime.example.com"

// ofPlatform tells whether an example is for users of a RIME platform.
func ofPlatform(t *testing.T, files []string) bool {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), platformAddress) {
			return true
		}
	}
	return false
}

// TestExamples_platform applies what is written for users of a RIME platform, after which there is nothing left to plan. One image is there before, for
// those that read or import it.
func TestExamples_platform(t *testing.T) {
	t.Parallel()
	directories := examples(t)
	maps.DeleteFunc(directories, func(_ string, files []string) bool { return !ofPlatform(t, files) })
	if len(directories) < 6 {
		t.Fatalf("only these directories have examples: %v", slices.Sorted(maps.Keys(directories)))
	}
	for directory, files := range directories {
		t.Run(directory, func(t *testing.T) {
			t.Parallel()
			platform, err := rime.Start(rime.Options{BuildTime: 1}) // at once
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = platform.Close() })
			churn := rime.Inputs{PythonVersion: "3.9", PipRequirements: []rime.Require{{Name: "xgboost"}, {Name: "pandas", VersionSpecifier: ">=1.5,<2"}}}
			if err := platform.Add("churn", churn); err != nil {
				t.Fatal(err)
			}
			w := acctest.NewWorkspace(t)
			w.Env["RIME_API_KEY"], w.Env["TF_VAR_rime_api_key"] = rime.KeyUser, rime.KeyUser
			w.Env["RIME_ENDPOINT"] = platform.URL // for those that leave it to the environment
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				w.Write(filepath.Base(file), strings.ReplaceAll(string(text), platformAddress, platform.URL))
			}
			output := w.Apply().Output
			w.PlanIsEmpty()
			imports := strings.Contains(directory, "import")
			if strings.Contains(output, "1 imported, 0 added") != imports {
				t.Errorf("imports: %t, want %t\n%s", !imports, imports, output)
			}
		})
	}
}
