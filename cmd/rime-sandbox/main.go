// Command rime-sandbox runs a RIME platform's API, an AWS account (STS, IAM, ECR), an OCI registry and a Python package index on loopback
// ports, to try the provider and the modules that use it without any account. When it is ready it prints one line of JSON that tells where
// everything is, then runs until interrupted.
//
// The RIME platform simulates its builds, and says so in their logs; AWS keeps what it is told in memory, and verifies no signature. What is
// pushed to the registries and served by the index is real, and so are the builds made with them. A control endpoint tells which requests were made and makes chosen ones go wrong; see
// package internal/sandbox/fault for the rules.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "rime-sandbox:", err)
		stop()
		os.Exit(1)
	}
}

// run runs a sandbox until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	options, err := parse(args, stderr)
	if err != nil {
		return err
	}
	s, err := sandbox.Start(options)
	if err != nil {
		return err
	}
	if err := s.Announce(stdout); err != nil {
		return errors.Join(err, s.Close())
	}
	select {
	case <-ctx.Done():
		return s.Close()
	case err := <-s.Ended():
		return errors.Join(err, s.Close())
	}
}

// usage is what -h says before it lists the flags.
const usage = `rime-sandbox runs a RIME platform's API, an OCI registry and a Python package index on a loopback port until it is interrupted.
When it is ready, it prints one line of JSON: rime_endpoint, rime_api_key, oci_registry, package_index, control, and env.

env holds the variables that a provider without a configuration picks up: RIME_ENDPOINT, RIME_API_KEY and RIME_EMBEDDED_REGISTRY_URL. With all
of them set, managed images are on the RIME platform: an endpoint has precedence over an embedded registry. For images in the OCI registry, leave
RIME_ENDPOINT unset, or write embedded_registry = {} in the provider block: what is configured has precedence over the environment.

The platform's builds are simulated, and their logs say so.

`

func parse(args []string, stderr io.Writer) (sandbox.Options, error) {
	var o sandbox.Options
	var faults string
	flags := flag.NewFlagSet("rime-sandbox", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = io.WriteString(stderr, usage) // where it cannot be written, nobody reads it
		flags.PrintDefaults()
	}
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:0", "loopback `address` to listen at; port 0 takes a free one")
	flags.StringVar(&o.DataDir, "data-dir", "", "`directory` that keeps what is pushed (default: a temporary one, removed at the end)")
	flags.StringVar(&faults, "faults", "", "`file` with an array of fault rules in JSON")
	flags.DurationVar(&o.Latency, "latency", 0, "`delay` of every request, such as 50ms")
	flags.DurationVar(&o.Platform.BuildTime, "build-time", 3*time.Second, "`time` that the RIME platform's builds take")
	flags.IntVar(&o.Platform.Preload.Images, "images", 0, "`number` of images that the RIME platform has from the beginning")
	flags.Uint64Var(&o.Platform.Preload.Seed, "seed", 1, "`seed` of what is in these images, and of what AWS does by chance")
	flags.StringVar(&o.Platform.FailPackage, "fail-package", "", "`name` of a package that the RIME platform's builds do not find")
	flags.StringVar(&o.AWSListen, "aws-listen", "127.0.0.1:0", "loopback `address` of the AWS account and its registry; port 0 takes a free one")
	flags.StringVar(&o.AWS.Region, "aws-region", aws.DefaultRegion, "`region` of the AWS account, which decides the partition")
	flags.StringVar(&o.AWS.Account, "aws-account", aws.DefaultAccount, "`number` of the AWS account")
	flags.DurationVar(&o.AWS.Lag.Max, "aws-lag", 0, "longest `time` after which reads of AWS see what was written, such as 30s")
	flags.BoolVar(&o.AWS.Lag.Flapping, "aws-flapping", false, "let reads of AWS see it and not see it in turns until then")
	flags.DurationVar(&o.AWS.TokenLife, "aws-token-life", 12*time.Hour, "`life` of ECR's authorization tokens")
	flags.Float64Var(&o.AWS.Quotas, "aws-quotas", 0, "throttle AWS at its published rates times this `factor`; 0 throttles nothing")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.AWS.Seed = o.Platform.Preload.Seed
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if faults == "" {
		return o, nil
	}
	f, err := os.Open(faults)
	if err != nil {
		return o, err
	}
	defer func() { _ = f.Close() }()
	o.Faults, err = fault.Parse(f)
	return o, err
}
