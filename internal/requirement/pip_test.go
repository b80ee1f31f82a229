package requirement_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

func TestParsePip_name(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 128)
	tests := map[string]string{
		"numpy":                       "numpy",
		"NumPy":                       "numpy",
		"Foo__Bar.-baz":               "foo-bar-baz",
		"7":                           "7",
		"zope.interface":              "zope-interface",
		"uvicorn[standard]":           "uvicorn[standard]",
		"Uvicorn[Standard]":           "uvicorn[standard]",
		"a[Z_z,b.b,B-b]":              "a[b-b,z-z]",
		"uvicorn[]":                   "uvicorn",
		long:                          long,
		"a[" + long + "]":             "a[" + long + "]",
		"python-whl":                  "python-whl",
		"apache-airflow[cncf.k8s,s3]": "apache-airflow[cncf-k8s,s3]",
	}
	for text, want := range tests {
		got, err := requirement.ParsePip(text, "")
		if err != nil || got != (requirement.Pip{Name: want}) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParsePip_specifier(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":            "",
		"  ":          "",
		"1.1.2":       "==1.1.2",
		"1.0":         "==1",
		"v1.0":        "==1",
		"== 1.0":      "==1",
		"==0.0.0":     "==0",
		"==1!0.0":     "==1!0",
		"==10.0.10.0": "==10.0.10",

		// Zeros at the end mean nothing where versions are compared by value,
		">=1.0": ">=1", "<=1.0.0": "<=1", ">1.0": ">1", "<2.0": "<2", "!=1.0": "!=1",
		"==1.0a1": "==1a1", ">=1.0.post1": ">=1.post1", "<1.0.dev0": "<1.dev0", "==1.0+cu118": "==1+cu118",
		// but everything where they are counted or are text.
		"~=1.0": "~=1.0", "~=1.0.0": "~=1.0.0", "==1.0.*": "==1.0.*", "==1.*": "==1.*", "!=1.0.0.*": "!=1.0.0.*",
		"===1.0": "===1.0", "===1.0-1": "===1.0-1", "===1.0+Local": "===1.0+local",

		// PEP 440's normal form.
		"1.0alpha1": "==1a1", "1.0-beta.2": "==1b2", "1.0C3": "==1rc3", "1.0pre": "==1rc0", "1.0-preview-4": "==1rc4",
		"1.0-1": "==1.post1", "1.0.r2": "==1.post2", "1.0rev3": "==1.post3", "1.0DEV": "==1.dev0", "01.002.0003": "==1.2.3",
		"==1.2+Ubuntu_01-x": "==1.2+ubuntu.1.x", "==1.2+001": "==1.2+1", "==1.2+000": "==1.2+0",
		"==20240131.0": "==20240131",

		// Sets.
		">=1,<2":              ">=1,<2",
		"<2, >=1.0":           ">=1,<2",
		" <2.0.0 ,>= 1 ":      ">=1,<2",
		">=1,>=1.0,>= 1":      ">=1",
		"!=1.5,<2,>=1,!=1.4":  ">=1,<2,!=1.4,!=1.5",
		"~=1.4,!=1.4.2.*":     "~=1.4,!=1.4.2.*",
		"<=3,>2,==2.5,===2.5": "===2.5,==2.5,>2,<=3",
	}
	for text, want := range tests {
		got, err := requirement.ParsePip("x", text)
		if err != nil || got.VersionSpecifier != want {
			t.Errorf("%q: %q, %v; want %q", text, got.VersionSpecifier, err, want)
			continue
		}
		if again, err := requirement.ParsePip(got.Name, got.VersionSpecifier); err != nil || again != got {
			t.Errorf("%q: the canonical form %q parses to %q, %v", text, got, again, err)
		}
	}
}

// refusal is what is expected of an error.
type refusal struct {
	// offending is empty where it is the whole text.
	offending string
	// problem is a part of the problem's words.
	problem, suggestion string
}

func checkRefusal(t *testing.T, err error, field requirement.Field, text string, want refusal) {
	t.Helper()
	refused, ok := errors.AsType[*requirement.Error](err)
	if !ok {
		t.Errorf("%s %q: not refused (%v)", field, text, err)
		return
	}
	if want.offending == "" {
		want.offending = refused.Text
	}
	got := refusal{refused.Offending, refused.Problem, refused.Suggestion}
	if refused.Field != field || got.offending != want.offending || !strings.Contains(got.problem, want.problem) || got.suggestion != want.suggestion {
		t.Errorf("%s %q:\n got %s %q\nwant %s %q", field, text, refused.Field, got, field, want)
	}
}

