package awsregistry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// A repository is made with its settings and its policy, interrupted anywhere, however late AWS shows it, and goes when it is empty.
func TestRepositoryManager(t *testing.T) {
	t.Parallel()
	settings := awsregistry.RepositorySettings{
		TagMutability: "IMMUTABLE_WITH_EXCLUSION", Exclusions: []string{"rime-*"}, ScanOnPush: sdk.Bool(true),
		LifecyclePolicy: untagged(5), Tags: map[string]string{"team": "ml"},
	}
	for name, lag := range map[string]aws.Lag{"at once": {}, "late": {Max: 15 * time.Second, Flapping: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range int64(5) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, aws.Options{Lag: lag, Seed: uint64(n)})
					manager := &awsregistry.RepositoryManager{Client: w.client(t), Settings: settings}
					repo, err := name2repo("ml/sklearn")
					if err != nil {
						t.Fatal(err)
					}
					w.interrupt(t.Context(), n, func(ctx context.Context) { _ = manager.Prepare(ctx, repo) })
					if err := manager.Prepare(t.Context(), repo); err != nil {
						t.Fatal(err)
					}
					w.SetLag(aws.Lag{})
					<-time.After(lag.Max)
					found, err := w.client(t).Repository(t.Context(), "ml/sklearn")
					if err != nil || found.TagMutability != settings.TagMutability || !slices.Equal(found.Exclusions, settings.Exclusions) || !found.ScanOnPush {
						t.Errorf("%+v, %v", found, err)
					}
					if text, err := w.client(t).LifecyclePolicy(t.Context(), "ml/sklearn"); !awsregistry.SameLifecyclePolicy(text, settings.LifecyclePolicy) {
						t.Errorf("%s, %v", text, err)
					}
					for range 2 {
						if err := manager.Remove(t.Context(), repo); err != nil {
							t.Error(err)
						}
					}
					if _, err := w.client(t).Repository(t.Context(), "ml/sklearn"); !errors.Is(err, awsregistry.ErrNotFound) {
						t.Errorf("%v", err)
					}
				})
			}
		})
	}
}

func name2repo(repository string) (name.Repository, error) {
	return name.NewRepository("123456789012.dkr.ecr.us-east-1.amazonaws.com/" + repository)
}

// Somebody else's repository keeps its settings and its policy, and stays; one that holds something stays, too.
func TestRepositoryManager_leavesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client := w.client(t)
		w.makeRepositories(t, "ml/theirs")
		do(t, w.somebody().ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: sdk.String("ml/theirs"), LifecyclePolicyText: sdk.String(untagged(9))})
		settings := awsregistry.RepositorySettings{TagMutability: "IMMUTABLE", LifecyclePolicy: untagged(5)}
		if err := client.PrepareRepository(t.Context(), "ml/theirs", settings); err != nil {
			t.Fatal(err)
		}
		if text, err := client.LifecyclePolicy(t.Context(), "ml/theirs"); !awsregistry.SameLifecyclePolicy(text, untagged(9)) || err != nil {
			t.Errorf("%s, %v", text, err)
		}
		if err := client.RemoveRepository(t.Context(), "ml/theirs"); err != nil {
			t.Fatal(err)
		}
		if found, err := client.Repository(t.Context(), "ml/theirs"); err != nil || found.TagMutability != "MUTABLE" {
			t.Errorf("%+v, %v", found, err)
		}
		if err := client.PrepareRepository(t.Context(), "ml/ours", settings); err != nil {
			t.Fatal(err)
		}
		w.putImages(t, "ml/ours", 1)
		if err := client.RemoveRepository(t.Context(), "ml/ours"); err != nil {
			t.Fatal(err)
		}
		if contents, err := client.Contents(t.Context(), "ml/ours"); contents.Images != 1 || err != nil {
			t.Errorf("%+v, %v", contents, err)
		}
	})
}

// putImages puts so many images into a repository, tagged t0, t1, ….
func (w *world) putImages(t *testing.T, repository string, n int) {
	t.Helper()
	for i := range n {
		if err := w.putImage(t.Context(), repository, i); err != nil {
			t.Fatal(err)
		}
	}
}

