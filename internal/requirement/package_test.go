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

func TestParsePackageType(t *testing.T) {
	t.Parallel()
	for _, known := range requirement.PackageTypes() {
		if got, err := requirement.ParsePackageType(string(known)); got != known || err != nil {
			t.Errorf("%q: %q, %v", known, got, err)
		}
	}
	const both = `write "rocky_linux" or "apt"`
	tests := map[string]string{
		"rpm": `write "rocky_linux"`, "yum": `write "rocky_linux"`, "dnf": `write "rocky_linux"`, "DNF": `write "rocky_linux"`,
		"rocky-linux": `write "rocky_linux"`, "PACKAGE_TYPE_ROCKYLINUX": `write "rocky_linux"`, " rocky_linux": `write "rocky_linux"`,
		"deb": `write "apt"`, "APT": `write "apt"`, "apt-get": `write "apt"`, "Debian": `write "apt"`, "PACKAGE_TYPE_APT": `write "apt"`,
		"apk": both, "": both, "pip": both,
	}
	for text, suggestion := range tests {
		_, err := requirement.ParsePackageType(text)
		checkRefusal(t, err, requirement.FieldPackageType, text, refusal{"", "is not a package type", suggestion})
		_, err = requirement.ParsePackage("vim", "", requirement.PackageType(text))
		checkRefusal(t, err, requirement.FieldPackageType, text, refusal{"", "is not a package type", suggestion})
	}
}

func TestParsePackage(t *testing.T) {
	t.Parallel()
	tests := []struct{ given, want requirement.Package }{
		{requirement.Package{"vim", "", apt}, requirement.Package{"vim", "", apt}},
		{requirement.Package{"g++", "", apt}, requirement.Package{"g++", "", apt}},
		{requirement.Package{"libstdc++-12-dev", "", apt}, requirement.Package{"libstdc++-12-dev", "", apt}},
		{requirement.Package{"python3.11", "", apt}, requirement.Package{"python3.11", "", apt}},
		{requirement.Package{"0ad", "", apt}, requirement.Package{"0ad", "", apt}},
		{requirement.Package{"libc6:i386", "", apt}, requirement.Package{"libc6:i386", "", apt}},
		{requirement.Package{"libc6:kfreebsd-amd64", "", apt}, requirement.Package{"libc6:kfreebsd-amd64", "", apt}},
		{requirement.Package{"vim", " ", apt}, requirement.Package{"vim", "", apt}},
		{requirement.Package{"vim", "=1.6.7", apt}, requirement.Package{"vim", "1.6.7", apt}},
		{requirement.Package{"vim", "2:9.0.1378-2+deb12u2", apt}, requirement.Package{"vim", "2:9.0.1378-2+deb12u2", apt}},
		{requirement.Package{"vim", "0:1.2", apt}, requirement.Package{"vim", "1.2", apt}},
		{requirement.Package{"vim", "02:1.2", apt}, requirement.Package{"vim", "2:1.2", apt}},
		{requirement.Package{"vim", "1.2~rc1-1ubuntu1", apt}, requirement.Package{"vim", "1.2~rc1-1ubuntu1", apt}},
		{requirement.Package{"vim", "1.2-3-4", apt}, requirement.Package{"vim", "1.2-3-4", apt}},
		{requirement.Package{"vim", "1.0~", apt}, requirement.Package{"vim", "1.0~", apt}},

		{requirement.Package{"vim-enhanced", "", rpm}, requirement.Package{"vim-enhanced", "", rpm}},
		{requirement.Package{"R", "", rpm}, requirement.Package{"R", "", rpm}},
		{requirement.Package{"ImageMagick-c++", "", rpm}, requirement.Package{"ImageMagick-c++", "", rpm}},
		{requirement.Package{"java_cup", "", rpm}, requirement.Package{"java_cup", "", rpm}},
		{requirement.Package{"glibc.i686", "", rpm}, requirement.Package{"glibc.i686", "", rpm}},
		{requirement.Package{"tzdata", "20200406", rpm}, requirement.Package{"tzdata", "20200406", rpm}},
		{requirement.Package{"vim", "=8.0.1763", rpm}, requirement.Package{"vim", "8.0.1763", rpm}},
		{requirement.Package{"vim", "2:8.0.1763-19.el8_6.4", rpm}, requirement.Package{"vim", "2:8.0.1763-19.el8_6.4", rpm}},
		{requirement.Package{"x", "1.0~rc1^git20240101-1", rpm}, requirement.Package{"x", "1.0~rc1^git20240101-1", rpm}},
	}
	for _, test := range tests {
		got, err := requirement.ParsePackage(test.given.Name, test.given.VersionSpecifier, test.given.Type)
		if err != nil || got != test.want || got.Canonical() != got || test.given.Canonical() != got {
			t.Errorf("%+v: %+v, %v; want %+v", test.given, got, err, test.want)
		}
	}
}