const (
	example  = `write a version or comparisons, for example "1.2" or ">=1.2,<2"`
	leaveOut = "leave it out to get the newest version"
)

func TestParsePip_refusesSpecifier(t *testing.T) {
	t.Parallel()
	tests := map[string]refusal{
		// Operators of others.
		"=1.0":     {"=", "is not an operator of PEP 440", `write "==1.0"`},
		"= 1.0":    {"=", "is not an operator of PEP 440", `write "==1.0"`},
		"=>1":      {"=>", "is not an operator of PEP 440", `write ">=1"`},
		"=<2":      {"=<", "is not an operator of PEP 440", `write "<=2"`},
		"<>1":      {"<>", "is not an operator of PEP 440", `write "!=1"`},
		"!1":       {"!", "is not an operator of PEP 440", `write "!=1"`},
		"^1.2":     {"^", "is an operator of other package managers", `write ">=1.2,<2"`},
		"^0.2.3":   {"^", "is an operator of other package managers", `write ">=0.2.3,<0.3"`},
		"^0.0.3":   {"^", "is an operator of other package managers", `write ">=0.0.3,<0.0.4"`},
		"^0.0":     {"^", "is an operator of other package managers", `write ">=0.0,<0.1"`},
		"^1!2.3":   {"^", "is an operator of other package managers", `write ">=1!2.3,<1!3"`},
		"~1.2":     {"~", "is an operator of other package managers", `write "~=1.2"`},
		"~1":       {"~", "is an operator of other package managers", `write "~=1.0"`},
		"~>1.2.3":  {"~>", "is an operator of other package managers", `write "~=1.2.3"`},
		"> =1":     {"> =", "has white space inside the operator", `write ">=1"`},
		">=1||<.5": {"||", `there is no "or"`, example},
		">=":       {">=", "has no version behind it", example},

		// What PEP 440 does not let go together.
		"~=1":          {"~=1", "has one release segment", `write "~=1.0"`},
		"~=1a1":        {"~=1a1", "has one release segment", `write "~=1.0a1"`},
		">=1.2.*":      {">=1.2.*", `has ".*"`, `write ">=1.2"`},
		"<2.*":         {"<2.*", `has ".*"`, `write "<2"`},
		"<=1.2.*":      {"<=1.2.*", `has ".*"`, `write "<1.3"`},
		">1.2.*":       {">1.2.*", `has ".*"`, `write ">=1.3"`},
		"~=1.2.*":      {"~=1.2.*", `has ".*"`, `write "==1.2.*"`},
		"===1.2.*":     {"===1.2.*", `has ".*"`, `write "==1.2.*"`},
		"==1.0.dev1.*": {"==1.0.dev1.*", "after more than release numbers", `write "==1.0.*"`},
		"==1.0a1.*":    {"==1.0a1.*", "after more than release numbers", `write "==1.0.*"`},
		"!=1.post1.*":  {"!=1.post1.*", "after more than release numbers", `write "!=1.*"`},
		"==1.0+x.*":    {"==1.0+x.*", "after more than release numbers", `write "==1.0.*"`},
		">=1.0+x":      {">=1.0+x", "has a local version", `write ">=1.0"`},
		"~=1.0+x":      {"~=1.0+x", "has a local version", `write "~=1.0"`},

		// Wild cards and words.
		"1.2.*":     {"1.2.*", "has no operator", `write "==1.2.*"`},
		"1.2.x":     {".x", "is not PEP 440's wild card", `write "==1.2.*"`},
		"==1.2.X":   {".X", "is not PEP 440's wild card", `write "==1.2.*"`},
		"*":         {"*", "is not a version", leaveOut},
		"==*":       {"*", "is not a version", leaveOut},
		"latest":    {"latest", "is not a version", leaveOut},
		"== Latest": {"Latest", "is not a version", leaveOut},

		// Sets.
		">=1 <2":     {" ", "which a comma has to do", `write ">=1,<2"`},
		">=1<2":      {"<", "without a comma before it", `write ">=1,<2"`},
		">=1,":       {",", "separates nothing", `write ">=1"`},
		">=1,,<2":    {",", "separates nothing", `write ">=1,<2"`},
		",":          {",", "separates nothing", leaveOut},
		"1,2":        {"1", "has no operator", example},
		"=1.0 <2":    {"=", "is not an operator", `write "==1.0,<2"`},
		"^1,!=1.5.x": {"^", "is an operator of other", `write ">=1,<2,!=1.5.*"`},
		"(>=1,<2)":   {"(", "is a parenthesis", `write ">=1,<2"`},

		// What belongs elsewhere.
		"numpy>=1,<2":                   {">=1", "follows a name", `write ">=1,<2"`},
		"numpy (>=1)":                   {"(", "is a parenthesis", `write ">=1"`},
		`>=1.0; python_version < "3.9"`: {`; python_version < "3.9"`, "environment markers", `write ">=1.0"`},
		">=1,<2 # because":              {"# because", "comments", `write ">=1,<2"`},
		"--hash=sha256:00ff":            {"--hash=sha256:00ff", "is an option of pip", leaveOut},
		"==1.0 --hash=sha256:00ff":      {" --hash=sha256:00ff", "is an option of pip", `write "==1.0"`},
		"@ https://host/x.whl":          {"@ https://host/***", "is a direct reference", example},
		"https://me:secret@host/x.whl":  {"https://host/***", "is a direct reference", example},
		"git+ssh://git@host/x":          {"git+ssh://host/***", "is a direct reference", example},
		`"==1.0"`:                       {`"`, "is a quotation mark", `write "==1.0"`},

		// No version at all.
		"abc":                  {"abc", "is not a version", example},
		"1.0-py3":              {"1.0-py3", "is not a version", example},
		"-1":                   {"-1", "is not a version", example},
		"1 .0":                 {" ", "is white space inside a version", `write "1.0"`},
		"$(id)":                {"$(id)", "is not a version", example},
		"==1.0`id`":            {"1.0`id`", "is not a version", example},
		"==1&&2":               {"1&&2", "is not a version", example},
		"==1\\0":               {"1\\0", "is not a version", example},
		"==1'0":                {"1'0", "is not a version", example},
		"==1.{0}":              {"1.{0}", "is not a version", example},
		"99999999999999999999": {"99999999999999999999", "is not a version", example},

		// Characters.
		"1.0\n":                           {"", "has a line break or a tab around it", `write "1.0"`},
		"\t>=1":                           {"", "has a line break or a tab around it", `write ">=1"`},
		"1.0\n2.0":                        {"\n", "(U+000A) is a control character", "remove it"},
		"1.0\x00":                         {"\x00", "(U+0000) is a control character", "remove it"},
		"≥1.0":                            {"≥", "(U+2265) is not an ASCII character", `write ">=1.0"`},
		"１.０":                             {"１", "(U+FF11) is not an ASCII character", `write "1.0"`},
		"＞＝1":                             {"＞", "(U+FF1E) is not an ASCII character", `write ">=1"`},
		"1.0–1":                           {"–", "(U+2013) is not an ASCII character", `write "1.0-1"`},
		">=\u00a01":                       {"\u00a0", "(U+00A0) is not an ASCII character", `write ">= 1"`},
		"1.٣":                             {"٣", "(U+0663) is not an ASCII character", "use ASCII characters only"},
		"1.0\xff":                         {"", "is not UTF-8 text", ""},
		"==1" + strings.Repeat(".0", 600): {"", "is longer than 1024 bytes", ""},
	}
	for text, want := range tests {
		_, err := requirement.ParsePip("x", text)
		checkRefusal(t, err, requirement.FieldVersionSpecifier, text, want)
	}
}

