package awsregistry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// run is a run of Terraform in a directory of a machine.
func (w *world) run(t *testing.T, machine, directory string) (*awsregistry.Client, awsregistry.RegistrySpec) {
	t.Helper()
	config := w.config()
	config.Options.Lifelines, config.Options.Workspace = machine, directory
	client, spec := newClient(t, config), newSpec()
	spec.Owner, spec.Template = client.NewOwner(), &awsregistry.TemplateSpec{}
	return client, spec
}

// A create that was killed before any of its calls, and before anybody saved its state, is continued by the next one in the same directory.
func TestOwner_killed(t *testing.T) {
	t.Parallel()
	n, finished := int64(0), false
	for ; !finished && n < 100; n++ {
		synctest.Test(t, func(t *testing.T) {
			w, machine := newWorld(t, aws.Options{}), t.TempDir()
			finished = w.kill(t, machine, n)
			// The second one fails half-way, after it has taken over from the first.
			w.kill(t, machine, 2*n/3)
			third, spec := w.run(t, machine, "here")
			mustApply(t, t.Context(), third, spec)
			third.Settle()
			if err := third.DeleteRegistry(t.Context(), spec); err != nil {
				t.Error(err)
			}
			if left := w.left(t); len(left) > 0 {
				t.Errorf("left after change %d: %v", n, left)
			}
		})
	}
	if !finished || n < 6 {
		t.Errorf("a create makes %d changes", n)
	}
}

// kill creates a registry and kills the run after its n-th change. It tells whether it came to its end before.
func (w *world) kill(t *testing.T, machine string, n int64) (finished bool) {
	t.Helper()
	client, spec := w.run(t, machine, "here")
	killed := w.interrupt(t.Context(), n, func(ctx context.Context) {
		if _, err := client.CreateRegistry(ctx, spec); err != nil && !errors.Is(err, errInterrupted) {
			t.Errorf("the run killed after change %d: %v", n, err)
		}
	})
	client.Die(spec.Owner)
	return !killed
}

// What a run left that died stays what it is for a run in another directory or on another machine, and for any run once a state has it.
func TestOwner_somebodyElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		elsewhere, otherDirectory bool
		then                      func(first *awsregistry.Client, owner string)
	}{
		"another directory": {otherDirectory: true},
		"another machine":   {elsewhere: true},
		"in a state":        {then: func(first *awsregistry.Client, owner string) { first.Claim(awsregistry.RegistrySpec{Owner: owner}) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, machine, directory := newWorld(t, aws.Options{}), t.TempDir(), "here"
				first, spec := w.run(t, machine, directory)
				mustApply(t, t.Context(), first, spec)
				first.Die(spec.Owner)
				if test.then != nil {
					test.then(first, spec.Owner)
				}
				if test.elsewhere {
					machine = t.TempDir()
				}
				if test.otherDirectory {
					directory = "there"
				}
				w.refuses(t, machine, directory)
				registry, err := first.ReadRegistry(t.Context(), spec)
				if err != nil {
					t.Fatal(err)
				}
				mustMatch(t, first, spec, registry)
			})
		})
	}
}

// refuses wants a run to leave what there is alone, in its create and in its delete.
func (w *world) refuses(t *testing.T, machine, directory string) {
	t.Helper()
	client, spec := w.run(t, machine, directory)
	_, err := client.CreateRegistry(t.Context(), spec)
	if _, foreign := errors.AsType[*awsregistry.ForeignError](err); !foreign {
		t.Errorf("create: %v", err)
	}
	if err := client.DeleteRegistry(t.Context(), spec); !isForeign(err) {
		t.Errorf("delete: %v", err)
	}
	client.Settle()
}

// A run that lives is not taken over from, nor is one that has ended in good order; one that was interrupted is.
func TestOwner_settled(t *testing.T) {
	t.Parallel()
	for name, interrupted := range map[string]bool{"settled": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, machine := newWorld(t, aws.Options{}), t.TempDir()
				first, spec := w.run(t, machine, "here")
				mustApply(t, t.Context(), first, spec)
				w.refuses(t, machine, "here") // it lives
				if interrupted {
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					if _, err := first.UpdateRegistry(ctx, spec, spec); err == nil {
						t.Fatal("an update that was interrupted has ended")
					}
				}
				first.Settle()
				first.Die(spec.Owner)
				if !interrupted {
					w.refuses(t, machine, "here")
					return
				}
				second, again := w.run(t, machine, "here")
				mustApply(t, t.Context(), second, again)
			})
		})
	}
}

// A run that takes over and fails leaves it to the next one, though it ends in good order.
func TestOwner_failedHeir(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, machine := newWorld(t, aws.Options{}), t.TempDir()
		first, spec := w.run(t, machine, "here")
		mustApply(t, t.Context(), first, spec)
		first.Die(spec.Owner)
		if err := w.gate.SetFaults(aws.Failure("iam:TagRole", "AccessDenied", "no")); err != nil {
			t.Fatal(err)
		}
		second, again := w.run(t, machine, "here")
		if _, err := second.CreateRegistry(t.Context(), again); !errors.Is(err, awsregistry.ErrDenied) {
			t.Fatalf("%v", err)
		}
		second.Settle()
		if err := w.gate.SetFaults(); err != nil {
			t.Fatal(err)
		}
		third, last := w.run(t, machine, "here")
		last.Tags = map[string]string{"team": "other"}
		if _, err := third.CreateRegistry(t.Context(), last); err == nil {
			t.Fatal("what the second made is taken over, though Terraform may have saved its state")
		}
		if err := second.DeleteRegistry(t.Context(), again); err != nil { // As the next apply does, which knows the second.
			t.Fatal(err)
		}
		mustApply(t, t.Context(), third, last)
	})
}
