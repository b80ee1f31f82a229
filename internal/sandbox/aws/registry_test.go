package aws_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocitypes "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// login gets a token and returns it as go-containerregistry takes it.
func (a *account) login(t *testing.T) remote.Option {
	t.Helper()
	out := do(t, a.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	text, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(text), ":")
	if user != "AWS" || len(password) < 1000 || *out.AuthorizationData[0].ProxyEndpoint != a.URL {
		t.Errorf("a token of %q with %d characters, for %s", user, len(password), *out.AuthorizationData[0].ProxyEndpoint)
	}
	return remote.WithAuth(&authn.Basic{Username: user, Password: password})
}

// reference is a reference of the account's registry.
func (a *account) reference(t *testing.T, text string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(a.Host + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (a *account) push(t *testing.T, reference string, what remote.Taggable, options ...remote.Option) error {
	t.Helper()
	options = append([]remote.Option{remote.WithContext(t.Context()), remote.WithRetryPredicate(func(error) bool { return false })}, options...)
	switch what := what.(type) {
	case v1.Image:
		return remote.Write(a.reference(t, reference), what, options...)
	case v1.ImageIndex:
		return remote.WriteIndex(a.reference(t, reference), what, options...)
	}
	return fmt.Errorf("%T cannot be pushed", what)
}

func newImage(t *testing.T) v1.Image {
	t.Helper()
	i, err := random.Image(512, 2)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func digest(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// refusedByRegistry wants an error of the distribution specification.
func refusedByRegistry(t *testing.T, err error, status int, code, message string) {
	t.Helper()
	failure, ok := errors.AsType[*transport.Error](err)
	if !ok || failure.StatusCode != status || len(failure.Errors) == 0 || string(failure.Errors[0].Code) != code ||
		!strings.Contains(failure.Errors[0].Message, message) {
		t.Errorf("error %v, want %d %s with %q", err, status, code, message)
	}
}

func createRepository(t *testing.T, a *account, name string) {
	t.Helper()
	do(t, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: &name})
}

func TestRegistry_pushIsVisible(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/model")
	i, login := newImage(t), a.login(t)
	if err := a.push(t, "ml/model:3.11-abc", i, login); err != nil {
		t.Fatal(err)
	}
	details := do(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: new("ml/model"), ImageIds: []types.ImageIdentifier{{ImageTag: new("3.11-abc")}}})
	d := details.ImageDetails[0]
	equal(t, "digest", *d.ImageDigest, digest(t, i))
	equalLists(t, "tags", d.ImageTags, []string{"3.11-abc"})
	size, err := i.Size()
	if err != nil {
		t.Fatal(err)
	}
	if *d.ImageSizeInBytes < 1024 || *d.ImageSizeInBytes > size+10000 || time.Since(*d.ImagePushedAt) > time.Hour {
		t.Errorf("size %d, pushed at %s", *d.ImageSizeInBytes, d.ImagePushedAt)
	}
	equal(t, "media type", *d.ImageManifestMediaType, "application/vnd.docker.distribution.manifest.v2+json")
	pulled, err := remote.Image(a.reference(t, "ml/model:3.11-abc"), login, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "pulled", digest(t, pulled), digest(t, i))
	layers, err := pulled.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, content); err != nil || n < 512 {
		t.Errorf("a layer of %d bytes: %v", n, err)
	}
	counts := a.CallCounts()
	if counts["ecr:PutImage"] != 1 || counts["ecr:CompleteLayerUpload"] != 3 || counts["ecr:GetDownloadUrlForLayer"] != 1 {
		t.Errorf("calls: %v", counts)
	}
}

// ask sends one request to the registry as it is.
func (a *account) ask(t *testing.T, method, path, user, password string) (status int, header http.Header, content string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		request.SetBasicAuth(user, password)
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
	return response.StatusCode, response.Header, string(body)
}

func TestRegistry_asksForAToken(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	status, header, body := a.ask(t, http.MethodGet, "/v2/", "", "")
	equal(t, "status", status, http.StatusUnauthorized)
	equal(t, "challenge", header.Get("WWW-Authenticate"), fmt.Sprintf(`Basic realm="%s/",service="ecr.amazonaws.com"`, a.URL))
	equal(t, "body", body, "Not Authorized\n")
	status, _, body = a.ask(t, http.MethodGet, "/v2/", "AWS", "nonsense")
	if status != http.StatusBadRequest || !strings.Contains(body, "Your Authorization Token is invalid.") {
		t.Errorf("status %d %s", status, body)
	}
}

func TestRegistry_tokensExpire(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now, TokenLife: time.Hour})
	createRepository(t, a, "ml/model")
	out := do(t, a.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	equal(t, "expiry", out.AuthorizationData[0].ExpiresAt.Unix(), clock.Now().Add(time.Hour).Unix())
	login := a.login(t)
	if err := a.push(t, "ml/model:1", newImage(t), login); err != nil {
		t.Fatal(err)
	}
	a.ExpireTokens()
	_, err := remote.Get(a.reference(t, "ml/model:1"), login, remote.WithContext(t.Context()))
	refusedByRegistry(t, err, http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
	if err := a.push(t, "ml/model:2", newImage(t), a.login(t)); err != nil {
		t.Error(err)
	}
}

func TestRegistry_refusesUnknownRepositories(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	err := a.push(t, "ml/none:1", newImage(t), a.login(t))
	refusedByRegistry(t, err, http.StatusNotFound, "NAME_UNKNOWN", "The repository with name 'ml/none' does not exist in the registry with id '123456789012'")
}

func TestRegistry_createOnPush(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	for prefix, mutability := range map[string]types.ImageTagMutability{"ml": types.ImageTagMutabilityImmutable, "ROOT": types.ImageTagMutabilityMutable} {
		do(t, a.ecr.CreateRepositoryCreationTemplate, &ecr.CreateRepositoryCreationTemplateInput{
			Prefix: &prefix, AppliedFor: []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}, ImageTagMutability: mutability, LifecyclePolicy: new(keepTen),
		})
	}
	login := a.login(t)
	for repository, want := range map[string]types.ImageTagMutability{"ml/x/y": types.ImageTagMutabilityImmutable, "ml-other/x": types.ImageTagMutabilityMutable} {
		if err := a.push(t, repository+":1", newImage(t), login); err != nil {
			t.Fatal(err)
		}
		out := do(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{repository}})
		equal(t, repository, out.Repositories[0].ImageTagMutability, want)
		do(t, a.ecr.GetLifecyclePolicy, &ecr.GetLifecyclePolicyInput{RepositoryName: &repository})
	}
}