func TestParsePip_refusesName(t *testing.T) {
	t.Parallel()
	const index = "publish the distribution to a package index and write its name"
	tests := map[string]refusal{
		"":        {"", "is empty", `write the name of a distribution, for example "numpy"`},
		" ":       {"", "is empty", `write the name of a distribution, for example "numpy"`},
		"numpy ":  {"", "has white space around it", `write "numpy"`},
		"numpy\r": {"", "has white space around it", `write "numpy"`},

		"scikit learn": {" ", "is white space inside the name", `write "scikit-learn"`},

		// The version has its own place.
		"numpy==1.2":                 {"==1.2", "is a version specifier", `write name = "numpy" and version_specifier = "==1.2"`},
		"numpy >= 1, < 2":            {">= 1, < 2", "is a version specifier", `write name = "numpy" and version_specifier = ">=1,<2"`},
		"numpy=1.2":                  {"=1.2", "is a version specifier", `write name = "numpy" and version_specifier = "==1.2"`},
		"numpy^1.2":                  {"^1.2", "is a version specifier", `write name = "numpy" and version_specifier = ">=1.2,<2"`},
		"numpy>=oops":                {">=oops", "is a version specifier", `write name = "numpy" and the version in version_specifier`},
		"numpy (>=1)":                {">=1", "is a version specifier", `write name = "numpy" and version_specifier = ">=1"`},
		"uvicorn[standard]>=1":       {">=1", "is a version specifier", `write name = "uvicorn[standard]" and version_specifier = ">=1"`},
		"numpy 1.2":                  {" 1.2", "is a version", `write name = "numpy" and version_specifier = "==1.2"`},
		"numpy@1.2":                  {"@1.2", "is a version", `write name = "numpy" and version_specifier = "==1.2"`},
		"numpy==1.2 # pinned":        {"# pinned", "comments", `write name = "numpy" and version_specifier = "==1.2"`},
		`numpy;os_name=="nt"`:        {`;os_name=="nt"`, "environment markers", `write "numpy"`},
		`numpy # see https://host/x`: {`# see https://host/***`, "comments", `write "numpy"`},
		`numpy; rm -rf /`:            {`; rm -rf /`, "environment markers", `write "numpy"`},
		`a==1;python_version<3`:      {`;python_version<3`, "environment markers", `write name = "a" and version_specifier = "==1"`},

		// No names at all.
		"-e .":                     {"", "asks for an editable install", "publish the project to a package index and write its name"},
		"--editable=git+x":         {"", "asks for an editable install", "publish the project to a package index and write its name"},
		"-r requirements.txt":      {"", "is an option of pip", "write the name of a distribution; package indexes are configured in the provider"},
		"--hash=sha256:00":         {"", "is an option of pip", "write the name of a distribution; package indexes are configured in the provider"},
		"git+https://me:pw@host/x": {"", "is a URL", index},
		"https://me:pw@host/x.whl": {"", "is a URL", index},
		"file:///tmp/x":            {"", "is a URL", index},
		"x @ https://me:pw@host/x": {"@ https://host/***", "is a direct reference", `write "x"`},
		"x@git+https://host/x":     {"@git+https://host/***", "is a direct reference", `write "x"`},
		"./x":                      {"", "is a path", index},
		"dir/x":                    {"", "is a path", index},
		`C\x`:                      {"", "is a path", index},
		"x-1.0-py3-none-any.whl":   {"", "is a path", index},
		"x-1.0.tar.gz":             {"", "is a path", index},
		"numpy,scipy":              {",", "separates several names", "write one requirement for each"},

		// Extras.
		"uvicorn [standard]": {"[standard]", "is not a list of extras", `write "uvicorn[standard]"`},
		"uvicorn[ b , a ]":   {"[ b , a ]", "is not a list of extras", `write "uvicorn[a,b]"`},
		"uvicorn[":           {"[", "is not a list of extras", `write extras as in "uvicorn[standard,extra]"`},
		"uvicorn[a,,b]":      {"[a,,b]", "is not a list of extras", `write extras as in "uvicorn[standard,extra]"`},
		"uvicorn]":           {"]", "is not a list of extras", `write extras as in "uvicorn[standard,extra]"`},

		// Characters.
		"_x":          {"_", "is at an end of the name", `write "x"`},
		"x.-":         {".-", "is at an end of the name", `write "x"`},
		"a$b":         {"$", "cannot be in a name", ""},
		"`id`":        {"`", "cannot be in a name", ""},
		"a|b":         {"|", "cannot be in a name", ""},
		"a&b":         {"&", "cannot be in a name", ""},
		`"numpy"`:     {`"`, "cannot be in a name", ""},
		"num\npy":     {"\n", "(U+000A) is a control character", "remove it"},
		"num\u200bpy": {"\u200b", "(U+200B) is a control character", "remove it"},
		"nuмpy":       {"м", "(U+043C) is not an ASCII character", `write "numpy"`},
		"\u212aeras":  {"\u212a", "(U+212A) is not an ASCII character", "use ASCII characters only"},
		"ſix":         {"ſ", "(U+017F) is not an ASCII character", "use ASCII characters only"},
		"numpy\xff":   {"", "is not UTF-8 text", ""},

		strings.Repeat("n", 129):                {"", "longer than 128 bytes", ""},
		"a[" + strings.Repeat("n", 129) + "]":   {"", "longer than 128 bytes", ""},
		"a[" + strings.Repeat("n,", 600) + "n]": {"", "is longer than 1024 bytes", ""},
	}
	for text, want := range tests {
		_, err := requirement.ParsePip(text, "")
		checkRefusal(t, err, requirement.FieldName, text, want)
	}
}

