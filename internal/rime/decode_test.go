package rime

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

func parsed(t *testing.T, text string) object {
	t.Helper()
	o, err := parseObject([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

func TestParseObject_refused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "null", "[]", `"text"`, "1", `{"image":`, `{"a":1} {"b":2}`, `{"a":1}x`, "<html>", "\x00"} {
		if o, err := parseObject([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, o)
		}
	}
}

// FuzzParseObject shows that nothing a server sends can do more than be refused.
func FuzzParseObject(f *testing.F) {
	f.Add([]byte(`{"name":"a","status":3,"childImages":[null,1,{}],"pipLibraries":{"x":[]},"base_image":"x","creationTime":-1}`))
	f.Add([]byte(`{"job":{"archivedJobLogs":{"url":{"url":7}},"runningTimeSecs":"1e400","status":["x"]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := parseObject(body)
		if err != nil {
			return
		}
		if _, err := decodeImage(o); err == nil && o.text("name") == "" {
			t.Error("an image without a name")
		}
		_ = decodeBuild(o.object("job"), time.Now())
		_ = decodeBuild(o, time.Now())
		_, _ = o.objects("images")
	})
}

// whole is an image as CONTRACT §2.9 describes it, and asItIs what it means.
const whole = `{"name":"xgb-train","baseImage":{"name":"system-39","referenceType":"REFERENCE_TYPE_MANAGED"},"roleType":"ROLE_TYPE_USER_DEFINED",
	"childImages":[{"name":"child","referenceType":"REFERENCE_TYPE_EXTERNAL_ECR"}],"rimeTag":"2.6.2","repoUri":"123.dkr.ecr.us-west-2.amazonaws.com/rime/xgb-train",
	"status":"STATUS_BUILDING_FIRST_TIME","packageRequirements":[{"name":"vim","versionSpecifier":"","packageType":"PACKAGE_TYPE_ROCKYLINUX"}],
	"pipRequirements":[{"name":"xgboost","versionSpecifier":">=1,<2"},{"name":"pandas","versionSpecifier":""}],
	"pipLibraries":[{"name":"xgboost","version":"1.7.6"}],"pythonVersion":"3.9"}`

func asItIs() imageregistry.Image {
	return imageregistry.Image{
		Name: "xgb-train", Status: imageregistry.StatusBuildingFirstTime, RoleType: imageregistry.RoleTypeUserDefined, Tag: "2.6.2",
		RepoURI:             "123.dkr.ecr.us-west-2.amazonaws.com/rime/xgb-train",
		BaseImage:           imageregistry.ImageReference{Name: "system-39", ReferenceType: imageregistry.ReferenceTypeManaged},
		ChildImages:         []imageregistry.ImageReference{{Name: "child", ReferenceType: "external_ecr"}},
		PythonVersion:       "3.9",
		PipRequirements:     []requirement.Pip{{Name: "xgboost", VersionSpecifier: ">=1,<2"}, {Name: "pandas"}},
		PackageRequirements: []requirement.Package{{Name: "vim", Type: requirement.PackageTypeRockyLinux}},
		PipLibraries:        []imageregistry.PipLibrary{{Name: "xgboost", Version: "1.7.6"}},
	}
}

func TestDecodeImage(t *testing.T) {
	t.Parallel()
	// Each replaces something in the whole image by something that means the same.
	for name, replacement := range map[string][2]string{
		"as documented":         {},
		"snake case":            {`"packageType"`, `"package_type"`},
		"snake case, lists":     {`"pipLibraries"`, `"pip_libraries"`},
		"status by number":      {`"STATUS_BUILDING_FIRST_TIME"`, `1`},
		"status by text number": {`"STATUS_BUILDING_FIRST_TIME"`, `"1"`},
		"status without prefix": {`"STATUS_BUILDING_FIRST_TIME"`, `"BUILDING_FIRST_TIME"`},
		"role by number":        {`"ROLE_TYPE_USER_DEFINED"`, `2`},
		"role unspecified":      {`"ROLE_TYPE_USER_DEFINED"`, `"ROLE_TYPE_UNSPECIFIED"`},
		"role missing":          {`"roleType":"ROLE_TYPE_USER_DEFINED",`, ``},
		"type unspecified":      {`"PACKAGE_TYPE_ROCKYLINUX"`, `"PACKAGE_TYPE_UNSPECIFIED"`},
		"type zero":             {`"PACKAGE_TYPE_ROCKYLINUX"`, `0`},
		"type by number":        {`"PACKAGE_TYPE_ROCKYLINUX"`, `2`},
		"type missing":          {`,"packageType":"PACKAGE_TYPE_ROCKYLINUX"`, ``},
		"reference by number":   {`"REFERENCE_TYPE_MANAGED"`, `2`},
		"specifier missing":     {`,"versionSpecifier":""}],`, `}],`},
		"specifier null":        {`"pandas","versionSpecifier":""`, `"pandas","versionSpecifier":null`},
		"specifier escaped":     {`">=1,<2"`, `"&gt;=1,&lt;2"`},
		"specifier as \\u":      {`">=1,<2"`, `"\u003e=1,\u003c2"`},
		"patch version":         {`"3.9"`, `"3.9.18"`},
		"python as a number":    {`"3.9"`, `3.9`},
		"unknown fields":        {`"pythonVersion"`, `"createdBy":{"x":[1]},"pythonVersion"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeImage(parsed(t, strings.Replace(whole, replacement[0], replacement[1], 1)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asItIs(), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeImage_unusual(t *testing.T) {
	t.Parallel()
	none := func(edit func(*imageregistry.Image)) imageregistry.Image {
		image := imageregistry.Image{
			Name: "a", Status: "unspecified", RoleType: imageregistry.RoleTypeUserDefined,
			PipRequirements: []requirement.Pip{}, PackageRequirements: []requirement.Package{}, PipLibraries: []imageregistry.PipLibrary{},
		}
		edit(&image)
		return image
	}
	for name, test := range map[string]struct {
		text string
		want imageregistry.Image
	}{
		"only a name": {`{"name":"a"}`, none(func(*imageregistry.Image) {})},
		"everything null": {
			`{"name":"a","baseImage":null,"roleType":null,"childImages":null,"rimeTag":null,"repoUri":null,"status":null,"packageRequirements":null,"pipRequirements":null,"pipLibraries":null,"pythonVersion":null}`,
			none(func(*imageregistry.Image) {}),
		},
		"everything unpopulated": {
			`{"name":"a","baseImage":{},"roleType":"ROLE_TYPE_UNSPECIFIED","childImages":[],"rimeTag":"","repoUri":"","status":"STATUS_UNSPECIFIED","packageRequirements":[],"pipRequirements":[],"pipLibraries":[],"pythonVersion":""}`,
			none(func(i *imageregistry.Image) { i.BaseImage.ReferenceType = "unspecified" }),
		},
		"kinds that make no sense": {
			`{"name":"a","baseImage":"b","childImages":[1,null],"rimeTag":{},"status":[],"pipRequirements":{"name":"x"},"pipLibraries":["x"],"pythonVersion":true}`,
			none(func(*imageregistry.Image) {}),
		},
		"unknown values are kept": {
			`{"name":"a","status":"STATUS_RECONCILING","roleType":"ROLE_TYPE_SHARED","baseImage":{"name":"b","referenceType":7},"packageRequirements":[{"name":"x","packageType":"PACKAGE_TYPE_APK"}]}`,
			none(func(i *imageregistry.Image) {
				i.Status, i.RoleType = "reconciling", "shared"
				i.BaseImage = imageregistry.ImageReference{Name: "b", ReferenceType: "7"}
				i.PackageRequirements = []requirement.Package{{Name: "x", Type: "apk"}}
			}),
		},
		"numbers that mean nothing": {
			`{"name":"a","status":99,"roleType":-1}`,
			none(func(i *imageregistry.Image) { i.Status, i.RoleType = "99", "-1" }),
		},
		"a system image": {
			`{"name":"a","roleType":"ROLE_TYPE_SYSTEM","baseImage":{"name":"docker.io/x","referenceType":"REFERENCE_TYPE_RIME_DOCKERHUB"}}`,
			none(func(i *imageregistry.Image) {
				i.RoleType = imageregistry.RoleTypeSystem
				i.BaseImage = imageregistry.ImageReference{Name: "docker.io/x", ReferenceType: "rime_dockerhub"}
			}),
		},
		"apt as before 2.0": {
			`{"name":"a","packageRequirements":[{"name":"x","versionSpecifier":"=1.6.7","packageType":"PACKAGE_TYPE_APT"}]}`,
			none(func(i *imageregistry.Image) {
				i.PackageRequirements = []requirement.Package{{Name: "x", VersionSpecifier: "1.6.7", Type: requirement.PackageTypeApt}}
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeImage(parsed(t, test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, text := range []string{`{}`, `{"name":""}`, `{"name":null}`, `{"name":{}}`} {
		if image, err := decodeImage(parsed(t, text)); err == nil {
			t.Errorf("%s: %+v", text, image)
		}
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"&gt;=1,&lt;2":                        ">=1,<2",
		"a &amp; b &#39;c&#39; &#34;d&quot;":  `a & b 'c' "d"`,
		"&amp;lt;":                            "&lt;", // escaped once, so undone once
		"https://x.test/?a=1&region=eu&copy=": "https://x.test/?a=1&region=eu&copy=",
	} {
		if got := unescape(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestDecodeBuild(t *testing.T) {
	t.Parallel()
	created := time.Date(2024, 3, 1, 12, 0, 0, 123e6, time.UTC)
	for name, test := range map[string]struct {
		text string
		want imageregistry.Build
	}{
		"as documented, just requested": {
			`{"jobId":"0b6f","jobType":"JOB_TYPE_IMAGE_BUILDER","status":"JOB_STATUS_REQUESTED","startTime":null,"creationTime":"2024-03-01T12:00:00.123Z","completionTime":null,
			  "runningTimeSecs":0,"jobData":null,"jobProgressStr":"","cancellationRequested":false,"agentId":null,"archivedJobLogs":null,"errorMsg":""}`,
			imageregistry.Build{ID: "0b6f", Status: imageregistry.BuildRequested, CreatedAt: created},
		},
		"ended well": {
			`{"jobId":"0b6f","status":"JOB_STATUS_SUCCEEDED","startTime":"2024-03-01T12:00:10.123Z","creationTime":"2024-03-01T12:00:00.123Z","completionTime":"2024-03-01T12:05:00.123Z","runningTimeSecs":289.5}`,
			imageregistry.Build{
				ID: "0b6f", Status: imageregistry.BuildSucceeded, CreatedAt: created, StartedAt: created.Add(10 * time.Second), CompletedAt: created.Add(5 * time.Minute),
				RunningTime: 289500 * time.Millisecond,
			},
		},
		"snake case, numbers as text, nanoseconds, enum by number": {
			`{"job_id":7,"status":2,"start_time":"2024-03-01T12:00:10.123000000Z","creation_time":"2024-03-01T13:00:00.123+01:00","running_time_secs":"1.5"}`,
			imageregistry.Build{ID: "7", Status: imageregistry.BuildRunning, CreatedAt: created, StartedAt: created.Add(10 * time.Second), RunningTime: 1500 * time.Millisecond},
		},
		"zero times": {
			`{"jobId":"x","status":"JOB_STATUS_RECONCILING","startTime":"0001-01-01T00:00:00Z","creationTime":"1970-01-01T00:00:00Z","completionTime":""}`,
			imageregistry.Build{ID: "x", Status: "reconciling"},
		},
		"a log": {
			`{"jobId":"x","status":"JOB_STATUS_SUCCEEDED","archivedJobLogs":{"url":{"url":"https://logs.test/logs/x?a=1&amp;region=eu&copy=2"},"expirationTime":null}}`,
			imageregistry.Build{ID: "x", Status: imageregistry.BuildSucceeded, LogsURL: "https://logs.test/logs/x"},
		},
		"a log that is not there": {
			`{"jobId":"x","status":"JOB_STATUS_SUCCEEDED","archivedJobLogs":{"url":null}}`,
			imageregistry.Build{ID: "x", Status: imageregistry.BuildSucceeded},
		},
		"nothing": {`{}`, imageregistry.Build{Status: "unspecified"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, decodeBuild(parsed(t, test.text), created.Add(time.Minute))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
