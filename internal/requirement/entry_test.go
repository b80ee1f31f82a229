package requirement_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// rule is what every refusal of a token that would be dropped quotes.
const rule = `it passes on only what matches ^[a-zA-Z0-9-_:=\.]+$`

// TestCheckEntries_passes has every token that the controller was seen to let through (internal/primehub/CONTRACT.md §4.6), and that its installer takes.
func TestCheckEntries_passes(t *testing.T) {
	t.Parallel()
	for installer, entries := range map[requirement.Installer][]string{
		requirement.InstallerApt: {"curl", "curl=7.68.0-1ubuntu2", "vim=2:8.1.2269-1ubuntu5.7", "libc6:i386", "python3-pip", "-y", "-t focal-backports", "vim git"},
		requirement.InstallerConda: {
			"numpy", "numpy==1.17.4", "python=3.7", "name=1.0=py37_0", "conda-forge::numpy==1.17.4", "conda-forge::numpy=1.17", "scikit_learn",
			"-c pytorch -c fastai fastai", "-c", "conda-forge", "--channel conda-forge", "--channel=conda-forge", "-y",
		},
		requirement.InstallerPip: {"numpy", "numpy==1.17.4", "pkg===1.0", "tf==2.5.0rc1", "scikit_learn", "--upgrade", "zope.interface", "--pre torch"},
	} {
		tokens, refused := requirement.CheckEntries(installer, entries)
		for _, r := range refused {
			t.Errorf("%s: %v", installer, r.Err)
		}
		if want := strings.Fields(strings.Join(entries, " ")); !slices.Equal(tokens, want) {
			t.Errorf("%s: %q", installer, tokens)
		}
	}
}

