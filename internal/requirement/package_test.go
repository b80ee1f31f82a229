package requirement_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

const (
	apt = requirement.PackageTypeApt
	rpm = requirement.PackageTypeRockyLinux
)

func TestParsePackage(t *testing.T) {
	t.Parallel()
	tests := map[requirement.PackageType]map[string]requirement.Package{
		apt: {
			"vim":                      {"vim", "", apt},
			"g++":                      {"g++", "", apt},
			"libstdc++-12-dev":         {"libstdc++-12-dev", "", apt},
			"python3.11":               {"python3.11", "", apt},
			"0ad":                      {"0ad", "", apt},
			"libc6:i386":               {"libc6:i386", "", apt},
			"libc6:kfreebsd-amd64":     {"libc6:kfreebsd-amd64", "", apt},
			"vim=1.6.7":                {"vim", "1.6.7", apt},
			"vim=2:9.0.1378-2+deb12u2": {"vim", "2:9.0.1378-2+deb12u2", apt},
			"vim=0:1.2":                {"vim", "1.2", apt},
			"vim=02:1.2":               {"vim", "2:1.2", apt},
			"vim=1.2~rc1-1ubuntu1":     {"vim", "1.2~rc1-1ubuntu1", apt},
			"vim=1.2-3-4":              {"vim", "1.2-3-4", apt},
			"vim=1.0~":                 {"vim", "1.0~", apt},
		},
		rpm: {
			"vim-enhanced":                  {"vim-enhanced", "", rpm},
			"R":                             {"R", "", rpm},
			"ImageMagick-c++":               {"ImageMagick-c++", "", rpm},
			"java_cup":                      {"java_cup", "", rpm},
			"glibc.i686":                    {"glibc.i686", "", rpm},
			"vim-enhanced-8.0.1763-19.el8":  {"vim-enhanced-8.0.1763-19.el8", "", rpm}, // a name to all but dnf
			"tzdata=20200406":               {"tzdata", "20200406", rpm},
			"vim=8.0.1763":                  {"vim", "8.0.1763", rpm},
			"vim=2:8.0.1763-19.el8_6.4":     {"vim", "2:8.0.1763-19.el8_6.4", rpm},
			"x=1.0~rc1^git20240101-1":       {"x", "1.0~rc1^git20240101-1", rpm},
			"java-1.8.0-openjdk-headless=1": {"java-1.8.0-openjdk-headless", "1", rpm},
		},
	}
	for packageType, packages := range tests {
		for text, want := range packages {
			got, err := requirement.ParsePackage(text, packageType)
			if err != nil || got != want || got.Canonical() != got {
				t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
			}
			if again, err := requirement.ParsePackage(got.String(), packageType); err != nil || again != got {
				t.Errorf("%q is %q, which is %+v, %v", text, got.String(), again, err)
			}
		}
	}
	if _, err := requirement.ParsePackage("vim", "apk"); err == nil {
		t.Error("there is no package type apk")
	}
}

