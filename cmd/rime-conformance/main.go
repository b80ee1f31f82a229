// Command rime-conformance drives the stand-ins of a RIME and of a PrimeHub platform with the clients that Robust Intelligence and InfuseAI
// publish, so that it is they who say whether the stand-ins are faithful. It installs them from PyPI, each into a virtual environment of its own. On either platform, the
// real Terraform makes images with the provider of this tree, which each client compares field by field with what it reads, and imports an image that the client made.
//
// Of AWS it takes moto, a simulation that others have written: what the provider and its tests ask of AWS is asked of moto and of our stand-in, whose answers must mean the same
// but for the known [differences]; and Terraform makes, changes, repairs, imports and destroys image registries on moto with the provider.
//
// uv and pip are the referees of our resolver: they resolve the sets of requirements that resolver_sets.go makes, and pip installs what ours finds for some of them.
//
// Without arguments it takes the clients of [defaultClients]; arguments are requirements like "rime-sdk==2.6.8". It exits with 1
// when a client disagrees with the stand-in or the provider, and with 3 when PyPI cannot be reached, which says nothing of either.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// defaultClients are, of RIME, the newest of both, the one that internal/rime/CONTRACT.md was read from, one of each other generation of the API, and one
// that looks for jobs where they were in the betas of 2.0; of PrimeHub, the newest, and the oldest that can do as much; the
// moto that the differences from it are known of; and the newest uv, with the newest pip.
var defaultClients = []string{
	"robustintelligence", "robustintelligence==2.10.16", "rime-sdk", "rime-sdk==2.6.8", "rime-sdk==2.0.1", "rime-sdk==2.0.0b18",
	"primehub-python-sdk", "primehub-python-sdk==0.4.0", "moto==5.2.5", "uv",
}

// exitUnavailable is the exit status when PyPI could not be reached.
const exitUnavailable = 3

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if slices.Equal(os.Args[1:], []string{resolveOne}) {
		if err := serveResolution(ctx, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			stop()
			os.Exit(1)
		}
		return
	}
	err := run(ctx, os.Args[1:], log.New(os.Stdout, "", 0))
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "rime-conformance:", err)
	stop()
	if errors.Is(err, errUnavailable) {
		os.Exit(exitUnavailable)
	}
	os.Exit(1)
}

// run runs all clients, whatever becomes of any of them.
func run(ctx context.Context, args []string, out *log.Logger) error {
	flags := flag.NewFlagSet("rime-conformance", flag.ContinueOnError)
	python := flags.String("python", "python3", "`interpreter` that makes the virtual environments")
	provider := flags.String("provider", "", "`binary` of the provider, called terraform-provider-rime (default: it is built)")
	resolver := resolverFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	clients := flags.Args()
	if len(clients) == 0 {
		clients = defaultClients
	}
	dir, err := os.MkdirTemp("", "rime-conformance-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c := &conformance{python: *python, dir: dir, resolver: *resolver, out: out}
	if slices.ContainsFunc(clients, needsTerraform) {
		if c.terraform, err = newTerraform(ctx, dir, *provider); err != nil {
			return err
		}
	}
	var disagree, unavailable []string
	for i, client := range clients {
		err := c.check(ctx, client)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, errUnavailable) {
			out.Println(err)
			unavailable = clients[i:] // the others cannot be had either
			break
		}
		if err != nil {
			disagree = append(disagree, client)
			out.Printf("%s: %v", client, err)
		}
	}
	return verdict(out, clients, disagree, unavailable)
}

// resolverFlags are the flags that say how our resolver is compared with uv and pip.
func resolverFlags(flags *flag.FlagSet) *resolverOptions {
	o := &resolverOptions{}
	o.program, _ = os.Executable() // without it, what is run says so
	flags.IntVar(&o.sets, "sets", requirementSets, "with uv: how `many` sets of requirements to resolve")
	flags.Func("only", "with uv: the `number` of a set to resolve alone; more than one with commas", func(text string) error {
		for word := range strings.SplitSeq(text, ",") {
			number, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			o.only = append(o.only, number)
		}
		return nil
	})
	flags.StringVar(&o.index, "index", cmp.Or(os.Getenv("PIP_INDEX_URL"), pythonindex.PyPI), "with uv: the `address` of the package index")
	flags.Func("before", "with uv: the `time` (RFC 3339) from which on files are left out (default: a week ago)", func(text string) (err error) {
		o.before, err = time.Parse(time.RFC3339, text)
		return err
	})
	flags.StringVar(&o.results, "results", "", "with uv: a `file` to remember results in; what is in it already is not resolved again")
	return o
}

// needsTerraform tells a client that looks at what the provider makes.
func needsTerraform(client string) bool { return distribution.FindString(client) != "uv" }

// verdict says in the end what was checked and what was not.
func verdict(out *log.Logger, clients, disagree, unavailable []string) error {
	agree := slices.DeleteFunc(slices.Clone(clients), func(c string) bool { return slices.Contains(disagree, c) || slices.Contains(unavailable, c) })
	out.Printf("agree: %s", list(agree))
	switch {
	case len(disagree) > 0:
		return fmt.Errorf("did not pass: %s", list(disagree))
	case len(unavailable) > 0:
		return fmt.Errorf("%w, so nothing was checked with: %s", errUnavailable, list(unavailable))
	}
	return nil
}

func list(clients []string) string {
	if len(clients) == 0 {
		return "none"
	}
	return strings.Join(clients, ", ")
}