// TestCheckEntries_refuses has what the controller was seen to drop, and what passes but no installer takes.
func TestCheckEntries_refuses(t *testing.T) {
	t.Parallel()
	dropped := func(culprit string) string {
		return fmt.Sprintf("is dropped by PrimeHub without a trace, because of %q: %s", culprit, rule)
	}
	inWords := func(n int, installer string) string {
		return fmt.Sprintf("is one requirement in %d words, and each of them reaches %s by itself", n, installer)
	}
	ranged := func(name, comparisons, pinned string) string {
		return fmt.Sprintf("write %q, which is the newest version and need not meet %q, or write %s with one exact version that meets it", name, comparisons, pinned)
	}
	pipRange := func(name, comparisons string) string { return ranged(name, comparisons, "name==version") }
	condaRange := func(name, comparisons string) string { return ranged(name, comparisons, "name=version") }
	const ownChannel = "PrimeHub cannot pass on a label or an address: the base image's .condarc can name the channel"
	const aCommand = "is a command, and each of its words would be taken for a package"
	const oneEach = "write the packages alone, one an entry"
	const noFile = "names a file or a directory, and a build of PrimeHub has none of yours"
	for entry, want := range map[string]struct {
		installer                      requirement.Installer
		offending, problem, suggestion string
	}{
		"-c conda-forge::numpy==1.17*": {
			requirement.InstallerConda, "conda-forge::numpy==1.17*", dropped("*") + "; and -c takes a channel alone, not a package with a channel",
			`write "conda-forge::numpy=1.17" without -c, which is any 1.17 version`,
		},
		"-c conda-forge::numpy=1.17": {
			requirement.InstallerConda, "conda-forge::numpy=1.17", "is a package with a channel, where -c takes a channel alone",
			`write "conda-forge::numpy=1.17" without -c`,
		},
		"numpy==1.17*":                   {requirement.InstallerConda, "", dropped("*"), `write "numpy=1.17", which is any 1.17 version`},
		"numpy==1.17.*":                  {requirement.InstallerConda, "", dropped("*"), `write "numpy=1.17", which is any 1.17 version`},
		"numpy>=1.2":                     {requirement.InstallerConda, "", dropped(">"), `write "numpy", which is the newest version`},
		"numpy~=1.2.3":                   {requirement.InstallerConda, "", dropped("~"), `write "numpy=1.2", which is any 1.2 version, also one below 1.2.3`},
		"numpy<2":                        {requirement.InstallerConda, "", dropped("<"), condaRange("numpy", "<2")},
		"numpy>=1.2,<2":                  {requirement.InstallerConda, "", dropped(">"), condaRange("numpy", "<2,>=1.2")},
		"numpy<2,>=1.2":                  {requirement.InstallerConda, "", dropped("<"), condaRange("numpy", "<2,>=1.2")},
		"numpy=1.2|=1.4":                 {requirement.InstallerConda, "", dropped("|"), condaRange("numpy", "=1.2|=1.4")},
		"conda-forge/linux-64::numpy":    {requirement.InstallerConda, "", dropped("/"), `write "conda-forge::numpy", without the subdir "linux-64"`},
		"numpy[build=py37]":              {requirement.InstallerConda, "", dropped("["), `write "numpy", without the build "py37"`},
		"numpy[version='1.2',build=py3]": {requirement.InstallerConda, "", dropped("["), `write "numpy=1.2=py3"`},
		"numpy=1.2.*=py3":                {requirement.InstallerConda, "", dropped("*"), `write "numpy=1.2=py3", which is version 1.2 alone`},
		"numpy=1.2=py3*":                 {requirement.InstallerConda, "", dropped("*"), `write "numpy==1.2", without the build "py3*"`},
		"numpy[channel=conda-forge]":     {requirement.InstallerConda, "", dropped("["), `write "conda-forge::numpy"`},
		"numpy[md5=0a,license=BSD]":      {requirement.InstallerConda, "", dropped("["), `write "numpy", without license, without md5`},
		"nvidia/label/cuda-11.8.0::cuda-toolkit": {
			requirement.InstallerConda, "", dropped("/"),
			`write "cuda-toolkit", without the channel "nvidia/label/cuda-11.8.0", which PrimeHub cannot pass on: the base image's .condarc can name it`,
		},
		`"numpy"`:                        {requirement.InstallerConda, "", dropped(`"`), `write "numpy"`},
		"numpy===1.0":                    {requirement.InstallerConda, "", `has "===", which is pip's`, `write "numpy==1.0"`},
		"numpy=":                         {requirement.InstallerConda, "", "has no version behind its operator", `write "numpy"`},
		"conda-forge:numpy":              {requirement.InstallerConda, "", `has one ":", where two stand between a channel and a package`, `write "conda-forge::numpy"`},
		"-c https://conda.example.com/x": {requirement.InstallerConda, "https://conda.example.com/***", dropped("/"), ownChannel},
		"-c nvidia/label/cuda-11.8.0":    {requirement.InstallerConda, "nvidia/label/cuda-11.8.0", dropped("/"), ownChannel},
		"--channel=nvidia/label/x":       {requirement.InstallerConda, "", dropped("/"), ownChannel},
		"-c a*":                          {requirement.InstallerConda, "a*", dropped("*"), `write the name of a channel, as in "-c conda-forge"`},
		"torch -c":                       {requirement.InstallerConda, "-c", "stands at the end, where a value has to follow", "write the value after it, or leave it out"},
		" \n\t":                          {requirement.InstallerConda, "", "is empty", "write a package, or leave the entry out"},
		"numpy >=1":                      {requirement.InstallerConda, "", inWords(2, "conda"), `write "numpy", which is the newest version`},
		"python ==3.9":                   {requirement.InstallerConda, "", inWords(2, "conda"), `write "python==3.9"`},
		"numpy 1.21":                     {requirement.InstallerConda, "", inWords(2, "conda"), `write "numpy=1.21", which is any 1.21 version, or "numpy==1.21" for that one alone`},
		"numpy 1.17 py37_0":              {requirement.InstallerConda, "", inWords(3, "conda"), `write "numpy=1.17=py37_0"`},
		"numpy >= 1.2, < 2":              {requirement.InstallerConda, "", inWords(5, "conda"), condaRange("numpy", "<2,>=1.2")},
		"vim git numpy 1.21":             {requirement.InstallerConda, "numpy 1.21", inWords(2, "conda"), `write "numpy=1.21", which is any 1.21 version, or "numpy==1.21" for that one alone`},
		"--file environment.yml":         {requirement.InstallerConda, "--file", noFile, "write the packages themselves, one an entry"},
		"- numpy":                        {requirement.InstallerConda, "-", "begins an entry of a list in YAML, and is none of conda's words", "leave it out"},

		"requests[security]":        {requirement.InstallerPip, "", dropped("["), `write "requests", which is the newest version, without the extras [security], whose packages are then entries of their own`},
		"requests[security]==2.0":   {requirement.InstallerPip, "", dropped("["), `write "requests==2.0", without the extras [security], whose packages are then entries of their own`},
		"numpy>=1.20":               {requirement.InstallerPip, "", dropped(">"), `write "numpy", which is the newest version`},
		"numpy~=1.4.2":              {requirement.InstallerPip, "", dropped("~"), pipRange("numpy", "~=1.4.2")},
		"scipy==1.17.*":             {requirement.InstallerPip, "", dropped("*"), pipRange("scipy", "==1.17.*")},
		"scipy<2":                   {requirement.InstallerPip, "", dropped("<"), pipRange("scipy", "<2")},
		"scipy>=1,<2":               {requirement.InstallerPip, "", dropped(">"), pipRange("scipy", ">=1,<2")},
		"scipy<2,>=1":               {requirement.InstallerPip, "", dropped("<"), pipRange("scipy", ">=1,<2")},
		"torch==1.8.0+cu111":        {requirement.InstallerPip, "", dropped("+"), `write "torch==1.8.0", without the local version "+cu111", so that the index decides which build it is`},
		"numpy==1;os_name=='posix'": {requirement.InstallerPip, "", dropped(";"), `write "numpy==1", if the marker holds for the image`},
		"numpy 1.26":                {requirement.InstallerPip, "", inWords(2, "pip"), `write "numpy==1.26"`},
		"numpy == 1.26":             {requirement.InstallerPip, "", inWords(3, "pip"), `write "numpy==1.26"`},
		"numpy >= 1.26, < 2":        {requirement.InstallerPip, "", inWords(5, "pip"), pipRange("numpy", ">=1.26,<2")},
		"uvicorn [standard]":        {requirement.InstallerPip, "", inWords(2, "pip"), `write "uvicorn", which is the newest version, without the extras [standard], whose packages are then entries of their own`},
		"1.26":                      {requirement.InstallerPip, "", "is a version without a package", "write it behind its package, as in name==1.26"},
		"-r requirements.txt":       {requirement.InstallerPip, "-r", noFile, "write the packages themselves, one an entry"},
		"--requirement=x.txt":       {requirement.InstallerPip, "", noFile, "write the packages themselves, one an entry"},
		"-rx.txt":                   {requirement.InstallerPip, "", noFile, "write the packages themselves, one an entry"},
		"-e .":                      {requirement.InstallerPip, "-e", noFile, "write the packages themselves, one an entry"},
		"-e git+https://h.test/x":   {requirement.InstallerPip, "-e", noFile, "write the packages themselves, one an entry"},
		"-c limits.txt":             {requirement.InstallerPip, "-c", noFile, "write the packages themselves, one an entry"},
		"--hash=sha256:00":          {requirement.InstallerPip, "", "fixes an archive, which pip takes in a file only", "leave it out"},
		"--extra-index-url https://x.test": {
			requirement.InstallerPip, "--extra-index-url", "takes an address, and PrimeHub drops addresses without a trace: it passes on only what matches " + requirement.TokenRule,
			"set the index in the base image (pip.conf, or the variables PIP_INDEX_URL and PIP_EXTRA_INDEX_URL)",
		},
		"git+https://a:b@git.test/": {requirement.InstallerPip, "git+https://git.test/***", dropped("+"), "write name==version, or put it into the base image"},
		"numpy=1.0":                 {requirement.InstallerPip, "", `has one "=", where pip takes "=="`, `write "numpy==1.0"`},
		"conda-forge::pip=1.0":      {requirement.InstallerPip, "", "has a channel, which is conda's", `write "pip==1.0", without the channel "conda-forge"`},
		"numpy==one":                {requirement.InstallerPip, "", "has a version that is none as PEP 440 has it", `write "numpy", which is the newest version`},
		"x.whl":                     {requirement.InstallerPip, "", "is not the name of a package on a Python package index", "write name==version, or put it into the base image"},
		"--index-url": {
			requirement.InstallerPip, "", "takes an address, and PrimeHub drops addresses without a trace: it passes on only what matches " + requirement.TokenRule,
			"set the index in the base image (pip.conf, or the variables PIP_INDEX_URL and PIP_EXTRA_INDEX_URL)",
		},
		"numpy≥1": {requirement.InstallerPip, "≥", "(U+2265) is not an ASCII character", `write "numpy", which is the newest version`},

		"g++":                            {requirement.InstallerApt, "", dropped("+"), `write "build-essential", which brings it`},
		"x1=5.4~r1":                      {requirement.InstallerApt, "", dropped("~"), `write "x1", which is the version that the base image's distribution has`},
		"pkg/focal":                      {requirement.InstallerApt, "", dropped("/"), `write "pkg", without the release "focal", which the sources of the base image decide`},
		"curl==7":                        {requirement.InstallerApt, "", `has "==", where apt-get takes one "="`, `write "curl=7"`},
		"Curl=7":                         {requirement.InstallerApt, "", "has upper case letters, which no package of Debian has", `write "curl=7"`},
		"vim-":                           {requirement.InstallerApt, "", `is not the name of a package of Debian: lower case letters, digits, "+", "-" and ".", two at least, the first a letter or digit`, "put it into the base image"},
		"vim=x":                          {requirement.InstallerApt, "", `is not name=version, with a version of Debian ("[epoch:]upstream[-revision]", starting with a digit)`, `write "vim", which is the version that the base image's distribution has`},
		"lib*":                           {requirement.InstallerApt, "", dropped("*"), "put it into the base image"},
		"curl 7.88":                      {requirement.InstallerApt, "", inWords(2, "apt"), `write "curl=7.88"`},
		"curl >= 7":                      {requirement.InstallerApt, "", inWords(3, "apt"), `write "curl", which is the version that the base image's distribution has`},
		"x::vim":                         {requirement.InstallerApt, "", "has a channel, which is conda's", "put it into the base image"},
		"numpy= 1.26":                    {requirement.InstallerPip, "", inWords(2, "pip"), `write "numpy==1.26"`},
		"numpy = 1.26":                   {requirement.InstallerPip, "", inWords(3, "pip"), `write "numpy==1.26"`},
		"numpy== 1.26":                   {requirement.InstallerPip, "", inWords(2, "pip"), `write "numpy==1.26"`},
		"numpy v1.26":                    {requirement.InstallerPip, "", inWords(2, "pip"), `write "numpy==v1.26"`},
		"numpy latest":                   {requirement.InstallerPip, "", inWords(2, "pip"), `write "numpy", which is the newest version`},
		"numpy @1.26":                    {requirement.InstallerPip, "", inWords(2, "pip"), `write "numpy==1.26"`},
		"numpy ; python_version > '3.8'": {requirement.InstallerPip, "", inWords(5, "pip"), `write "numpy", which is the newest version, if the marker holds for the image`},
		"numpy @ https://h.example.com/": {requirement.InstallerPip, "", inWords(3, "pip"), "write name==version, or put it into the base image"},
		"numpy, pandas":                  {requirement.InstallerPip, "", inWords(2, "pip"), "write each package in an entry of its own"},
		"numpy==1,pandas":                {requirement.InstallerPip, "", dropped(","), "write each package in an entry of its own"},
		"numpy,":                         {requirement.InstallerPip, "", dropped(","), `write "numpy"`},
		"# numpy, for X":                 {requirement.InstallerPip, "", "is a comment, which no list of packages has", "leave it out"},
		"pip install numpy":              {requirement.InstallerPip, "", aCommand, oneEach},
		"conda install -y numpy":         {requirement.InstallerConda, "", aCommand, oneEach},
		"apt-get install curl":           {requirement.InstallerApt, "", aCommand, oneEach},
		"-numpy":                         {requirement.InstallerPip, "", "is no option of pip", `write "numpy"`},
		"numpy= 1.21":                    {requirement.InstallerConda, "", inWords(2, "conda"), `write "numpy=1.21"`},
		"blas * openblas":                {requirement.InstallerConda, "", inWords(3, "conda"), `write "blas", without the build "openblas"`},
		"blas=*":                         {requirement.InstallerConda, "", dropped("*"), `write "blas"`},
		"blas *":                         {requirement.InstallerConda, "", inWords(2, "conda"), `write "blas"`},
		"torch 2.1 *cuda*":               {requirement.InstallerConda, "", inWords(3, "conda"), `write "torch==2.1", without the build "*cuda*"`},
		"numpy >=1.2 py39_0":             {requirement.InstallerConda, "", inWords(3, "conda"), `write "numpy", which is the newest version, without the build "py39_0"`},
		"curl (>= 7)":                    {requirement.InstallerApt, "", inWords(3, "apt"), `write "curl", which is the version that the base image's distribution has`},
		"'curl'":                         {requirement.InstallerApt, "", dropped("'"), `write "curl"`},
		"localhost/t0ken":                {requirement.InstallerApt, "localhost/***", dropped("/"), "put it into the base image"},
	} {
		t.Run(entry, func(t *testing.T) {
			t.Parallel()
			_, refused := requirement.CheckEntries(want.installer, []string{"vim", entry})
			if len(refused) != 1 {
				t.Fatalf("%d refusals", len(refused))
			}
			got := refused[0].Err
			if want.offending == "" {
				want.offending = strings.TrimSpace(entry)
			}
			if refused[0].Index != 1 || got.Field != requirement.Field(want.installer) {
				t.Errorf("entry %d: %v", refused[0].Index, got)
			}
			if got.Problem != want.problem || got.Suggestion != want.suggestion {
				t.Errorf("%s; %s", got.Problem, got.Suggestion)
			}
			if strings.TrimSpace(got.Offending) != want.offending {
				t.Errorf("offending: %q", got.Offending)
			}
		})
	}
}

