package rime_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// BenchmarkAwait waits, in real time and over a network, for builds of random lengths: how late their ends are noticed, and how many requests a second of waiting costs.
func BenchmarkAwait(b *testing.B) {
	chance := rand.New(rand.NewPCG(5, 8)) //nolint:gosec // lengths of builds
	for b.Loop() {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var late []time.Duration
		var requests int
		var waited time.Duration
		for range 60 {
			o := sandbox.Options{BuildTime: 4*time.Second + time.Duration(chance.Int64N(int64(16*time.Second))), ImageLag: 100 * time.Millisecond}
			wg.Go(func() {
				after, took, asked := waitOnce(b, o)
				mu.Lock()
				defer mu.Unlock()
				late, waited, requests = append(late, after), waited+took, requests+asked
			})
		}
		wg.Wait()
		slices.Sort(late)
		b.ReportMetric(float64(late[len(late)/2].Milliseconds()), "p50-late-ms")
		b.ReportMetric(float64(late[len(late)*95/100].Milliseconds()), "p95-late-ms")
		b.ReportMetric(float64(requests)/waited.Seconds(), "requests/s")
	}
}

// waitOnce builds an image on a platform of its own, and returns how late its end was noticed, how long the wait took, and how many requests it made.
func waitOnce(b *testing.B, o sandbox.Options) (late, took time.Duration, requests int) {
	server, err := sandbox.Start(o)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = server.Close() }()
	registry, err := rime.New(config(server.URL, sandbox.KeyUser))
	if err != nil {
		b.Error(err)
		return
	}
	_, build, err := registry.Create(b.Context(), spec("churn"))
	if err != nil {
		b.Error(err)
		return
	}
	before, began := server.Count("", "^/v1/"), time.Now()
	if _, _, err := imageregistry.Await(b.Context(), registry, "churn", build.ID, imageregistry.AwaitOptions{}); err != nil {
		b.Error(err)
	}
	ready := server.Builds("churn")[0].Completed.Add(o.ImageLag)
	return time.Since(ready), time.Since(began), server.Count("", "^/v1/") - before
}