// ECR refuses a tag that exists even for the manifest that it has, which a push that was repeated runs into.
func TestRegistry_immutableTags(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	do(t, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{
		RepositoryName: new("ml/model"), ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion,
		ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{
			{FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: new("dev*")},
		},
	})
	i, login := newImage(t), a.login(t)
	put := func(tag string, i v1.Image) error {
		raw, err := i.RawManifest()
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.ecr.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: new("ml/model"), ImageTag: &tag, ImageManifest: new(string(raw))})
		return err
	}
	if err := errors.Join(a.push(t, "ml/model:1", i, login), a.push(t, "ml/model:dev-1", i, login), put("2", i)); err != nil {
		t.Fatal(err)
	}
	const sentence = "The image tag '1' already exists in the 'ml/model' repository and cannot be overwritten because the repository is immutable."
	client := &http.Client{Transport: &basic{login: tokenOf(t, a)}}
	raw, err := i.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, a.URL+"/v2/ml/model/manifests/1", strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	refusedByRegistry(t, transport.CheckError(response, http.StatusCreated), http.StatusBadRequest, "TAG_INVALID", sentence)
	refusedByRegistry(t, a.push(t, "ml/model:1", newImage(t), login), http.StatusBadRequest, "TAG_INVALID", sentence)
	wantError(t, put("1", i), "ImageTagAlreadyExistsException", sentence)
	if err := a.push(t, "ml/model:dev-1", newImage(t), login); err != nil {
		t.Errorf("an excluded tag: %v", err)
	}
	wantError(t, put("dev-2", i), "", "")
	wantError(t, put("dev-2", i), "ImageAlreadyExistsException", "already exists in the repository with name 'ml/model'")
}

func tokenOf(t *testing.T, a *account) string {
	t.Helper()
	return *do(t, a.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{}).AuthorizationData[0].AuthorizationToken
}

// basic sends the token as it is, which is what a user and a password come to.
type basic struct{ login string }

func (b *basic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Basic "+b.login)
	return http.DefaultTransport.RoundTrip(r)
}

