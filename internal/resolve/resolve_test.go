package resolve_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		index       index
		want        []string // requirements
		constraints []string
		prefer      string
		pins        string
	}{
		"nothing": {pins: ""},
		"the newest": {
			index: index{"a 1.0": nil, "a 1.10": nil, "a 1.9": nil, "a 2.0rc1": nil}, want: []string{"a"}, pins: "a 1.10",
		},
		"what is needed": {
			index: index{"a 1": {"b>=1"}, "b 1": {"c"}, "b 2": nil, "c 1": nil}, want: []string{"a", "b<2"}, pins: "a 1, b 1, c 1",
		},
		"an older one that fits": {
			index: index{"a 2": {"b>=2"}, "a 1": {"b"}, "b 1": nil, "b 2": nil}, want: []string{"a", "b<2"}, pins: "a 1, b 1",
		},
		"back over a pin that has nothing to do with it": {
			index: index{"a 2": {"c==2"}, "a 1": {"c==1"}, "b 1": nil, "b 2": nil, "d 1": {"c==1"}, "c 1": nil, "c 2": nil},
			want:  []string{"a", "b", "d"}, pins: "a 1, b 2, c 1, d 1",
		},
		"a circle": {index: index{"a 1": {"b"}, "b 1": {"a"}}, want: []string{"a"}, pins: "a 1, b 1"},
		"an extra": {
			index: index{"a 1": {":extra s3", "b; extra == 's3'", "c"}, "b 1": nil, "c 1": nil}, want: []string{"a[S3]"}, pins: "a 1, b 1, c 1",
		},
		"an extra that is not there": {index: index{"a 1": {"b; extra == 's3'"}, "b 1": nil}, want: []string{"a[s3]"}, pins: "a 1"},
		"an extra of an extra": {
			index: index{"a 1": {":extra all", ":extra s3", "a[s3]; extra == 'all'", "b; extra == 's3'"}, "b 1": nil},
			want:  []string{"a[all]"}, pins: "a 1, b 1",
		},
		"extras of two": {
			index: index{
				"a 1": {":extra x", ":extra y", "b; extra == 'x'", "c; extra == 'y'"}, "a 2": {":extra x", "b; extra == 'x'"},
				"b 1": nil, "c 1": nil, "d 1": {"a[y]<2"},
			},
			want: []string{"a[x]", "d"}, pins: "a 1, b 1, c 1, d 1",
		},
		"markers": {
			index: index{"a 1": {"b; python_version < '3.9'", "c; sys_platform == 'linux'"}, "c 1": nil},
			want:  []string{"a", "d; sys_platform == 'win32'"}, pins: "a 1, c 1",
		},
		"a pre-release where nothing else is": {index: index{"a 1.0b1": nil, "a 1.0b2": nil}, want: []string{"a"}, pins: "a 1.0b2"},
		"a pre-release that is asked for": {
			index: index{"a 1.0": nil, "a 2.0b1": nil, "b 1": {"a>=1.0b1"}}, want: []string{"b"}, pins: "a 2.0b1, b 1",
		},
		"not what was yanked":                {index: index{"a 1": nil, "a 2": {":yanked"}}, want: []string{"a"}, pins: "a 1"},
		"what was yanked, if it is named":    {index: index{"a 1": nil, "a 2": {":yanked"}}, want: []string{"a==2"}, pins: "a 2"},
		"another Python":                     {index: index{"a 1": nil, "a 2": {":python >=3.12"}}, want: []string{"a"}, pins: "a 1"},
		"another platform":                   {index: index{"a 1": nil, "a 2": {":tags cp311-cp311-win_amd64"}}, want: []string{"a"}, pins: "a 1"},
		"metadata that cannot be used":       {index: index{"a 1": nil, "a 2": {":invalid"}}, want: []string{"a"}, pins: "a 1"},
		"a constraint":                       {index: index{"a 1": {"b"}, "b 1": nil, "b 2": nil}, want: []string{"a"}, constraints: []string{"b<2", "c==7"}, pins: "a 1, b 1"},
		"what is preferred":                  {index: index{"a 1": {"b"}, "a 2": {"b"}, "b 1": nil, "b 2": nil}, want: []string{"a"}, prefer: "a 1, b 1", pins: "a 1, b 1"},
		"what is preferred and does not fit": {index: index{"a 1": {"b>=2"}, "b 1": nil, "b 2": nil, "b 3": nil}, want: []string{"a"}, prefer: "b 1", pins: "a 1, b 3"},
		"the second that is preferred":       {index: index{"a 1": nil, "a 2": nil, "a 3": nil, "a 4": nil}, want: []string{"a<4"}, prefer: "a 4, a 2", pins: "a 2"},
		"a source distribution":              {index: index{"a 1": nil, "a 2": {":sdist"}}, want: []string{"a"}, pins: "a 2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := resolve.Request{Requirements: requirements(test.want...), Constraints: requirements(test.constraints...), Target: target()}
			for pin := range strings.SplitSeq(test.prefer, ", ") {
				if name, version, found := strings.Cut(pin, " "); found {
					files, err := test.index.Files(t.Context(), name)
					if err != nil {
						t.Fatal(err)
					}
					for _, file := range files {
						if file.Version == pep440.MustParse(version) {
							request.Preferred = append(request.Preferred, resolve.Pin{Name: name, Version: file.Version, File: file})
						}
					}
				}
			}
			pins, err := resolve.Resolve(t.Context(), test.index, request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.pins, texts(pins)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// texts is the pins in one line.
func texts(pins []resolve.Pin) string {
	list := make([]string, len(pins))
	for i, p := range pins {
		list[i] = p.Name + " " + p.Version.String()
	}
	return strings.Join(list, ", ")
}
