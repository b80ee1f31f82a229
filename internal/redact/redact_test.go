package redact_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

func TestText(t *testing.T) {
	t.Parallel()
	expectRedacted(t, redact.Text, map[string]string{
		"nothing here, at 12:30 (100%)":                          "nothing here, at 12:30 (100%)",
		"https://host":                                           "https://host",
		"see https://host:8080/, and http://other.":              "see https://host:8080/, and http://other.",
		"https://host/S3CRET/simple":                             "https://host/***",
		"https://u:S3CRET@host":                                  "https://host/***",
		"https://S3CRET@host:80/simple and http://a:b@c/":        "https://host:80/*** and http://c/***",
		"http://u:S3@CR:ET@host/x":                               "http://host/***",
		"http://u:S3/CRET@host/x":                                "http://***",
		"http://u:123/S3CRET@host/x":                             "http://***",
		"git+https://u:S3CRET@host/x":                            "git+https://host/***",
		"git+https://git.example.com/S3CRET.git@v1":              "git+https://git.example.com/***",
		"git+ssh://git@host/S3CRET":                              "git+ssh://host/***",
		"pkg@git+https://host.test/S3CRET":                       "pkg@git+https://host.test/***",
		"HTTPS://Host/S3CRET":                                    "HTTPS://Host/***",
		"https://s3/x?a=1&X-Amz-Signature=S3CRET, (next).":       "https://s3/***, (next).",
		"https://host?S3CRET https://host#S3CRET":                "https://host/*** https://host/***",
		"https://[::1]:5000/S3CRET":                              "https://[::1]:5000/***",
		"https://münchen.example/S3CRET":                         "https://münchen.example/***",
		"https://${S3CRET}.host/x https://%53CRET/x":             "https://*** https://***",
		`https:\\host\S3CRET https:/host/S3CRET`:                 `https:\\host/*** https:/host/***`,
		`{"url":"https:\/\/host\/S3CRET","n":1}`:                 `{"url":"https:\/\/host/***","n":1}`,
		`{"url":"https://host/S3 CRET","n":1}`:                   `{"url":"https://host/***","n":1}`,
		`"{\"url\":\"https://host/S3 CRET\",\"n\":1}"`:           `"{\"url\":\"https://host/***\",\"n\":1}"`,
		`'https://u:S3CR'ET@host/', 'http://h/S3CRET'`:           `'https://host/***', 'http://h/***'`,
		"<https://host/S3CRET> `https://host/S3 CRET` on":        "<https://host/***> `https://host/***` on",
		`parse "https://u:S3 CRET@host/": invalid`:               `parse "https://host/***": invalid`,
		`"x @ https://host/S3 CRET"; y`:                          `"x @ https://host/***"; y`,
		"back=https%3A%2F%2Fu%3AS3CRET%40host%2Fx next":          "back=https%3A%2F%2F*** next",
		"back=https%253A%252F%252Fhost%252FS3CRET":               "back=https%253A%252F%252F***",
		"//host.test/S3CRET //u:S3CRET@h/x":                      "//host.test/*** //h/***",
		`see \\host.test\S3CRET`:                                 `see \\host.test/***`,
		"// a comment, and //lib/x.so":                           "// a comment, and //lib/x.so",
		"ada:S3CRET@host":                                        "host/***",
		"(ada:S3CR/ET@host.test/x), S3CRET@host.test/x":          "(host.test/***), host.test/***",
		"git@host.test:S3CRET.git":                               "host.test/***",
		"mail ada@example.com about it: ada@example.com.":        "mail ada@example.com about it: ada@example.com.",
		"with url: /S3CRET/simple/x/ (Caused by y)":              "with url: /*** (Caused by y)",
		"GET /v1/images?token=S3CRET failed":                     "GET /v1/images?*** failed",
		"unix:///run/buildkit/buildkitd.sock stays":              "unix:///run/buildkit/buildkitd.sock stays",
		"docker-container://buildkitd tcp://b:1234":              "docker-container://buildkitd tcp://b:1234",
		"registry.test:5000/ml/x:1@sha256:0a python:3@sha256:0b": "registry.test:5000/ml/x:1@sha256:0a python:3@sha256:0b",
		"arn:aws:sts::1:assumed-role/Ops/ada@example.com":        "arn:aws:sts::1:assumed-role/Ops/ada@example.com",
		`write "https://primehub.example.com/api/graphql"`:       `write "https://primehub.example.com/api/graphql"`,
		"GET /v1/images/churn at https://rime.test: 403":         "GET /v1/images/churn at https://rime.test: 403",
		"C:\\Users\\ada and error:\\n":                           "C:\\Users\\ada and error:\\n",
	})
}

func TestInput(t *testing.T) {
	t.Parallel()
	expectRedacted(t, redact.Input, map[string]string{
		"numpy>=1.26,<2":                                   "numpy>=1.26,<2",
		"uvicorn[standard]==0.30":                          "uvicorn[standard]==0.30",
		"./wheels/a.whl":                                   "./wheels/a.whl",
		"a-1.0.tar.gz":                                     "a-1.0.tar.gz",
		"-r requirements/base.txt":                         "-r requirements/base.txt",
		"pkg/focal libc6:i386":                             "pkg/focal libc6:i386",
		"conda-forge/linux-64::numpy":                      "conda-forge/linux-64::numpy",
		"--index-url https://host/S3CRET/simple":           "--index-url https://host/***",
		"-i https://${TOKEN}@host.test/simple":             "-i https://host.test/***",
		"a @ https://host/S3 CRET --hash=sha256:0a":        "a @ https://host/*** --hash=sha256:0a",
		`a @ https://host/S3CRET ; python_version < "3.9"`: `a @ https://host/*** ; python_version < "3.9"`,
		"a @ https://host/x;S3CRET":                        "a @ https://host/***",
		"https://ho st/S3CRET":                             "https://***",
		"host.test/S3CRET/x.whl":                           "host.test/***",
		"a @ host.test:80/S3CRET":                          "a @ host.test:80/***",
		"a@10.0.0.1/S3CRET":                                "10.0.0.1/***",
		"//host/S3CRET/x.whl":                              "//host/S3CRET/x.whl",
		"//host.test/S3CRET x":                             "//host.test/***",
		"https://conda.test/t/S3CRET/c::x":                 "https://conda.test/***",
		"-e git+https://u:S3CRET@host/x.git#egg=x":         "-e git+https://host/***",
		"git@host.test:S3CRET/x.git":                       "host.test/***",
	})
}