func TestRegistry_deleteInOrder(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/model")
	child := newImage(t)
	index := indexOf(child)
	if err := a.push(t, "ml/model:1", index, a.login(t)); err != nil {
		t.Fatal(err)
	}
	both := []types.ImageIdentifier{{ImageDigest: new(digest(t, index))}, {ImageDigest: new(digest(t, child))}}
	out := do(t, a.ecr.BatchDeleteImage, &ecr.BatchDeleteImageInput{RepositoryName: new("ml/model"), ImageIds: both})
	if len(out.ImageIds) != 1 || *out.ImageIds[0].ImageTag != "1" || len(out.Failures) != 1 ||
		out.Failures[0].FailureCode != types.ImageFailureCodeImageReferencedByManifestList || !strings.Contains(*out.Failures[0].FailureReason, digest(t, index)) {
		t.Errorf("deleted %v, failed %v", out.ImageIds, out.Failures)
	}
	out = do(t, a.ecr.BatchDeleteImage, &ecr.BatchDeleteImageInput{RepositoryName: new("ml/model"), ImageIds: both})
	if len(out.ImageIds) != 1 || *out.ImageIds[0].ImageDigest != digest(t, child) || out.Failures[0].FailureCode != types.ImageFailureCodeImageNotFound {
		t.Errorf("deleted %v, failed %v", out.ImageIds, out.Failures)
	}
}

func indexOf(i v1.Image) v1.ImageIndex {
	return mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: i})
}

func TestRegistry_tagsOfOneImage(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/model")
	i, login := newImage(t), a.login(t)
	if err := errors.Join(a.push(t, "ml/model:1", i, login), a.push(t, "ml/model:2", i, login), a.push(t, "ml/model:3", newImage(t), login)); err != nil {
		t.Fatal(err)
	}
	tags, err := remote.List(a.reference(t, "ml/model:1").Context(), login, remote.WithContext(t.Context()), remote.WithPageSize(2))
	if err != nil {
		t.Fatal(err)
	}
	equalLists(t, "tags", tags, []string{"1", "2", "3"})
	if err := remote.Delete(a.reference(t, "ml/model:1"), login, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	out := do(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: new("ml/model"), ImageIds: []types.ImageIdentifier{{ImageDigest: new(digest(t, i))}}})
	equalLists(t, "tags that are left", out.ImageDetails[0].ImageTags, []string{"2"})
	do(t, a.ecr.BatchDeleteImage, &ecr.BatchDeleteImageInput{RepositoryName: new("ml/model"), ImageIds: []types.ImageIdentifier{{ImageTag: new("2")}}})
	refused(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: new("ml/model"), ImageIds: []types.ImageIdentifier{{ImageDigest: new(digest(t, i))}}},
		"ImageNotFoundException", "The image with imageId {imageDigest:'"+digest(t, i)+"', imageTag:'null'} does not exist within the repository with name 'ml/model'")
}

