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
		" uvicorn\t[ b , a ] ":        "uvicorn[a,b]",
		"numpy;":                      "numpy",
		"numpy ()":                    "numpy",
	}
	for text, want := range tests {
		got, err := requirement.ParsePip(text)
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
		"==1.1.2":     "==1.1.2",
		"==1.0":       "==1",
		"==v1.0":      "==1",
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
		"==1.0alpha1": "==1a1", "==1.0-beta.2": "==1b2", "==1.0C3": "==1rc3", "==1.0pre": "==1rc0", "==1.0-preview-4": "==1rc4",
		"==1.0-1": "==1.post1", "==1.0.r2": "==1.post2", "==1.0rev3": "==1.post3", "==1.0DEV": "==1.dev0", "==01.002.0003": "==1.2.3",
		"==1.2+Ubuntu_01-x": "==1.2+ubuntu.1.x", "==1.2+001": "==1.2+1", "==1.2+000": "==1.2+0",
		"==20240131.0": "==20240131", "==99999999999999999999": "==99999999999999999999",

		// Sets.
		">=1,<2":              ">=1,<2",
		"<2, >=1.0":           ">=1,<2",
		" <2.0.0 ,>= 1 ":      ">=1,<2",
		">=1,>=1.0,>= 1":      ">=1",
		"!=1.5,<2,>=1,!=1.4":  ">=1,<2,!=1.4,!=1.5",
		"~=1.4,!=1.4.2.*":     "~=1.4,!=1.4.2.*",
		"<=3,>2,==2.5,===2.5": "===2.5,==2.5,>2,<=3",

		// What pip takes as well.
		">=1.0,": ">=1", ">=1;": ">=1", "\t>=\t1": ">=1", " ( >=1 , <2 ) ": ">=1,<2", "===1.0-Custom": "===1.0-custom",
	}
	for text, want := range tests {
		got, err := requirement.ParsePip("x" + text)
		if err != nil || got.VersionSpecifier != want {
			t.Errorf("%q: %q, %v; want %q", text, got.VersionSpecifier, err, want)
			continue
		}
		if again, err := requirement.ParsePip(got.String()); err != nil || again != got {
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
	example = `write comparisons after the name, for example "x>=1.2,<2"`
	oneEach = "write each in a line or a string of its own"
	newest  = `write "x" to get the newest version`
)

func TestParsePip_refusesSpecifier(t *testing.T) {
	t.Parallel()
	tests := map[string]refusal{
		// Operators of others.
		"=1.0":     {"=", "is not an operator of PEP 440", `write "x==1.0"`},
		"= 1.0":    {"=", "is not an operator of PEP 440", `write "x==1.0"`},
		"=>1":      {"=>", "is not an operator of PEP 440", `write "x>=1"`},
		"=<2":      {"=<", "is not an operator of PEP 440", `write "x<=2"`},
		"<>1":      {"<>", "is not an operator of PEP 440", `write "x!=1"`},
		"!1":       {"!", "is not an operator of PEP 440", `write "x!=1"`},
		"^1.2":     {"^", "is an operator of other package managers", `write "x>=1.2,<2"`},
		"^0.2.3":   {"^", "is an operator of other package managers", `write "x>=0.2.3,<0.3"`},
		"^0.0.3":   {"^", "is an operator of other package managers", `write "x>=0.0.3,<0.0.4"`},
		"^0.0":     {"^", "is an operator of other package managers", `write "x>=0.0,<0.1"`},
		"^1!2.3":   {"^", "is an operator of other package managers", `write "x>=1!2.3,<1!3"`},
		"~1.2":     {"~", "is an operator of other package managers", `write "x~=1.2"`},
		"~1":       {"~", "is an operator of other package managers", `write "x~=1.0"`},
		"~>1.2.3":  {"~>", "is an operator of other package managers", `write "x~=1.2.3"`},
		"> =1":     {"> =", "has white space inside the operator", `write "x>=1"`},
		">=1||<.5": {"||", `there is no "or"`, example},
		">=":       {">=", "has no version behind it", example},

		// What PEP 440 does not let go together.
		"~=1":          {"~=1", "has one release segment", `write "x~=1.0"`},
		"~=1a1":        {"~=1a1", "has one release segment", `write "x~=1.0a1"`},
		">=1.2.*":      {">=1.2.*", `has ".*"`, `write "x>=1.2"`},
		"<2.*":         {"<2.*", `has ".*"`, `write "x<2"`},
		"<=1.2.*":      {"<=1.2.*", `has ".*"`, `write "x<1.3"`},
		">1.2.*":       {">1.2.*", `has ".*"`, `write "x>=1.3"`},
		"~=1.2.*":      {"~=1.2.*", `has ".*"`, `write "x==1.2.*"`},
		"===1.2.*":     {"===1.2.*", `has ".*"`, `write "x==1.2.*"`},
		"==1.0.dev1.*": {"==1.0.dev1.*", "after more than release numbers", `write "x==1.0.*"`},
		"==1.0a1.*":    {"==1.0a1.*", "after more than release numbers", `write "x==1.0.*"`},
		"!=1.post1.*":  {"!=1.post1.*", "after more than release numbers", `write "x!=1.*"`},
		"==1.0+x.*":    {"==1.0+x.*", "after more than release numbers", `write "x==1.0.*"`},
		">=1.0+x":      {">=1.0+x", "has a local version", `write "x>=1.0"`},
		"~=1.0+x":      {"~=1.0+x", "has a local version", `write "x~=1.0"`},

		// Wild cards and words.
		"==1.2.X":   {".X", "is not PEP 440's wild card", `write "x==1.2.*"`},
		"==*":       {"*", "is not a version", newest},
		"== Latest": {"Latest", "is not a version", newest},

		// Sets.
		">=1 <2":     {" ", "which a comma has to do", `write "x>=1,<2"`},
		">=1<2":      {"<", "without a comma before it", `write "x>=1,<2"`},
		">=1,,<2":    {",", "separates nothing", `write "x>=1,<2"`},
		",":          {",", "separates nothing", `write "x"`},
		"==1,2":      {"2", "has no operator", example},
		"=1.0 <2":    {"=", "is not an operator", `write "x==1.0,<2"`},
		"^1,!=1.5.x": {"^", "is an operator of other", `write "x>=1,<2,!=1.5.*"`},

		// What belongs elsewhere.
		">=1,<2 # because":  {"# because", "is a comment", `write "x>=1,<2"`},
		"==1.0 --pre":       {"--pre", "is an option of pip", "leave it out"},
		`=="1.0"`:           {`"`, "is a quotation mark", `write "x==1.0"`},
		"(>=1":              {"(>=1", "parentheses that do not match", `write "x>=1"`},
		"==1.0 other==2":    {"other==2", "begins a second requirement", oneEach},
		">=1,other":         {"other", "begins a second requirement", oneEach},
		"==1.0,other[a]>=2": {"other[a]>=2", "begins a second requirement", oneEach},
		"==1.0,latest":      {"latest", "is not a version", `write "x==1.0"`},
		"==1.0,,=oops, =>2": {",", "separates nothing", example},

		// No version at all.
		"==abc":     {"abc", "is not a version", example},
		"==1.0-py3": {"1.0-py3", "is not a version", example},
		"==-1":      {"-1", "is not a version", example},
		"==1 .0":    {" ", "is white space inside a version", `write "x==1.0"`},
		"==$(id)":   {"$(id)", "is not a version", example},
		"==1.0`id`": {"1.0`id`", "is not a version", example},
		"==1&&2":    {"1&&2", "is not a version", example},
		`==1\0`:     {`1\0`, "is not a version", example},
		"==1'0":     {"1'0", "is not a version", example},
		"==1.{0}":   {"1.{0}", "is not a version", example},
		" 1.0":      {"1.0", "follows the name without a comparison", `write "x==1.0"`},
		"@1.0":      {"@1.0", "follows the name without a comparison", `write "x==1.0"`},
		" (1.0)":    {"1.0", "follows the name without a comparison", `write "x==1.0"`},
		" 1.2.*":    {"1.2.*", "follows the name without a comparison", `write "x==1.2.*"`},
		" latest":   {"latest", "is not a version", newest},
		"*":         {"*", "is not a version", newest},

		// Characters.
		"==1.0\n":                         {"\n", "is a line break, which no requirement has around it", `write "x==1.0"`},
		">=1.0\u00a0":                     {"\u00a0", "is a no-break space (U+00A0), which", `write "x>=1.0"`},
		">=1.0\u2003":                     {"\u2003", "is white space (U+2003), which", `write "x>=1.0"`},
		"==1.0\n==2.0":                    {"\n", "(U+000A) is a control character", "write a blank in its place, or each package in a string of its own"},
		"==1.0\x00":                       {"\x00", "(U+0000) is a control character", "remove it"},
		"≥1.0":                            {"≥", "(U+2265) is not an ASCII character", `write "x>=1.0"`},
		"==１.０":                           {"１", "(U+FF11) is not an ASCII character", `write "x==1.0"`},
		"＞＝1":                             {"＞", "(U+FF1E) is not an ASCII character", `write "x>=1"`},
		"==1.0–1":                         {"–", "(U+2013) is not an ASCII character", `write "x==1.0-1"`},
		">=\u00a01":                       {"\u00a0", "(U+00A0) is a no-break space", `write "x>= 1"`},
		"==1.٣":                           {"٣", "(U+0663) is not an ASCII character", "use ASCII characters only"},
		"==1.0\xff":                       {"", "is not UTF-8 text", ""},
		"==1" + strings.Repeat(".0", 600): {"", "is longer than 1024 bytes", ""},
	}
	for text, want := range tests {
		_, err := requirement.ParsePip("x" + text)
		checkRefusal(t, err, requirement.FieldPip, "x"+text, want)
	}
}

func TestParsePip_refusesName(t *testing.T) {
	t.Parallel()
	const (
		index       = "publish the distribution in an index and write its name"
		credentials = "write the address without them, or publish the distribution in an index: its address may have them, in embedded_registry.pip"
		line        = `write a name and comparisons, for example "numpy>=1.26,<2"`
		path        = "is an address or a path"
		secret      = "has credentials in it"
		freeze      = "write the list with pip list --format=freeze, which gives name==version"
		extras      = `write extras as in "uvicorn[standard,extra]"`
	)
	tests := map[string]refusal{
		"":        {"", "is empty", line},
		" ":       {"", "is empty", line},
		"\n":      {"", "is empty", line},
		"numpy\r": {"\r", "is a line break", `write "numpy"`},

		"scikit learn":   {"learn", "begins a second requirement", oneEach + `, or "scikit-learn" if that is one name`},
		"numpy scipy==1": {"scipy==1", "begins a second requirement", oneEach},
		"numpy,scipy":    {",", "separates several requirements", oneEach},

		`"numpy"`:        {`"`, "the requirement stands in quotes", `write "numpy"`},
		"'numpy>=1.0'":   {"'", "the requirement stands in quotes", `write "numpy>=1.0"`},
		"numpy==1 # pin": {"# pin", "is a comment", `write "numpy==1"`},
		"# see http://x": {"# see http://x", "is a comment", line},

		// What pip takes, and no image can hold.
		"-e .":                     {"-e", "installs a directory", index},
		"-e git+https://h/x#egg=x": {"-e", "is an option of pip, which an image has no use for", "leave it out"},
		"--editable=git+x":         {"git+x", "is an address of git that is neither https nor http", "write one of git+https"},
		"-e x @ git+https://h/x":   {"-e", "is an option of pip, which an image has no use for", "leave it out"},
		"-r requirements.txt":      {"-r", "names another file", "read it with the function parse_pip_requirements or read_pip_file"},
		"--constraint c.txt":       {"--constraint", "names constraints", "write them to pip_constraints, or read them with the function read_pip_file"},
		"--find-links x":           {"--find-links", "tells where pip finds distributions", "leave the line out, and set find-links in config of pip in the provider's embedded_registry; on a platform, its administrator does"},
		"--trusted-host x":         {"--trusted-host", "is a setting of the provider", "leave the line out"},
		"git+https://me:pw@host/x": {"", secret, credentials},
		"https://me:pw@host/x.whl": {"", secret, credentials},
		"file:///tmp/x":            {"", "is a file of the machine", freeze},
		"x @ https://me:pw@host/x": {"@ https://host/***", secret, credentials},
		"git+https://h/x":          {"git+https://h/***", "does not tell the name of the distribution", "write the distribution's name before it: \"name @ address\""},
		"x @ file:///croot/x/work": {"@ file:///croot/***", "as pip freeze names what conda has built", freeze},
		".":                        {"", "is a path", index},
		".[dev]":                   {"", "is a path", index},
		"..":                       {"", "is a path", index},
		"./x":                      {"", path, index},
		"dir/x":                    {"", path, index},
		`C\x`:                      {"", path, index},
		"x-1.0-py3-none-any.whl":   {"", path, index},
		"x-1.0.tar.gz":             {"", path, index},

		// Extras.
		"uvicorn[":      {"[", "is not a list of extras", extras},
		"uvicorn[a,,b]": {"[a,,b]", "is not a list of extras", extras},
		"uvicorn[a b]":  {"[a b]", "is not a list of extras", extras},
		"uvicorn]":      {"]", "is not a list of extras", extras},

		// Characters.
		"_x":          {"_", "is before the name", `write "x"`},
		"x.-":         {".-", "is at the end of the name", `write "x"`},
		"a$b":         {"$", "cannot be in a name", `write comparisons after the name, for example "a>=1.2,<2"`},
		"$(id)":       {"$", "cannot begin a requirement", line},
		"a|b":         {"|", "cannot be in a name", `write comparisons after the name, for example "a>=1.2,<2"`},
		"a&b":         {"&", "cannot be in a name", `write comparisons after the name, for example "a>=1.2,<2"`},
		"num\npy":     {"\n", "(U+000A) is a control character", "write a blank in its place, or each package in a string of its own"},
		"num\u200bpy": {"\u200b", "(U+200B) is a control character", "remove it"},
		"nuмpy":       {"м", "(U+043C) is not an ASCII character", `write "numpy"`},
		"\u212aeras":  {"\u212a", "(U+212A) is not an ASCII character", "use ASCII characters only"},
		"ſix":         {"ſ", "(U+017F) is not an ASCII character", "use ASCII characters only"},
		"numpy\xff":   {"", "is not UTF-8 text", ""},

		strings.Repeat("n", 129):                {"", "longer than 128 bytes", "write the name that the package index has"},
		"a[" + strings.Repeat("n", 129) + "]":   {"", "longer than 128 bytes", "write the name that the package index has"},
		"a[" + strings.Repeat("n,", 600) + "n]": {"", "is longer than 1024 bytes", ""},
	}
	for text, want := range tests {
		_, err := requirement.ParsePip(text)
		checkRefusal(t, err, requirement.FieldPip, text, want)
	}
}

func TestError_message(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"numpy=1.0": `pip "numpy=1.0": "=" is not an operator of PEP 440; write "numpy==1.0"`,
		"numpy~=1":  `pip "numpy~=1": "~=1" has one release segment where "~=" needs two; write "numpy~=1.0"`,
		"a\nb":      `pip "a\nb": "\n" (U+000A) is a control character; write a blank in its place, or each package in a string of its own`,
		"https://me:secret@host/x": `pip "https://host/***" has credentials in it, which would be in the plan and in the state; ` +
			`write the address without them, or publish the distribution in an index: its address may have them, in embedded_registry.pip`,
		strings.Repeat("é", 600):       `pip "` + strings.Repeat("é", 60) + `"… (1200 bytes) is longer than 1024 bytes`,
		"x" + strings.Repeat("é", 100): `pip "x` + strings.Repeat("é", 59) + `"… (201 bytes): "é" (U+00E9) is not an ASCII character; use ASCII characters only`,
	} {
		if _, err := requirement.ParsePip(text); fmt.Sprint(err) != want {
			t.Errorf("%q:\n got %v\nwant %v", text, err, want)
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
}

func ExampleParsePip() {
	pip, err := requirement.ParsePip("Scikit_Learn <2.0, >=1.4")
	fmt.Println(pip, err)
	_, err = requirement.ParsePip("torch^2.3")
	fmt.Println(err)
	// Output:
	// scikit-learn>=1.4,<2 <nil>
	// pip "torch^2.3": "^" is an operator of other package managers, not of PEP 440; write "torch>=2.3,<3"
}