func TestLog(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://u:p@bucket.test/a/logs/7?X-Amz-Signature=S3CRET#S3CRET": "https://bucket.test/a/logs/7",
		"https://bucket.test/S3CRET?logs/7":                              "https://bucket.test/***",
		"https://bucket.test/%zz/logs/7":                                 "https://bucket.test/***",
		"":                                                               "",
	} {
		if got := redact.Log(address, "/logs/7"); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	for _, test := range [][3]string{
		{"https://ada:S3CRET@rime.test:8443/v1/images/a%2Fb?token=S3CRET#S3CRET", "", "/v1/images/a%2Fb at https://rime.test:8443"},
		{"https://rime.test/S3CRET/v1/images", "/S3CRET", "/***/v1/images at https://rime.test"},
	} {
		u, err := url.Parse(test[0])
		if err != nil {
			t.Fatal(err)
		}
		got := redact.Request(u, test[1])
		if got != test[2] {
			t.Errorf("%s: %s", test[0], got)
		}
		if again := redact.Text(got + ": 403 Forbidden"); again != got+": 403 Forbidden" {
			t.Errorf("%s is hidden when it is shown: %s", got, again)
		}
	}
}

// forms are addresses with a secret (%[1]s) in each place that one can be in.
var forms = []string{
	"https://%[1]s@host.test/simple/", "https://u:%[1]s@host.test", "HTTPS://u:%[1]s@host.test:80/x", "https://host.test/%[1]s/simple",
	"https://host.test/x?token=%[1]s&y", "https://host.test?%[1]s", "https://host.test/x#%[1]s", "git+https://%[1]s@host.test/x.git@v1",
	"git+ssh://git@host.test/%[1]s", "//host.test/%[1]s/x", "//u:%[1]s@host/x", `https:\\host.test\%[1]s`, `https:\/\/host.test\/%[1]s`,
	"https:/host.test/%[1]s", "s3://%[1]s@host/x", "u:%[1]s@host.test/x", "%[1]s@host.test/x", "back=https%%3A%%2F%%2Fhost.test%%2F%[1]s",
	"https://${A}:%[1]s@host.test/", "https://[::1]/%[1]s", "http://host_1/%[1]s",
}

// doors are how an address comes into a message.
var doors = map[string]func(address string) string{
	"alone":    redact.Text,
	"in words": func(a string) string { return redact.Text("looking at " + a + " failed") },
	"quoted":   func(a string) string { return redact.Text(fmt.Sprintf("Get %q: EOF", a)) },
	"net/url": func(a string) string {
		return redact.Text((&url.Error{Op: "Get", URL: a, Err: url.EscapeError("x")}).Error())
	},
	"twice":     func(a string) string { return redact.Text(fmt.Sprintf("%q", redact.Input("x @ "+a))) },
	"typed":     redact.Input,
	"reference": func(a string) string { return redact.Input("pkg @ " + a + ` ; python_version < "3.9"`) },
	"option":    func(a string) string { return redact.Input("--extra-index-url=" + a) },
}

// FuzzText: no part of a secret survives, wherever it stands, however it is written, on whatever way it comes.
func FuzzText(f *testing.F) {
	for _, secret := range []string{"S3CRETTOKEN", "p@ss/w:rd?#", "ünï cödé", "a%2Fb%zz", "***secret", "$(id);`x`", "sha256:abcd", "1234567", "-token-"} {
		for form := range forms {
			f.Add(secret, form)
		}
	}
	f.Fuzz(func(t *testing.T, secret string, form int) {
		if form < 0 || form >= len(forms) {
			t.Skip("no such form")
		}
		plain := strings.Map(func(r rune) rune { // what an address may hold as it is
			if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-._~!$&()*+,;=%", r) {
				return r
			}
			return -1
		}, strings.ToValidUTF8(secret, ""))
		for _, written := range []string{plain, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:]} {
			if len(written) < 6 {
				continue
			}
			address := fmt.Sprintf(forms[form], written)
			for door, through := range doors {
				shown := through(address)
				if part := survivor(shown, written, through(fmt.Sprintf(forms[form], "______"))); part != "" {
					t.Errorf("%s, %s: %q survives in %q", address, door, part, shown)
				}
			}
		}
	})
}

// survivor is a part of the secret that is shown, and not for another reason.
func survivor(shown, secret, otherwise string) string {
	const length = 6
	for i := 0; i+length <= len(secret); i++ {
		if part := secret[i : i+length]; strings.Contains(shown, part) && !strings.Contains(otherwise, part) {
			return part
		}
	}
	return ""
}

// expectRedacted wants each text to become its value, and to stay so when it is done again.
func expectRedacted(t *testing.T, hide func(string) string, table map[string]string) {
	t.Helper()
	for text, want := range table {
		got := hide(text)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
		if again := hide(got); again != got {
			t.Errorf("%s\nonce  %s\ntwice %s", text, got, again)
		}
	}
}