func TestParsePackage_refusesName(t *testing.T) {
	t.Parallel()
	const words = "cannot be the name of a package: "
	tests := map[requirement.PackageType]map[string]refusal{
		apt: {
			"":                       {"", "is empty", `write the name of a package, for example "git"`},
			"vim ":                   {"", "has white space around it", `write "vim"`},
			"vim git":                {"", "holds several names", "write one requirement for each"},
			"vim,git":                {"", "holds several names", "write one requirement for each"},
			"Vim":                    {"", "has upper case letters", `write "vim"`},
			"x":                      {"", words, ""},
			"vim_x":                  {"", words, ""},
			"+x":                     {"", words, ""},
			"vim-":                   {"", words, ""},
			"libc6:":                 {"", words, ""},
			"vim=2:9.0":              {"=2:9.0", "is a version", `write name = "vim" and version_specifier = "2:9.0"`},
			"vim>=9":                 {">=9", "is a version", `write name = "vim" and version_specifier = "9"`},
			"vim=latest":             {"=latest", "is a version", "write the name alone, and the version in version_specifier"},
			"vim/bookworm":           {"", "is a path, a URL or a release", "write the name of a package of the distribution"},
			"./x.deb":                {"", "is a path, a URL or a release", "write the name of a package of the distribution"},
			"https://a:b@host/x.deb": {"", "is a path, a URL or a release", "write the name of a package of the distribution"},
			"-y":                     {"", "is an option", "write the name of a package"},
			"vim;id":                 {"", words, ""},
			"$(id)":                  {"", words, ""},
			"vi\nm":                  {"\n", "is a control character", "remove it"},
			"vіm":                    {"і", "is not an ASCII character", `write "vim"`},
			"python3*":               {"", words, ""},
			"task^":                  {"^", "is a version", "write the name alone, and the version in version_specifier"},
			strings.Repeat("n", 129): {"", "is longer than 128 bytes", ""},
		},
		rpm: {
			"@development": {"@", "names a group", "write the names of the packages, one requirement for each"},
			"perl(Foo)":    {"", words, ""},
			"/usr/bin/git": {"", "is a path, a URL or a release", "write the name of a package of the distribution"},
			"vim:i686":     {"", words, ""},
			"vim-":         {"", words, ""},
			"-vim":         {"", "is an option", "write the name of a package"},
			"vim = 8.0":    {"= 8.0", "is a version", `write name = "vim" and version_specifier = "8.0"`},
			"vim\u00a0":    {"", "has white space around it", `write "vim"`},
		},
	}
	for packageType, refusals := range tests {
		for text, want := range refusals {
			_, err := requirement.ParsePackage(text, "", packageType)
			checkRefusal(t, err, requirement.FieldName, text, want)
		}
	}
}

func TestParsePackage_refusesVersion(t *testing.T) {
	t.Parallel()
	exactly := func(version string) string {
		return fmt.Sprintf("write %q for exactly that version, or leave it out", version)
	}
	both := map[string]refusal{
		"==1.6":                  {"==", "is not how package managers", `write "1.6"`},
		">=1.2":                  {">=", "makes a range", exactly("1.2")},
		">= 1.2":                 {">=", "makes a range", exactly("1.2")},
		"<2":                     {"<", "makes a range", exactly("2")},
		"^1.2":                   {"^", "makes a range", exactly("1.2")},
		"~=1.2":                  {"~=", "makes a range", exactly("1.2")},
		"!=1.2":                  {"!=", "makes a range", exactly("1.2")},
		"1.2.*":                  {".*", "makes a range", exactly("1.2")},
		"1.2*":                   {"*", "makes a range", exactly("1.2")},
		"=1.2.*":                 {"", "makes a range", exactly("1.2")},
		">=1,<2":                 {">=", "makes a range", exactly("1")},
		">=x":                    {">=", "is not part of a version", "write one exact version, or leave it out"},
		"latest":                 {"", "is not a version", leaveOut},
		"=latest":                {"", "is not a version", leaveOut},
		"*":                      {"", "is not a version", leaveOut},
		"=":                      {"", "is not a version", leaveOut},
		"\t":                     {"", "is not a version", leaveOut},
		"1.2 ":                   {"", "has white space around it", `write "1.2"`},
		"1.2\n":                  {"", "has white space around it", `write "1.2"`},
		"v1.2":                   {"", "is not a version of", ""},
		"-1":                     {"", "is not a version of", ""},
		"1.2-":                   {"", "is not a version of", ""},
		"1:2:3":                  {"", "is not a version of", ""},
		"1.2;id":                 {"", "is not a version of", ""},
		"1.2$x":                  {"", "is not a version of", ""},
		"1 2":                    {"", "is not a version of", ""},
		"1\x002":                 {"\x00", "is a control character", "remove it"},
		"１.2":                    {"１", "is not an ASCII character", `write "1.2"`},
		strings.Repeat("1", 129): {"", "is not a version of", ""},
	}
	only := map[requirement.PackageType]map[string]refusal{
		apt: {"1.2^git": {"", "is not a version of Debian", ""}, "1_2": {"", "is not a version of Debian", ""}},
		rpm: {"1-2-3": {"", "is not a version of RPM", ""}},
	}
	for _, packageType := range requirement.PackageTypes() {
		for _, refusals := range []map[string]refusal{both, only[packageType]} {
			for text, want := range refusals {
				_, err := requirement.ParsePackage("vim", text, packageType)
				checkRefusal(t, err, requirement.FieldVersionSpecifier, text, want)
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

func TestPackage_String(t *testing.T) {
	t.Parallel()
	tests := map[string]requirement.Package{
		"vim":                 {"vim", "", apt},
		"vim=2:9.0.1378-2":    {"vim", "2:9.0.1378-2", apt},
		"libc6:i386=2.36-9":   {"libc6:i386", "2.36-9", apt},
		"vim-2:8.0.1763-19.4": {"vim", "2:8.0.1763-19.4", rpm},
		"vim=1":               {"vim", "1", "apk"},
	}
	for want, given := range tests {
		if got := given.String(); got != want {
			t.Errorf("%+v: %q, want %q", given, got, want)
		}
	}
	if types := requirement.PackageTypes(); !slices.Equal(types, []requirement.PackageType{rpm, apt}) {
		t.Errorf("package types %v", types)
	}
}