// TestCheckEntries_sequence shows that entries belong together, and that all that is wrong is said.
func TestCheckEntries_sequence(t *testing.T) {
	t.Parallel()
	tokens, refused := requirement.CheckEntries(requirement.InstallerConda, []string{"-c", "conda-forge::numpy==1.17*", "a*\nb>1", "-c"})
	var at []int
	for _, r := range refused {
		at = append(at, r.Index)
	}
	if !slices.Equal(at, []int{1, 2, 2, 3}) || len(tokens) != 5 {
		t.Errorf("%v, %q", at, tokens)
	}
	if _, refused := requirement.CheckEntries(requirement.InstallerPip, nil); len(refused) > 0 {
		t.Error("an empty list is refused")
	}
}

func TestParseCondaSpec(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		spec      requirement.CondaSpec
		canonical string
	}{
		"numpy":                       {requirement.CondaSpec{Name: "numpy"}, "numpy"},
		"NumPy ":                      {requirement.CondaSpec{Name: "numpy"}, "numpy"},
		"numpy 1.8":                   {requirement.CondaSpec{Name: "numpy", Version: "==1.8"}, "numpy==1.8"},
		"numpy 1.8*":                  {requirement.CondaSpec{Name: "numpy", Version: "=1.8*"}, "numpy=1.8*"},
		"numpy >= 1.8, < 2":           {requirement.CondaSpec{Name: "numpy", Version: ">=1.8,<2"}, "numpy>=1.8,<2"},
		"numpy>=1.8,<2|1.9":           {requirement.CondaSpec{Name: "numpy", Version: ">=1.8,<2|==1.9"}, "numpy>=1.8,<2|==1.9"},
		"numpy=1.17":                  {requirement.CondaSpec{Name: "numpy", Version: "=1.17"}, "numpy=1.17"},
		"numpy==1.17*":                {requirement.CondaSpec{Name: "numpy", Version: "=1.17*"}, "numpy=1.17*"},
		"numpy=1.17=py37_0":           {requirement.CondaSpec{Name: "numpy", Version: "==1.17", Build: "py37_0"}, "numpy=1.17=py37_0"},
		"numpy 1.17 py37*":            {requirement.CondaSpec{Name: "numpy", Version: "==1.17", Build: "py37*"}, "numpy=1.17=py37*"},
		"conda-forge::numpy":          {requirement.CondaSpec{Channel: "conda-forge", Name: "numpy"}, "conda-forge::numpy"},
		"conda-forge/linux-64::numpy": {requirement.CondaSpec{Channel: "conda-forge", Subdir: "linux-64", Name: "numpy"}, "conda-forge/linux-64::numpy"},
		"a/b/noarch:ns:x=1":           {requirement.CondaSpec{Channel: "a/b", Subdir: "noarch", Namespace: "ns", Name: "x", Version: "=1"}, "a/b/noarch:ns:x=1"},
		"https://conda.test/c::x":     {requirement.CondaSpec{Channel: "https://conda.test/c", Name: "x"}, "https://conda.test/c::x"},
		"ns:x":                        {requirement.CondaSpec{Namespace: "ns", Name: "x"}, "ns:x"},
		"x[version='>=1,<2', build=\"py*\",channel=c]": {
			requirement.CondaSpec{Name: "x", Attributes: map[string]string{"version": ">=1,<2", "build": "py*", "channel": "c"}},
			"x[build='py*',channel='c',version='>=1,<2']",
		},
	} {
		got, err := requirement.ParseCondaSpec(text)
		if err != nil || got.String() != want.canonical {
			t.Errorf("%q: %q, %v", text, got, err)
			continue
		}
		same := got.Channel == want.spec.Channel && got.Subdir == want.spec.Subdir && got.Namespace == want.spec.Namespace && got.Name == want.spec.Name &&
			got.Version == want.spec.Version && got.Build == want.spec.Build && len(got.Attributes) == len(want.spec.Attributes)
		for key, value := range want.spec.Attributes {
			same = same && got.Attributes[key] == value
		}
		if !same {
			t.Errorf("%q: %+v", text, got)
		}
		if again, err := requirement.ParseCondaSpec(want.canonical); err != nil || again.String() != want.canonical {
			t.Errorf("%q is not canonical: %q, %v", want.canonical, again, err)
		}
	}
}

