// Command rime-sandbox runs the APIs of a RIME platform and of a PrimeHub platform, an AWS account (STS, IAM, ECR), an OCI registry and a Python package
// index on loopback ports, to try the provider and the modules that use it without any account. When it is ready it prints one line of JSON that tells where
// everything is, then runs until interrupted.
//
// The platforms simulate their builds, and say so in their logs; AWS keeps what it is told in memory, and verifies no signature. What is pushed to the registries
// and served by the index is real, and so are the builds made with them. A control endpoint tells which requests were made and makes chosen ones go wrong; see
// package internal/sandbox/fault for the rules, and package internal/sandbox/primehub for the names that GraphQL operations have in them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
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
const usage = `rime-sandbox runs stand-ins on loopback ports until it is interrupted: the API of a RIME platform, the API of a PrimeHub platform,
an AWS account (STS, IAM, ECR and its registry), an OCI registry and a Python package index.

When it is ready, it prints one line of JSON: rime_endpoint, rime_api_key, rime_api_keys, primehub_endpoint, primehub_api_token, primehub_api_tokens,
aws_endpoint, oci_registry, package_index, control, and env. rime_api_keys and primehub_api_tokens are keys for each role: a key that may not delete,
one that may only read, one that has expired.

env holds the variables that a provider without a configuration picks up. This sets them in your shell:

  rime-sandbox >sandbox.json & sleep 1
  export $(jq -r '.env | to_entries[] | "\(.key)=\(.value)"' sandbox.json)

With all of them set, managed images are on the RIME platform: an endpoint has precedence over an embedded registry. For images in the OCI registry,
unset RIME_ENDPOINT, or write embedded_registry = {} in the provider block: what is configured has precedence over the environment. For images in ECR,
unset RIME_EMBEDDED_REGISTRY_URL as well.

The builds of the platforms are simulated, and their logs say so. What is pushed to the registries is real. AWS verifies no signature.

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
	flags.DurationVar(&o.Platform.BuildTime, "build-time", 3*time.Second, "`time` that the builds of RIME and of PrimeHub take")
	flags.IntVar(&o.Platform.Preload.Images, "images", 0, "`number` of images that RIME and PrimeHub have from the beginning, each")
	flags.Func("rime-image", "an `image` that RIME has from the beginning: name, Python version and pip requirements, such as 'churn 3.9 xgboost pandas>=1.5,<2'; may be repeated",
		func(text string) error { return addImage(&o, text) })
	flags.Uint64Var(&o.Platform.Preload.Seed, "seed", 1, "`seed` of what is in these images, and of what AWS does by chance")
	flags.StringVar(&o.Platform.FailPackage, "fail-package", "", "`name` of a package that the builds of RIME and of PrimeHub do not find")
	community := flags.Bool("primehub-community", false, "be the community edition of PrimeHub, whose errors have other codes than those of the enterprise edition")
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
	o.PrimeHub.BuildTime, o.PrimeHub.FailPackage = o.Platform.BuildTime, o.Platform.FailPackage
	o.PrimeHub.Preload = primehub.Preload{Images: o.Platform.Preload.Images, Seed: o.Platform.Preload.Seed}
	if *community {
		o.PrimeHub.Edition = primehub.Community
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

// specifier begins the version specifier of a requirement.
const specifier = "<>=!~"

// addImage reads an image such as "churn 3.9 xgboost pandas>=1.5,<2".
func addImage(o *sandbox.Options, text string) error {
	words := strings.Fields(text)
	if len(words) < 2 {
		return errors.New("write the name, the Python version and the pip requirements with blanks between them")
	}
	inputs := rime.Inputs{PythonVersion: words[1]}
	for _, word := range words[2:] {
		name := word
		if i := strings.IndexAny(word, specifier); i >= 0 {
			name = word[:i]
		}
		inputs.PipRequirements = append(inputs.PipRequirements, rime.Require{Name: name, VersionSpecifier: strings.TrimPrefix(word, name)})
	}
	if o.RIMEImages == nil {
		o.RIMEImages = map[string]rime.Inputs{}
	}
	o.RIMEImages[words[0]] = inputs
	return nil
}