func TestError_message(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, specifier, want string
	}{
		{"numpy", "=1.0", `version_specifier "=1.0": "=" is not an operator of PEP 440; write "==1.0"`},
		{"numpy", "~=1", `version_specifier "~=1" has one release segment where "~=" needs two; write "~=1.0"`},
		{"a$b", "", `name "a$b": "$" cannot be in a name, which is made of letters, digits and single ".", "-" or "_" between them`},
		{"a\nb", "", `name "a\nb": "\n" (U+000A) is a control character; remove it`},
		{"https://me:secret@host/x", "", `name "https://host/***" is a URL; distributions are installed from a package index; ` +
			`publish the distribution to a package index and write its name`},
		{strings.Repeat("é", 600), "", `name "` + strings.Repeat("é", 60) + `"… (1200 bytes) is longer than 1024 bytes`},
		{"x" + strings.Repeat("é", 100), "", `name "x` + strings.Repeat("é", 59) + `"… (201 bytes): "é" (U+00E9) is not an ASCII character; use ASCII characters only`},
	}
	for _, test := range tests {
		if _, err := requirement.ParsePip(test.name, test.specifier); fmt.Sprint(err) != test.want {
			t.Errorf("%q %q:\n got %v\nwant %v", test.name, test.specifier, err, test.want)
		}
	}
}

