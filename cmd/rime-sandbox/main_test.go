package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// build builds the program once for a test.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "rime-sandbox")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

type announcement struct {
	RIMEEndpoint     string            `json:"rime_endpoint"`
	RIMEAPIKey       string            `json:"rime_api_key"`
	PrimeHubEndpoint string            `json:"primehub_endpoint"`
	PrimeHubAPIToken string            `json:"primehub_api_token"`
	OCIRegistry      string            `json:"oci_registry"`
	PackageIndex     string            `json:"package_index"`
	AWSEndpoint      string            `json:"aws_endpoint"`
	Control          string            `json:"control"`
	Env              map[string]string `json:"env"`

	RIMEAPIKeys       map[string]string `json:"rime_api_keys"`
	PrimeHubAPITokens map[string]string `json:"primehub_api_tokens"`
}

// start starts the program, reads its line, and returns a function that stops it and returns how it ended.
func start(t *testing.T, binary string, args ...string) (announcement, func() error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadString('\n')
	if err != nil {
		t.Fatalf("no line: %v", err)
	}
	var a announcement
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	return a, func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if rest, _ := io.ReadAll(reader); len(rest) > 0 {
			t.Errorf("it said more on standard output: %q", rest)
		}
		return cmd.Wait()
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestRimeSandbox(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	faults := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(faults, []byte(`[{"service": "oci_registry", "path": "^/v2/broken/", "status": 418}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, stop := start(t, build(t), "--listen", "localhost:0", "--faults", faults, "--latency", "30ms")

	env := map[string]string{
		"RIME_EMBEDDED_REGISTRY_URL": a.OCIRegistry, "RIME_ENDPOINT": a.RIMEEndpoint, "RIME_API_KEY": a.RIMEAPIKey,
		"PRIMEHUB_API_ENDPOINT": a.PrimeHubEndpoint, "PRIMEHUB_API_TOKEN": a.PrimeHubAPIToken, "PRIMEHUB_GROUP": "data-science",
		"AWS_ENDPOINT_URL": a.AWSEndpoint, "AWS_ACCESS_KEY_ID": aws.AccessKeyID, "AWS_SECRET_ACCESS_KEY": aws.SecretAccessKey, "AWS_REGION": "us-east-1",
	}
	if diff := cmp.Diff(env, a.Env); diff != "" {
		t.Errorf("env (-want +got)\n%s", diff)
	}
	began := time.Now()
	if status, _ := get(t, "http://"+a.OCIRegistry+"/v2/"); status != http.StatusOK {
		t.Errorf("registry: status %d", status)
	}
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered within %s in spite of the latency", took)
	}
	if status, _ := get(t, "http://"+a.OCIRegistry+"/v2/broken/tags/list"); status != http.StatusTeapot {
		t.Errorf("fault: status %d", status)
	}
	if status, body := get(t, a.PackageIndex); status != http.StatusOK || !strings.Contains(body, "sandbox-learn") {
		t.Errorf("package index: status %d\n%s", status, body)
	}
	if status, body := get(t, a.Control+"/requests"); status != http.StatusOK || strings.Count(body, `"method"`) != 3 ||
		!strings.Contains(body, `"service":"package_index"`) || !strings.Contains(body, `"status":418`) {
		t.Errorf("control: status %d\n%s", status, body)
	}

	began = time.Now()
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > 10*time.Minute {
		t.Errorf("it took %s to end", took)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// platform asks the RIME platform of the announcement for something.
func platform(t *testing.T, a announcement, method, path, body string) map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, a.RIMEEndpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("rime-api-key", a.RIMEAPIKey)
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v, %v", method, path, response.Status, answer, err)
	}
	return answer
}

func TestRimeSandbox_platform(t *testing.T) {
	t.Parallel()
	a, stop := start(t, build(t), "--images", "30", "--seed", "7", "--build-time", "40ms", "--fail-package", "left-pad",
		"--rime-image", "fraud 3.9 xgboost pandas>=1.5,<2", "--rime-image", "plain 3.9")
	if images, _ := platform(t, a, http.MethodGet, "/v1/images?pageSize=100", "")["images"].([]any); len(images) != 4+30+2 { // four of the system
		t.Errorf("%d images", len(images))
	}
	named, _ := platform(t, a, http.MethodGet, "/v1/images/fraud", "")["image"].(map[string]any)
	if text := fmt.Sprint(named["pipRequirements"]); !strings.Contains(text, "xgboost") || !strings.Contains(text, ">=1.5,<2") || named["pythonVersion"] != "3.9" {
		t.Errorf("the image that was asked for: %v", named)
	}
	a.RIMEAPIKey, a.PrimeHubAPIToken = a.RIMEAPIKeys["user"], a.PrimeHubAPITokens["group_admin"]
	if len(a.RIMEAPIKeys) != 5 || len(a.PrimeHubAPITokens) != 4 {
		t.Errorf("keys %v, tokens %v", a.RIMEAPIKeys, a.PrimeHubAPITokens)
	}
	platform(t, a, http.MethodPost, "/v1/images", `{"name": "churn", "pipRequirements": [{"name": "left-pad"}]}`)
	for deadline := time.Now().Add(30 * time.Minute); ; {
		image, _ := platform(t, a, http.MethodGet, "/v1/images/churn", "")["image"].(map[string]any)
		if image["status"] == "STATUS_FAILED" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after half an hour: %v", image)
		}
	}
	a.RIMEAPIKey = a.RIMEAPIKeys["organization_admin"]
	platform(t, a, http.MethodDelete, "/v1/images/churn", "")
	if status, body := get(t, a.Control+"/requests"); status != http.StatusOK || !strings.Contains(body, `"service":"rime"`) {
		t.Errorf("control: status %d\n%s", status, body)
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// primehub asks the PrimeHub platform of the announcement for something, and returns the data of the answer.
func primehub(t *testing.T, a announcement, query string) map[string]any {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.PrimeHubEndpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+a.PrimeHubAPIToken)
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data   map[string]any
		Errors any
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK || answer.Errors != nil {
		t.Fatalf("%s: %s, %v, %v", query, response.Status, answer, err)
	}
	return answer.Data
}

func TestRimeSandbox_primehub(t *testing.T) {
	t.Parallel()
	a, stop := start(t, build(t), "--images", "30", "--build-time", "40ms", "--fail-package", "left-pad", "--primehub-community")
	if images, _ := primehub(t, a, `{ images { id } }`)["images"].([]any); len(images) != 30 {
		t.Errorf("%d images", len(images))
	}
	primehub(t, a, `mutation { createImage(data: {name: "churn", imageSpec: {baseImage: "python", packages: {pip: ["left-pad"]}}}) { id } }`)
	for deadline := time.Now().Add(30 * time.Minute); ; {
		image, _ := primehub(t, a, `{ image(where: {id: "churn"}) { jobStatus { phase } } }`)["image"].(map[string]any)
		if status, _ := image["jobStatus"].(map[string]any); status["phase"] == "Failed" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after half an hour: %v", image)
		}
	}
	if status, body := get(t, a.Control+"/primehub/builds/churn"); status != http.StatusOK || !strings.Contains(body, "No matching distribution found for left-pad") {
		t.Errorf("control: status %d\n%s", status, body)
	}
	if status, body := get(t, a.Control+"/requests"); status != http.StatusOK || !strings.Contains(body, `"/api/graphql/createImage"`) {
		t.Errorf("requests: status %d\n%s", status, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestRimeSandbox_aws(t *testing.T) {
	t.Parallel()
	a, stop := start(t, build(t), "--aws-region", "cn-north-1", "--aws-account", "210987654321", "--aws-lag", "1h", "--aws-flapping", "--aws-quotas", "1",
		"--aws-token-life", "1m")
	config := sdk.Config{
		BaseEndpoint: new(a.Env["AWS_ENDPOINT_URL"]),
		Region:       a.Env["AWS_REGION"],
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: a.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: a.Env["AWS_SECRET_ACCESS_KEY"]}, nil
		}),
	}
	client := ecr.NewFromConfig(config)
	out, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: new("ml/x")})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws-cn:ecr:cn-north-1:210987654321:repository/ml/x"; *out.Repository.RepositoryArn != want {
		t.Errorf("ARN %s, want %s", *out.Repository.RepositoryArn, want)
	}
	var found []int
	for range 2 {
		out, err := client.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, len(out.Repositories))
	}
	if diff := cmp.Diff([]int{1, 0}, found); diff != "" {
		t.Errorf("flapping (-want +got)\n%s", diff)
	}
	token, err := client.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(*token.AuthorizationData[0].ExpiresAt); left > time.Minute {
		t.Errorf("a token for %s", left)
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestRimeSandbox_keepsItsData(t *testing.T) {
	t.Parallel()
	binary, dir := build(t), t.TempDir()
	for round := range 2 {
		a, stop := start(t, binary, "--data-dir", dir)
		if round == 0 {
			pushEmptyArtifact(t, a.OCIRegistry)
		}
		if status, body := get(t, "http://"+a.OCIRegistry+"/v2/kept/tags/list"); status != http.StatusOK || !strings.Contains(body, `"v1"`) {
			t.Errorf("round %d: status %d %s", round, status, body)
		}
		if err := stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
}

// pushEmptyArtifact pushes a manifest that refers to nothing: an index without entries.
func pushEmptyArtifact(t *testing.T, host string) {
	t.Helper()
	const index = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+host+"/v2/kept/manifests/v1", strings.NewReader(index))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("status %d", response.StatusCode)
	}
}

func TestRimeSandbox_help(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), build(t), "-h").CombinedOutput()
	for _, want := range []string{"RIME_EMBEDDED_REGISTRY_URL", "an endpoint has precedence over an embedded registry", "-build-time", "PrimeHub platform", "AWS account", "rime_api_keys"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, want %q in\n%s", err, want, out)
		}
	}
}

func TestRimeSandbox_refuses(t *testing.T) {
	t.Parallel()
	binary := build(t)
	bad := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(bad, []byte(`[{"stauts": 500}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		want string
		args []string
	}{
		{"not a loopback address", []string{"--listen", "0.0.0.0:0"}},
		{"not a loopback address", []string{"--listen", ":0"}},
		{"not a loopback address", []string{"--listen", "192.0.2.1:80"}},
		{"missing port", []string{"--listen", "127.0.0.1"}},
		{"the build time cannot be negative", []string{"--build-time", "-1s"}},
		{"not a loopback address", []string{"--aws-listen", "0.0.0.0:0"}},
		{`"nowhere" is no region`, []string{"--aws-region", "nowhere"}},
		{"an account's number has twelve digits", []string{"--aws-account", "12"}},
		{"cannot be negative", []string{"--aws-lag", "-1s"}},
		{`unknown field "stauts"`, []string{"--faults", bad}},
		{"write the name, the Python version", []string{"--rime-image", "churn"}},
		{`image "Churn"`, []string{"--rime-image", "Churn 3.9"}},
		{"no such file", []string{"--faults", bad + ".none"}},
		{`unexpected argument "extra"`, []string{"extra"}},
		{"flag provided but not defined", []string{"--no-such-flag"}},
	} {
		out, err := exec.CommandContext(t.Context(), binary, tc.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), tc.want) {
			t.Errorf("%v: %v, want %q in\n%s", tc.args, err, tc.want, out)
		}
	}
}