func TestParsePackage_refuses(t *testing.T) {
	t.Parallel()
	const anyPackage = `write the name of a package of the distribution, for example "git" or "git=2.39"`
	const words = "cannot be the name of a package: "
	const each = "write the names of the packages, each by itself"
	exactly := func(version string) string {
		return fmt.Sprintf(`write "vim=%s" to get exactly that version, or "vim" to get the distribution's`, version)
	}
	const newest = `write "vim" to get the distribution's version`
	const path = "is a path or an address, not a package"
	const its = "write the name of a package of the distribution"
	both := map[string]refusal{
		"":                       {"", "is empty", `write the name of a package, for example "git"`},
		" ":                      {"", "is empty", `write the name of a package, for example "git"`},
		"vim ":                   {"", "has white space around it", `write "vim"`},
		"vim=1.2 ":               {"", "has white space around it", `write "vim=1.2"`},
		"vim\u00a0":              {"", "has white space around it", `write "vim"`},
		"vim\n":                  {"", "has white space around it", `write "vim"`},
		"vim git":                {"", "holds several packages", "write each by itself"},
		"vim,git":                {"", "holds several packages", "write each by itself"},
		"vim-":                   {"", words, anyPackage},
		"+x":                     {"", words, anyPackage},
		"vim;id":                 {"", words, anyPackage},
		"$(id)":                  {"", words, anyPackage},
		"python3*":               {"", words, anyPackage},
		strings.Repeat("n", 129): {"", "is longer than 128 bytes", anyPackage},
		"-y":                     {"", "is an option", "write the name of a package"},
		"@development":           {"@", "names a group", each},
		"/usr/bin/git":           {"", path, its},
		"./x.deb":                {"", path, its},
		"https://a:b@host/x.deb": {"", path, its},
		"vi\nm":                  {"\n", "is a control character", "write a blank in its place, or each package in a string of its own"},
		"vіm":                    {"і", "is not an ASCII character", `write "vim"`},
		"vim=1\x002":             {"\x00", "is a control character", "remove it"},
		"vim=１.2":                {"１", "is not an ASCII character", `write "vim=1.2"`},

		"vim==1.6":                        {"==1.6", "is not how a version is written here", `write "vim=1.6"`},
		"vim = 8.0":                       {"= 8.0", "is not how a version is written here", `write "vim=8.0"`},
		"vim 8.0":                         {"8.0", "is not how a version is written here", `write "vim=8.0"`},
		"vim>=1.2":                        {">=1.2", "makes a range", exactly("1.2")},
		"vim (>= 1.2)":                    {">= 1.2", "makes a range", exactly("1.2")},
		"vim >= 1.2":                      {">= 1.2", "makes a range", exactly("1.2")},
		"vim<2":                           {"<2", "makes a range", exactly("2")},
		"vim^1.2":                         {"^1.2", "makes a range", exactly("1.2")},
		"vim~=1.2":                        {"~=1.2", "makes a range", exactly("1.2")},
		"vim!=1.2":                        {"!=1.2", "makes a range", exactly("1.2")},
		"vim=1.2.*":                       {"=1.2.*", "makes a range", exactly("1.2")},
		"vim=1.2*":                        {"=1.2*", "makes a range", exactly("1.2")},
		"vim>=1,<2":                       {">=1,<2", "makes a range", exactly("1")},
		"vim>=x":                          {">=x", "is not a version of", newest},
		"vim=latest":                      {"=latest", "is not a version", newest},
		"vim=*":                           {"=*", "is not a version", newest},
		"vim=":                            {"=", "is not a version", newest},
		"vim=v1.2":                        {"v1.2", "is not a version of", newest},
		"vim=-1":                          {"-1", "is not a version of", newest},
		"vim=1.2-":                        {"1.2-", "is not a version of", newest},
		"vim=1:2:3":                       {"1:2:3", "is not a version of", newest},
		"vim=1.2;id":                      {"1.2;id", "is not a version of", newest},
		"vim=1.2$x":                       {"1.2$x", "is not a version of", newest},
		"vim=" + strings.Repeat("1", 129): {strings.Repeat("1", 129), "is not a version of", newest},
	}
	only := map[requirement.PackageType]map[string]refusal{
		apt: {
			"Vim":          {"", "has upper case letters", `write "vim"`},
			"Vim=1":        {"", "has upper case letters", `write "vim=1"`},
			"x":            {"", words, anyPackage},
			"vim_x":        {"", words, anyPackage},
			"libc6:":       {"", words, anyPackage},
			"vim/bookworm": {"/bookworm", "names a release", "write name=version, or the name alone"},
			"lamp-server^": {"^", "names a task of apt", each},
			"vim=1.2^git":  {"1.2^git", "is not a version of Debian", newest},
			"vim=1_2":      {"1_2", "is not a version of Debian", newest},
		},
		rpm: {
			"perl(Foo::Bar)":      {"", "names what a package provides", "write the name of the package that has it, which dnf repoquery --whatprovides tells"},
			"vim:i686":            {"", words, anyPackage},
			"vim-2:8.0.1763-19":   {"-2:8.0.1763-19", `is a version, before which "=" has to stand`, `write "vim=2:8.0.1763-19"`},
			"glibc>=2.34":         {">=2.34", "makes a range", `write "glibc=2.34" to get exactly that version, or "glibc" to get the distribution's`},
			"vim=1-2-3":           {"1-2-3", "is not a version of RPM", newest},
			"python3dist(x) >= 1": {"", "names what a package provides", "write the name of the package that has it, which dnf repoquery --whatprovides tells"},
		},
	}
	for _, packageType := range requirement.PackageTypes() {
		for _, refusals := range []map[string]refusal{both, only[packageType]} {
			for text, want := range refusals {
				_, err := requirement.ParsePackage(text, packageType)
				checkRefusal(t, err, requirement.Field(packageType), text, want)
			}
		}
	}
}

func TestPackage_Canonical(t *testing.T) {
	t.Parallel()
	tests := []struct{ given, want requirement.Package }{
		{requirement.Package{" vim ", " =1.2 ", apt}, requirement.Package{"vim", "1.2", apt}},
		{requirement.Package{"Odd Name", " not a version ", apt}, requirement.Package{"Odd Name", "not a version", apt}},
		{requirement.Package{"vim", "=1.2", "apk"}, requirement.Package{"vim", "=1.2", "apk"}},
	}
	for _, test := range tests {
		if got := test.given.Canonical(); got != test.want || got.Canonical() != got {
			t.Errorf("%+v: %+v, want %+v", test.given, got, test.want)
		}
	}
}

func TestPackage_texts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		given          requirement.Package
		text, argument string
	}{
		{requirement.Package{"vim", "", apt}, "vim", "vim"},
		{requirement.Package{"libc6:i386", "2.36-9", apt}, "libc6:i386=2.36-9", "libc6:i386=2.36-9"},
		{requirement.Package{"vim", "2:8.0.1763-19.4", rpm}, "vim=2:8.0.1763-19.4", "vim-2:8.0.1763-19.4"},
		{requirement.Package{"vim", "=1", "apk"}, "vim=1", "vim=1"},
	} {
		if text, argument := test.given.String(), test.given.Argument(); text != test.text || argument != test.argument {
			t.Errorf("%+v: %q, %q", test.given, text, argument)
		}
	}
	if types := requirement.PackageTypes(); !slices.Equal(types, []requirement.PackageType{rpm, apt}) {
		t.Errorf("package types %v", types)
	}
}
