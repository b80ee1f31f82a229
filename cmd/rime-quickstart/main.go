// Command rime-quickstart does the main job once, for real, on this machine: it builds the provider, gets a BuildKit daemon, a
// registry and a base image, has Terraform plan, build and publish the images of examples/quickstart, deletes a tag behind Terraform's
// back, shows the drift and its repair, and destroys everything. Then it does the same job on stand-ins of a PrimeHub platform and of an AWS account, with
// examples/platforms. It stops what it started.
//
// Everything it writes is below .cache; Terraform's own output is in .cache/quickstart/*.log. It fails if it leaves a temporary file
// or a process behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/workbench"
)

func main() {
	directory := flag.String("dir", ".cache/quickstart", "`directory` to work in; it is emptied first")
	flag.Parse()
	ctx, cancel := context.WithCancel(context.Background())
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		fmt.Fprint(os.Stderr, " interrupted: stopping ")
		cancel()
	}()
	err := quickstart(ctx, os.Stdout, *directory)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "\nInterrupted. Everything that was started has been stopped.")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "\n"+err.Error())
		os.Exit(1)
	}
}

// quickstart prepares the parts, tells the story, and stops the parts again.
func quickstart(ctx context.Context, out io.Writer, directory string) (err error) {
	if _, err := os.Stat("examples/quickstart/main.tf"); err != nil {
		return errors.New("run this from the top of the repository: make quickstart")
	}
	temporary, err := workbench.UseTemporary()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temporary.Close()) }()
	r := &reporter{out: out}
	p := &parts{reporter: r, directory: directory, workbench: workbench.Options{Progress: r.note}}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.prepare(ctx); err != nil {
		return err
	}
	s, err := tell(ctx, r, p)
	if err != nil {
		return err
	}
	s.print(out, directory)
	return nil
}

// parts are what the story needs.
type parts struct {
	reporter  *reporter
	directory string
	workbench workbench.Options
	terraform *terraform
	daemon    *workbench.Daemon
	registry  *oci.Server
	packages  packages
	platforms platforms
}

func (p *parts) prepare(ctx context.Context) error {
	working, err := filepath.Abs(p.directory)
	if err != nil {
		return err
	}
	if err := p.reporter.stage("Find Terraform", func() error {
		p.terraform, err = newTerraform(ctx, working)
		return err
	}); err != nil {
		return err
	}
	if err := p.reporter.stage("Build the provider", func() error { return p.terraform.installProvider(ctx) }); err != nil {
		return err
	}
	if err := p.reporter.stage("Start BuildKit", func() error {
		p.daemon, err = workbench.BuildKit(ctx, p.workbench)
		return err
	}); err != nil {
		return err
	}
	if err := p.reporter.stage("Start an OCI registry", func() error {
		p.registry, err = oci.Start(oci.Options{DataDir: p.images()})
		return err
	}); err != nil {
		return err
	}
	var base string
	if err := p.reporter.stage("Get a base image with Python 3.11", func() error {
		base, err = workbench.BaseImage(ctx, p.registry.Host, p.workbench)
		return err
	}); err != nil {
		return err
	}
	if err := p.reporter.stage("Find a Python package index", func() error { return p.packages.find(ctx, p.reporter) }); err != nil {
		return err
	}
	if err := p.reporter.stage("Start stand-ins of PrimeHub and AWS", func() error { return p.platforms.start(p.terraform) }); err != nil {
		return err
	}
	return p.terraform.configure(variables{
		Registry: p.registry.Host, BuildkitAddress: p.daemon.Address, BaseImage: base,
		PackageIndex: p.packages.url, Images: p.packages.images, CAFile: os.Getenv("SSL_CERT_FILE"),
	})
}

// images is where the registry keeps the images: not in the system's directory for temporary files, which may be in memory.
func (p *parts) images() string { return filepath.Join(p.directory, "registry") }

// stop stops what was started, last first.
func (p *parts) stop() error {
	p.packages.stop()
	errs := []error{p.platforms.stop()}
	if p.registry != nil {
		errs = append(errs, p.registry.Close(), os.RemoveAll(p.images()))
	}
	if p.daemon != nil {
		errs = append(errs, p.daemon.Stop())
	}
	return errors.Join(errs...)
}
