package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// settleTimeout bounds what is still sent after an interrupt or a time-out, each time.
const settleTimeout = 30 * time.Second

// wanted is an image that was asked for, with its build.
type wanted struct {
	image imageregistry.Image
	build imageregistry.Build
	// ours tells that this apply started the build, and so may stop it.
	ours bool
}

// obtain gets hold of an image that the state does not know yet: a new one, or one that may be taken over.
func obtain(ctx context.Context, registry imageregistry.Registry, spec imageregistry.Spec, mayAdopt func(imageregistry.Image) bool) (wanted, error) {
	w, err := tryObtain(ctx, registry, spec, mayAdopt)
	if errors.Is(err, imageregistry.ErrAlreadyExists) && mayAdopt(imageregistry.Image{Name: spec.Name}) {
		// Somebody was faster, so that now there is something to adopt.
		w, err = tryObtain(ctx, registry, spec, mayAdopt)
	}
	return w, err
}

func tryObtain(ctx context.Context, registry imageregistry.Registry, spec imageregistry.Spec, mayAdopt func(imageregistry.Image) bool) (wanted, error) {
	image, err := registry.Get(ctx, spec.Name)
	switch {
	case errors.Is(err, imageregistry.ErrNotFound):
		return create(ctx, registry, spec)
	case err != nil:
		return wanted{}, err
	case image.Unclaimed:
		return started(registry.Create(ctx, spec))
	case !mayAdopt(image) && image.Status == imageregistry.StatusBuildingFirstTime:
		// Its builder may have died and not been missed yet; the registry finds out.
		return started(registry.Create(ctx, spec))
	case !mayAdopt(image):
		return wanted{}, imageregistry.ErrAlreadyExists
	}
	if spec.PythonVersion == "" {
		spec.PythonVersion = image.PythonVersion
	}
	if changes := inputChanges(image.Spec(), spec); len(changes) > 0 {
		return wanted{}, &diags.OtherInputsError{Differences: changes}
	}
	if image.Status.Broken() {
		return repair(ctx, registry, spec)
	}
	if spec.Lock.Base.Digest != "" && image.Pylock != spec.Lock.Pylock {
		// It came after the plan, which promised other versions.
		return update(ctx, registry, spec)
	}
	return wanted{image: image, build: imageregistry.Build{ID: image.BuildID}}, nil
}

// started is what a registry returned for a build that it was asked to start.
func started(image imageregistry.Image, build imageregistry.Build, err error) (wanted, error) {
	return wanted{image: image, build: build, ours: true}, err
}

// create creates an image that was confirmed not to be there. When the answer was lost on its way, looking again tells: an image that is there
// now and asks for the same is the one that was just created.
func create(ctx context.Context, registry imageregistry.Registry, spec imageregistry.Spec) (wanted, error) {
	created, err := started(registry.Create(ctx, spec))
	if err == nil || !mayPass(err) {
		return created, err
	}
	found, lookErr := registry.Get(ctx, spec.Name)
	switch {
	case lookErr != nil:
		return wanted{}, err
	case found.Unclaimed:
		return started(registry.Create(ctx, spec))
	case spec.PythonVersion == "":
		spec.PythonVersion = found.PythonVersion
	}
	if !imageregistry.SameInputs(found.Spec(), spec) {
		return wanted{}, err
	}
	return wanted{image: found, build: imageregistry.Build{ID: found.BuildID}, ours: true}, nil
}

// mayPass tells errors that say of themselves that they may pass; they leave open whether the server did what it was asked.
func mayPass(err error) bool {
	type transient interface {
		error
		Transient() bool
	}
	found, ok := errors.AsType[transient](err)
	return ok && found.Transient()
}

// repair makes an image whole that has the right inputs. A registry that can take inputs takes these again, and so publishes from its
// cache what it can; another one builds everything anew, or has to create the image again.
func repair(ctx context.Context, registry imageregistry.Registry, spec imageregistry.Spec) (wanted, error) {
	if _, ok := registry.(imageregistry.Updater); ok {
		return update(ctx, registry, spec)
	}
	if _, ok := registry.(imageregistry.Rebuilder); ok {
		return rebuild(ctx, registry, spec)
	}
	return recreate(ctx, registry, spec)
}

// recreate deletes an image that cannot be used and creates it again, for a registry that can do nothing else. A failed image keeps its name until it is deleted, and
// with create_before_destroy nobody else would do that in time.
func recreate(ctx context.Context, registry imageregistry.Registry, spec imageregistry.Spec) (wanted, error) {
	if err := registry.Delete(ctx, spec.Name); err != nil && !errors.Is(err, imageregistry.ErrNotFound) {
		return wanted{}, err
	}
	return create(ctx, registry, spec)
}

// rebuild builds an image anew from the inputs it has, from a fresh base and fresh packages.
func rebuild(ctx context.Context, registry imageregistry.Registry, spec imageregistry.Spec) (wanted, error) {
	if rebuilder, ok := registry.(imageregistry.Rebuilder); ok {
		return started(rebuilder.Rebuild(ctx, spec.Name, spec.Lock))
	}
	return update(ctx, registry, spec)
}

// update builds an image anew from these inputs.
func update(ctx context.Context, registry imageregistry.Registry, spec imageregistry.Spec) (wanted, error) {
	if updater, ok := registry.(imageregistry.Updater); ok {
		return started(updater.Update(ctx, spec))
	}
	return wanted{}, diags.ErrCannotChange
}

