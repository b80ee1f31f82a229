package awsregistry_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// Two hundred images are published at ECR's ten a second: none is refused, and at least nine tenths of the quota are used.
func TestLimiter_quota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		w.makeRepositories(t, "ml/a")
		w.SetQuotas(1)
		var limiter awsregistry.Limiter
		began := time.Now()
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				if err := limiter.Wait(t.Context(), "PutImage"); err != nil {
					t.Error(err)
				}
				if err := w.putImage(t.Context(), "ml/a", i); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if rate := 200 / time.Since(began).Seconds(); rate < 9 || rate > 10 {
			t.Errorf("%.2f images a second", rate)
		}
	})
}

// Requests of OCI clients are counted as ECR counts them.
func TestLimiter_transport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ method, path, action string }{
		{http.MethodPut, "/v2/ml/a/manifests/t1", "PutImage"},
		{http.MethodHead, "/v2/ml/a/manifests/t1", "BatchGetImage"},
		{http.MethodPost, "/v2/ml/a/blobs/uploads/", "InitiateLayerUpload"},
		{http.MethodPatch, "/v2/ml/a/blobs/uploads/1", "UploadLayerPart"},
		{http.MethodPut, "/v2/ml/a/blobs/uploads/1", "CompleteLayerUpload"},
		{http.MethodHead, "/v2/ml/a/blobs/sha256:00", "BatchCheckLayerAvailability"},
		{http.MethodGet, "/v2/ml/a/blobs/sha256:00", "GetDownloadUrlForLayer"},
		{http.MethodGet, "/v2/", ""},
	} {
		t.Run(test.method+test.path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var limiter awsregistry.Limiter
				transport := limiter.Transport("registry.test", roundTripper(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: http.StatusTooManyRequests, Body: http.NoBody}, nil
				}))
				before := limiter.Rate(test.action)
				for _, host := range []string{"elsewhere.test", "registry.test"} {
					if limiter.Rate(test.action) != before {
						t.Error("what another registry answers counts")
					}
					resp, err := transport.RoundTrip(httptest.NewRequest(test.method, "http://"+host+test.path, http.NoBody))
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
				}
				if slower := limiter.Rate(test.action) < before; slower != (test.action != "") {
					t.Errorf("%s: %.1f after %.1f", test.action, limiter.Rate(test.action), before)
				}
			})
		})
	}
}

// Others use the account, too: the rate shrinks until AWS is content, and comes back.
func TestLimiter_adapts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var limiter awsregistry.Limiter
		// take is so many requests in a row, of which AWS lets so many a second pass.
		take := func(n int, allowed float64) (throttled int) {
			left, at := allowed, time.Now()
			for range n {
				if err := limiter.Wait(t.Context(), "PutImage"); err != nil {
					t.Fatal(err)
				}
				left, at = min(allowed, left+allowed*time.Since(at).Seconds()), time.Now()
				if left < 1 {
					throttled++
					limiter.Throttled("PutImage")
					continue
				}
				left--
			}
			return throttled
		}
		full := limiter.Rate("PutImage")
		if throttled := take(300, 3); throttled > 60 {
			t.Errorf("%d of 300 throttled at a third of the quota", throttled)
		}
		if limiter.Rate("PutImage") > 0.6*full {
			t.Errorf("still at %.1f", limiter.Rate("PutImage"))
		}
		take(300, 1000)
		if limiter.Rate("PutImage") != full {
			t.Errorf("only back at %.1f of %.1f", limiter.Rate("PutImage"), full)
		}
	})
}