func TestRegistry_layersBelongToRepositories(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/a")
	createRepository(t, a, "ml/b")
	createRepository(t, a, "ml/c")
	i, login := newImage(t), a.login(t)
	if err := a.push(t, "ml/a:1", i, login); err != nil {
		t.Fatal(err)
	}
	raw, err := i.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	refused(t, a.ecr.PutImage, &ecr.PutImageInput{RepositoryName: new("ml/b"), ImageManifest: new(string(raw))}, "LayersNotFoundException", "do not exist in the repository with name 'ml/b'")
	mounts := func(repository string) int {
		pulled, err := remote.Image(a.reference(t, "ml/a:1"), login, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		before := a.CallCounts()["ecr:CompleteLayerUpload"]
		if err := a.push(t, repository+":1", pulled, login); err != nil {
			t.Fatal(err)
		}
		return a.CallCounts()["ecr:CompleteLayerUpload"] - before
	}
	equal(t, "layers uploaded", mounts("ml/b"), 3)
	do(t, a.ecr.PutAccountSetting, &ecr.PutAccountSettingInput{Name: new("BLOB_MOUNTING"), Value: new("ENABLED")})
	if uploaded := mounts("ml/c"); uploaded >= 3 {
		t.Errorf("%d layers uploaded where they can be mounted", uploaded)
	}
}

func TestRegistry_faultsThrottlingAndDenials(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/model")
	login := a.login(t)
	if err := a.SetFaults(fault.Rule{Service: aws.Service, Method: http.MethodPut, Path: "/manifests/", Times: 1, Status: http.StatusServiceUnavailable}); err != nil {
		t.Fatal(err)
	}
	if err := a.push(t, "ml/model:1", newImage(t), login); err == nil {
		t.Error("pushed in spite of a fault")
	}
	a.Deny("*:user/sandbox", false, "ecr:InitiateLayerUpload")
	refusedByRegistry(t, a.push(t, "ml/model:2", newImage(t), login), http.StatusForbidden, "DENIED",
		"User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: ecr:InitiateLayerUpload on resource: "+
			"arn:aws:ecr:us-east-1:123456789012:repository/ml/model because no identity-based policy allows the ecr:InitiateLayerUpload action")
	a.Allow()
	a.SetQuotas(0.0001)
	var err error
	for range 2 { // one call is always allowed
		_, err = remote.Get(a.reference(t, "ml/model:1"), login, remote.WithContext(t.Context()), remote.WithRetryStatusCodes(http.StatusTeapot))
	}
	refusedByRegistry(t, err, http.StatusTooManyRequests, "TOOMANYREQUESTS", "Rate exceeded")
}

// An artifact about an image is found by the image, as the distribution specification 1.1 has it.
func TestRegistry_referrers(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	i, login := newImage(t), a.login(t)
	if err := a.push(t, "ml/x:1", i, login); err != nil {
		t.Fatal(err)
	}
	subject, err := partial.Descriptor(i)
	if err != nil {
		t.Fatal(err)
	}
	about, ok := mutate.Subject(mutate.MediaType(empty.Image, ocitypes.OCIManifestSchema1), *subject).(v1.Image)
	if !ok {
		t.Fatal("the artifact is no image")
	}
	if err := a.push(t, "ml/x@"+digest(t, about), about, login); err != nil {
		t.Fatal(err)
	}
	image, ok := a.reference(t, "ml/x@"+digest(t, i)).(name.Digest)
	if !ok {
		t.Fatal("the reference is no digest")
	}
	found, err := remote.Referrers(image, login, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := found.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest.String() != digest(t, about) {
		t.Errorf("referrers: %+v %v", manifest, err)
	}
	for _, d := range do(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: new("ml/x")}).ImageDetails {
		if *d.ImageDigest == digest(t, about) {
			equal(t, "subject", *d.SubjectManifestDigest, digest(t, i))
		}
	}
}

// Requests that no client makes when all is well.
func TestRegistry_byHand(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	if err := a.push(t, "ml/x:1", indexOf(newImage(t)), a.login(t)); err != nil {
		t.Fatal(err)
	}
	child := ""
	for _, d := range do(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: new("ml/x")}).ImageDetails {
		if len(d.ImageTags) == 0 {
			child = *d.ImageDigest
		}
	}
	none := "sha256:" + strings.Repeat("0", 64)
	client := &http.Client{Transport: &basic{login: tokenOf(t, a)}}
	for _, tc := range []struct {
		method, path, body string
		status             int
		code, message      string
	}{
		{http.MethodGet, "ml/x/manifests/none", "", http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found"},
		{http.MethodDelete, "ml/x/manifests/none", "", http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found"},
		{http.MethodDelete, "ml/x/manifests/" + child, "", http.StatusForbidden, "DENIED", "referenced by manifest list"},
		{http.MethodPut, "ml/x/manifests/1", "{", http.StatusBadRequest, "MANIFEST_INVALID", "Invalid JSON syntax"},
		{http.MethodPut, "ml/x/manifests/" + none, "{}", http.StatusBadRequest, "DIGEST_INVALID", "does not match"},
		{http.MethodPut, "ml/x/manifests/a%20b", "{}", http.StatusBadRequest, "TAG_INVALID", "imageTag"},
		{http.MethodPut, "ml/x/manifests/2", `{"config": {"digest": "` + none + `"}}`, http.StatusNotFound, "BLOB_UNKNOWN", none},
		{http.MethodPut, "ml/x/manifests/2", `{"manifests": [{"digest": "` + none + `"}]}`, http.StatusNotFound, "NAME_UNKNOWN", "required for pushing image"},
		{http.MethodPost, "ml/x/manifests/2", "", http.StatusMethodNotAllowed, "UNSUPPORTED", ""},
		{http.MethodGet, "ml/x/blobs/" + none, "", http.StatusNotFound, "BLOB_UNKNOWN", none},
		{http.MethodDelete, "ml/x/blobs/" + none, "", http.StatusMethodNotAllowed, "UNSUPPORTED", ""},
		{http.MethodGet, "ml/x/tags/list?n=-1", "", http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", ""},
		{http.MethodGet, "ML/x/tags/list", "", http.StatusBadRequest, "NAME_INVALID", "repositoryName"},
		{http.MethodGet, "_catalog", "", http.StatusNotFound, "UNSUPPORTED", ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), tc.method, a.URL+"/v2/"+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		refusedByRegistry(t, transport.CheckError(response, http.StatusTeapot), tc.status, tc.code, tc.message)
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}