func TestPip_Canonical(t *testing.T) {
	t.Parallel()
	tests := []struct{ given, want requirement.Pip }{
		{requirement.Pip{Name: " NumPy ", VersionSpecifier: "<2, >=1.0"}, requirement.Pip{Name: "numpy", VersionSpecifier: ">=1,<2"}},
		{requirement.Pip{Name: "NumPy", VersionSpecifier: "\t1.0\n"}, requirement.Pip{Name: "numpy", VersionSpecifier: "==1"}},
		// Each field for itself; what does not parse is trimmed.
		{requirement.Pip{Name: "Two Words", VersionSpecifier: " 1.0"}, requirement.Pip{Name: "Two Words", VersionSpecifier: "==1"}},
		{requirement.Pip{Name: "NumPy", VersionSpecifier: " anything goes "}, requirement.Pip{Name: "numpy", VersionSpecifier: "anything goes"}},
		{requirement.Pip{}, requirement.Pip{}},
	}
	for _, test := range tests {
		if got := test.given.Canonical(); got != test.want || got.Canonical() != got {
			t.Errorf("%+v: %+v, want %+v", test.given, got, test.want)
		}
	}
}

func TestPip_texts(t *testing.T) {
	t.Parallel()
	pip := requirement.Pip{Name: "Uvicorn[Standard]", VersionSpecifier: ">=0.30"}
	if got := pip.Distribution(); got != "uvicorn" {
		t.Errorf("distribution %q", got)
	}
	if got := pip.Canonical().String(); got != "uvicorn[standard]>=0.30" {
		t.Errorf("line %q", got)
	}
	if got := requirement.NormalizeName("Zope.._Interface"); got != "zope-interface" {
		t.Errorf("normal name %q", got)
	}
}

func ExampleParsePip() {
	pip, err := requirement.ParsePip("Scikit_Learn", "<2.0, >=1.4")
	fmt.Println(pip, err)
	_, err = requirement.ParsePip("torch", "^2.3")
	fmt.Println(err)
	// Output:
	// scikit-learn>=1.4,<2 <nil>
	// version_specifier "^2.3": "^" is an operator of other package managers, not of PEP 440; write ">=2.3,<3"
}