// What has no published quota is not limited before AWS throttles it, and not for ever after.
func TestLimiter_unpublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var limiter awsregistry.Limiter
		for range 50 {
			if err := limiter.Wait(t.Context(), "GetRole"); err != nil {
				t.Fatal(err)
			}
		}
		limiter.Throttled("GetRole")
		if rate := limiter.Rate("GetRole"); rate < 30 || rate > 40 {
			t.Errorf("cut to %.1f after 50 in a second", rate)
		}
		limiter.Throttled("GetRole")
		if rate := limiter.Rate("GetRole"); rate < 30 {
			t.Errorf("cut twice at once, to %.1f", rate)
		}
		for range 100 {
			<-time.After(2 * time.Second)
			if err := limiter.Wait(t.Context(), "GetRole"); err != nil {
				t.Fatal(err)
			}
		}
		if rate := limiter.Rate("GetRole"); !math.IsInf(rate, 0) && rate < math.MaxFloat64 {
			t.Errorf("still limited to %.1f", rate)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := limiter.Wait(ctx, "GetRole"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A request whose turn comes only when the time is up is throttled, and says so at once; the endpoint can be reached.
func TestLimiter_outOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, config := newWorld(t, aws.Options{}), awsregistry.Config{Limiter: &awsregistry.Limiter{}}
		config.Transport = w
		client := newClient(t, config)
		if _, err := client.Account(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			config.Limiter.Throttled("DescribeRepositories")
			<-time.After(2 * time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var err error
		for range 5 {
			if _, err = client.Repository(ctx, "ml/a"); !errors.Is(err, awsregistry.ErrNotFound) {
				break
			}
		}
		answer, ok := errors.AsType[*awsregistry.Error](err)
		if !ok || answer.Class != awsregistry.ClassThrottled || answer.Operation != "DescribeRepositories" || answer.Subject != "repository ml/a" {
			t.Errorf("%#v", err)
		}
		if ctx.Err() != nil {
			t.Error("it waited until the time was up")
		}
	})
}

// Two hundred repositories get their settings at AWS's rates: no failure, and no more waiting than the rates ask for.
func TestRegistry_throttled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		var names []string
		for i := range 200 {
			names = append(names, fmt.Sprintf("ml/prod/image-%03d", i))
		}
		w.makeRepositories(t, names...)
		w.SetQuotas(1)
		w.latency = 20 * time.Millisecond
		spec := newSpec()
		spec.Repositories.LifecyclePolicy = untagged(5)
		client := w.client(t)
		w.ForgetCalls()
		began := time.Now()
		mustApply(t, t.Context(), client, spec)
		took := time.Since(began)
		var answered, refused int
		for _, call := range w.Calls() {
			if call.Operation != "ecr:GetLifecyclePolicy" {
				continue
			}
			if answered++; call.Error == "ThrottlingException" {
				refused++
			}
		}
		t.Logf("%s for 200 repositories; %d looks at policies, %d of them throttled", took, answered, refused)
		if rate := float64(answered-refused) / took.Seconds(); rate < 0.8*20 || refused > answered/10 {
			t.Errorf("%.1f looks a second of 20", rate)
		}
	})
}

// What a look costs for no repositories and for a full page of a list, with a lifecycle policy and without.
func TestRegistry_calls(t *testing.T) {
	t.Parallel()
	for managed, counts := range map[bool][]int{false: {0, 1000}, true: {0, 100}} {
		for _, repositories := range counts {
			t.Run(fmt.Sprint(repositories, managed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, aws.Options{})
					var names []string
					for i := range repositories {
						names = append(names, fmt.Sprintf("ml/prod/image-%04d", i))
					}
					w.makeRepositories(t, names...)
					spec := newSpec()
					if managed {
						spec.Repositories.LifecyclePolicy = untagged(5)
					}
					mustApply(t, t.Context(), w.client(t), spec)
					before := w.sent.Load()
					registry, err := w.client(t).ReadRegistry(t.Context(), spec)
					if err != nil {
						t.Fatal(err)
					}
					if got := registry.Repositories; !reflect.DeepEqual(got, awsregistry.RepositoryReport{Total: repositories}) {
						t.Errorf("%+v", got)
					}
					want := int64(1 + 10 + 1)
					if managed {
						want += int64(repositories) + 4 // the last for other registries within the prefix: two lists, and one policy
					}
					if calls := w.sent.Load() - before; calls != want {
						t.Errorf("%d calls, want %d", calls, want)
					}
				})
			})
		}
	}
}