// putImage puts an index of nothing, which needs no blob.
func (w *world) putImage(ctx context.Context, repository string, n int) error {
	const index = "application/vnd.oci.image.index.v1+json"
	_, err := w.somebody().ecr.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName: &repository, ImageTag: sdk.String(fmt.Sprintf("t%d", n)), ImageManifestMediaType: sdk.String(index),
		ImageManifest: sdk.String(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[],"annotations":{"n":"%d"}}`, index, n)),
	})
	return err
}

func TestClient_images(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client := w.client(t)
		w.makeRepositories(t, "ml/a")
		w.putImages(t, "ml/a", 230)
		contents, err := client.Contents(t.Context(), "ml/a")
		if err != nil || contents.Images != 230 {
			t.Errorf("%+v, %v", contents, err)
		}
		if contents, err := client.Contents(t.Context(), "ml/absent"); err != nil || contents.Images != 0 {
			t.Errorf("%+v, %v", contents, err)
		}
		for _, err := range client.Images(t.Context(), "ml/absent") {
			if !errors.Is(err, awsregistry.ErrNotFound) {
				t.Error(err)
			}
		}
	})
}

func TestClient_preview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{PreviewTime: 7 * time.Second})
		client := w.client(t)
		w.makeRepositories(t, "ml/a")
		w.putImages(t, "ml/a", 130)
		keepTen := policy{Rules: []rule{keep(1, 10, "t*")}}.JSON()
		// One that is running already is waited for.
		do(t, w.somebody().ecr.StartLifecyclePolicyPreview, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: sdk.String("ml/a"), LifecyclePolicyText: sdk.String(untagged(1))})
		preview, err := client.PreviewLifecyclePolicy(t.Context(), "ml/a", keepTen)
		if err != nil || len(preview.Images) != 120 || !awsregistry.SameLifecyclePolicy(preview.Policy, keepTen) {
			t.Fatalf("%d images, %s, %v", len(preview.Images), preview.Policy, err)
		}
		if image := preview.Images[0]; image.Priority != 1 || image.Action != "EXPIRE" || len(image.Tags) != 1 || image.Digest == "" {
			t.Errorf("%+v", image)
		}
		if text, err := client.LifecyclePolicy(t.Context(), "ml/a"); text != "" || err != nil {
			t.Errorf("a preview put a policy: %s, %v", text, err)
		}
		if _, err := client.PreviewLifecyclePolicy(t.Context(), "ml/absent", keepTen); !errors.Is(err, awsregistry.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// Tokens are shared, renewed at half their life, and given to nobody but ECR of the region.
func TestClient_keychain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{TokenLife: 10 * time.Second})
		client := newClient(t, awsregistry.Config{Transport: w, Region: aws.DefaultRegion})
		keychain := client.Keychain("127.0.0.1:5000")
		resolve := func(host string) authn.Authenticator {
			t.Helper()
			registry, err := name.NewRegistry(host)
			if err != nil {
				t.Fatal(err)
			}
			authenticator, err := authn.Resolve(t.Context(), keychain, registry)
			if err != nil {
				t.Fatal(err)
			}
			return authenticator
		}
		for _, host := range []string{"docker.io", "210987654321.dkr.ecr.eu-west-1.amazonaws.com", "evil.test", "127.0.0.1:5001"} {
			if resolve(host) != authn.Anonymous {
				t.Errorf("credentials for %s", host)
			}
		}
		ours := resolve("123456789012.dkr.ecr.us-east-1.amazonaws.com")
		if w.sent.Load() != 0 {
			t.Error("a token was fetched before it was needed")
		}
		tokens := map[string]bool{}
		for second := range 60 { // A push that takes six times the life of a token.
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					config, err := authn.Authorization(t.Context(), ours)
					if err != nil || config.Username != "AWS" || config.Password == "" {
						t.Errorf("%v", err)
					}
				})
			}
			group.Wait()
			credentials, err := client.Credentials(t.Context())
			if err != nil || time.Until(credentials.ExpiresAt) < 5*time.Second {
				t.Errorf("after %d s: %s left, %v", second, time.Until(credentials.ExpiresAt), err)
			}
			tokens[credentials.Password] = true
			<-time.After(time.Second)
		}
		if n := w.sent.Load(); n != int64(len(tokens)) || n != 12 {
			t.Errorf("%d requests for %d tokens", n, len(tokens))
		}
		if resolve("127.0.0.1:5000") == authn.Anonymous {
			t.Error("no credentials for the other name of the registry")
		}
		if _, err := ours.Authorization(); err == nil || strings.Contains(err.Error(), "AWS:") {
			t.Errorf("without a context: %v", err)
		}
	})
}

// A token serves to its end where AWS gives no new one.
func TestClient_tokenNotRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client := w.client(t)
		first, err := client.Credentials(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Deny("*", true, "ecr:GetAuthorizationToken")
		<-time.After(11 * time.Hour)
		if kept, err := client.Credentials(t.Context()); err != nil || kept != first {
			t.Errorf("%+v, %v", kept, err)
		}
		<-time.After(time.Hour)
		if _, err := client.Credentials(t.Context()); !errors.Is(err, awsregistry.ErrDenied) {
			t.Errorf("%v", err)
		}
	})
}

// Where the region is the chain's, a token goes to the registries of that region only, too.
func TestClient_keychainOfTheChain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keychain := newWorld(t, aws.Options{}).client(t).Keychain()
		for host, want := range map[string]bool{
			"210987654321.dkr.ecr." + aws.DefaultRegion + ".amazonaws.com": true, "123456789012.dkr.ecr.ap-south-1.amazonaws.com": false,
			"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": false,
		} {
			registry, err := name.NewRegistry(host)
			if err != nil {
				t.Fatal(err)
			}
			if authenticator, err := authn.Resolve(t.Context(), keychain, registry); err != nil || (authenticator != authn.Anonymous) != want {
				t.Errorf("%s: %v, %v", host, authenticator, err)
			}
		}
	})
}