// finish waits for the build and then brings the model up to date, however the wait ended: with what the wait saw last where it ended well, and with a fresh
// look otherwise. When the wait is cut short, it stops the build first.
func (m *managedImageModel) finish(ctx context.Context, registry imageregistry.Registry, op diags.Operation, w wanted) diag.Diagnostics {
	var d diag.Diagnostics
	name := m.Name.ValueString()
	image, build, err := await(ctx, registry, name, w)
	if !w.ours && abandoned(err) {
		// The process that was to do this is dead, so it is for this one to do.
		spec, _ := m.spec()
		if w, err = repair(ctx, registry, spec); err == nil {
			image, build, err = await(ctx, registry, name, w)
		}
	}
	if err != nil {
		d.Append(settle(ctx, registry, op, name, w, build.Hint, err)...)
	}
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	unseen := m.lookAgain(look, registry, image, build, err)
	if len(d) == 0 { // That the image could not be looked at is no fault of it, and the state has what is known.
		d.Append(diags.Warnings(unseen)...)
	}
	return d
}

// lookAgain brings the model up to date after a wait that ended with that error: what a wait without one saw is fresh enough.
func (m *managedImageModel) lookAgain(
	ctx context.Context, registry imageregistry.Registry, image imageregistry.Image, build imageregistry.Build, waitErr error,
) (d diag.Diagnostics) {
	switch {
	case waitErr != nil:
		var err error
		if image, err = registry.Get(ctx, m.Name.ValueString()); err != nil {
			return diag.Diagnostics{diags.FromError(diags.ReadImage, m.Name.ValueString(), err)}
		}
	case build.Status.Ended():
		m.Build = newBuildObject(ctx, build, &d)
	}
	d.Append(m.setImage(ctx, registry, image)...)
	return d
}

// await waits, and returns the image and the build as they were seen last. A build that goes on while nobody can be asked about it is waited for as long as time allows,
// if the trouble may pass.
func await(ctx context.Context, registry imageregistry.Registry, name string, w wanted) (imageregistry.Image, imageregistry.Build, error) {
	for {
		image, build, err := imageregistry.Await(ctx, registry, name, w.build.ID, imageregistry.AwaitOptions{Observe: progress(ctx)})
		if !mayPass(err) || ctx.Err() != nil || !goesOn(registry, w.build.ID) {
			return image, build, err
		}
		tflog.Info(ctx, "managed image cannot be looked at: waiting on", map[string]any{"image": name, "error": err.Error()})
	}
}

// abandoned tells whether a wait ended because the process that ran the build died.
func abandoned(err error) bool {
	failed, ok := errors.AsType[*imageregistry.BuildFailedError](err)
	return ok && failed.Build.Failure != nil && failed.Build.Failure.Class == imageregistry.FailureAbandoned
}

// settle describes a wait that ended with an error. A build of ours that nobody waits for any more is stopped, unless it ended just in time. One that goes on is
// left to the next apply. That is an error, except in a create: there, Terraform would take the image for half-made and destroy it, and the build with it.
func settle(ctx context.Context, registry imageregistry.Registry, op diags.Operation, name string, w wanted, hint string, err error) diag.Diagnostics {
	_, failed := errors.AsType[*imageregistry.BuildFailedError](err)
	failed = failed || errors.Is(err, imageregistry.ErrNotFound)
	switch {
	case !failed && ctx.Err() == nil && op == diags.CreateImage && goesOn(registry, w.build.ID):
		return diag.Diagnostics{diags.BuildNotWatched(name, w.build.ID, err)}
	case failed || ctx.Err() == nil:
		return diag.Diagnostics{diags.FromError(op, name, err)}
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	cancelErr := diags.ErrNotOurs
	if w.ours {
		cancelErr = registry.CancelBuild(stop, w.build.ID)
		if cancelErr != nil && !errors.Is(cancelErr, imageregistry.ErrCannotCancel) && goesOn(registry, w.build.ID) {
			cancelErr = fmt.Errorf("%w: %w", imageregistry.ErrCannotCancel, cancelErr)
		}
	}
	if cancelErr == nil {
		if build, buildErr := registry.Build(stop, w.build.ID); buildErr == nil && build.Status == imageregistry.BuildSucceeded {
			return nil
		}
	}
	return diag.Diagnostics{diags.Unfinished{
		Name: name, BuildID: w.build.ID, Cause: context.Cause(ctx), Wait: err, Cancel: cancelErr, Hint: hint, Creating: op == diags.CreateImage,
	}.Diagnostic()}
}

// goesOn tells a build that does not depend on this process: one that runs in it, the registry would notice the end of.
func goesOn(registry imageregistry.Registry, buildID string) bool {
	notifier, ok := registry.(imageregistry.Notifier)
	return !ok || notifier.BuildEnded(buildID) == nil
}

// progress logs each change of the image and its build, with the time since the wait began.
func progress(ctx context.Context) func(imageregistry.Image, imageregistry.Build) {
	began := time.Now()
	return func(image imageregistry.Image, build imageregistry.Build) {
		tflog.Info(ctx, "waiting for managed image", map[string]any{
			"image":        image.Name,
			"image_status": string(image.Status),
			"build":        build.ID,
			"build_status": string(build.Status),
			"elapsed":      time.Since(began).Round(time.Second).String(),
		})
	}
}