func TestParseCondaSpec_refuses(t *testing.T) {
	t.Parallel()
	const example = `write a package, for example "numpy" or "conda-forge::numpy=1.26"`
	const noSpec = "is not a match specification of conda: (channel(/subdir):(namespace):)name(version(build))[key=value,…]"
	for text, want := range map[string][2]string{
		"":                     {"is empty", `write a package, for example "numpy" or "conda-forge::numpy=1.26"`},
		"numpy===1.0":          {`has "===", which is pip's`, `write "numpy==1.0"`},
		"numpy>=":              {"has no version behind its operator", `write "numpy"`},
		"::numpy":              {"begins with a colon, before which a channel has to stand", `write "numpy"`},
		"conda-forge::":        {"ends with a colon, after which a package has to stand", example},
		"'numpy=1'":            {"stands in quotes, which mean nothing here", `write "numpy=1"`},
		"numpy@1.2":            {`has an "@", which conda does not know`, `write "numpy==1.2"`},
		"-c conda-forge numpy": {"begins with an option, which is not part of a specification", `write "conda-forge::numpy"`},
		"-n env numpy":         {"begins with an option, which is not part of a specification", example},
		"-y numpy":             {"begins with an option, which is not part of a specification", `write "numpy"`},
		"-c a numpy>=1":        {"begins with an option, which is not part of a specification", `write "a::numpy>=1"`},
		"numpy[foo='1']": {
			"is no key of a match specification",
			"write one of build, build_number, channel, features, fn, license, license_family, md5, name, sha256, subdir, track_features, url, version",
		},
		"numpy[]":                    {"has nothing in its brackets", `write "numpy"`},
		"numpy[version=1,version=2]": {noSpec, example},
		"- numpy=1":                  {"begins an entry of a list in YAML", `write "numpy=1"`},
		"numpy=1 # why":              {"has a comment, which is no part of a specification", `write "numpy=1"`},
		"numpy=>1":                   {"has an operator that conda does not know", `write "numpy>=1"`},
		"numpy>=1,":                  {"ends with a comma, after which a version has to stand", `write "numpy>=1"`},
		"numpy (>=1)":                {"has parentheses, which conda does not know", `write "numpy>=1"`},
		"numpy==1==py":               {`has "==" before the build, where one "=" stands`, `write "numpy=1=py"`},
		"numpy\t1.2":                 {"(U+0009) is a control character", `write "numpy 1.2"`},
		"*":                          {noSpec, example},
		"numpy=1=2=3":                {noSpec, example},
		"numpy\x00":                  {"(U+0000) is a control character", "remove it"},
		strings.Repeat("x", 2e3):     {"is longer than 1024 bytes", ""},
	} {
		_, err := requirement.ParseCondaSpec(text)
		refused, ok := errors.AsType[*requirement.Error](err)
		if !ok || refused.Field != requirement.FieldConda || refused.Problem != want[0] || refused.Suggestion != want[1] {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
