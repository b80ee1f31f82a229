package buildkit

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/util/grpcerrors"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/grpc/codes"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// product is how BuildKit knows this program.
const product = "terraform-provider-rime"

// builderID names the builder in the provenance.
const builderID = "https://github.com/managed-images/" + product

// solve runs the whole build once: install, read back, export, push.
func (b *Builder) solve(ctx context.Context, c *client.Client, req Request) (Result, error) {
	secrets, err := b.options.readSecrets()
	if err != nil {
		return Result{}, &Error{
			Failure: imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Step: stepPip, Message: err.Error()},
			Err:     err,
		}
	}
	if req.Fresh {
		secrets.files[secretFresh] = []byte(rand.Text())
	}
	redactor := newRedactor(secrets.hidings...)
	log := newBuildLog(redactor, req.Observe)
	cacheImports, cacheExports := b.options.cacheEntries(req.Target)
	front := &frontend{options: b.options, request: req, secrets: secrets, cacheImports: cacheImports}

	updates := make(chan *client.SolveStatus)
	var following sync.WaitGroup
	following.Go(func() { log.follow(updates) })
	response, err := c.Build(ctx, b.solveOptions(req, secrets, redactor, cacheExports), product, front.build, updates)
	following.Wait()

	switch {
	case err == nil:
	case !front.begun && ctx.Err() == nil && grpcerrors.Code(err) == codes.Unavailable: // the daemon has gone since the last build
		return Result{}, (&ConnectError{Attempts: []ConnectAttempt{{b.address, err}}}).explained()
	default:
		return Result{}, explain(ctx, front.failure(err), front.returned, log, req)
	}
	result := front.result
	result.Digest = response.ExporterResponse[exptypes.ExporterImageDigestKey]
	result.Size = pulledSize(ctx, c, response.ExporterResponse[exptypes.ExporterImageDescriptorKey])
	return result, nil
}

// solveOptions are everything of the build that is not LLB: where its result goes and what it may ask for. What it imports is not here, as BuildKit
// leaves that to the frontend, which is ours.
func (b *Builder) solveOptions(req Request, secrets *secretSet, redactor *redactor, cacheExports []client.CacheOptionsEntry) client.SolveOpt {
	return client.SolveOpt{
		Exports:      []client.ExportEntry{{Type: client.ExporterImage, Attrs: b.exportAttributes(req.Target)}},
		CacheExports: cacheExports,
		// Provenance of mode "max" would hold the whole LLB; nobody who has the image is to read that much about the builder.
		FrontendAttrs: map[string]string{"attest:provenance": "mode=min,builder-id=" + builderID + "@" + orUnknown(b.options.Version)},
		Session: []session.Attachable{
			&authProvider{keychain: b.options.Keychain, redactor: redactor},
			secretsprovider.FromMap(secrets.files),
		},
	}
}

func (b *Builder) exportAttributes(target string) map[string]string {
	attributes := map[string]string{
		string(exptypes.OptKeyName):     target,
		string(exptypes.OptKeyPush):     "true",
		string(exptypes.OptKeyOCITypes): "true",
	}
	if b.options.Compression != "" {
		attributes[string(exptypes.OptKeyLayerCompression)] = b.options.Compression
	}
	if b.options.insecure(target) {
		attributes[string(exptypes.OptKeyInsecure)] = "true"
	}
	return attributes
}

// decodeDescriptor reads the descriptor of what was pushed from an exporter's answer.
func decodeDescriptor(encoded string) (ocispecs.Descriptor, error) {
	if encoded == "" {
		return ocispecs.Descriptor{}, errors.New("the exporter gave no descriptor")
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return ocispecs.Descriptor{}, fmt.Errorf("the exporter's descriptor is no base64: %w", err)
	}
	var d ocispecs.Descriptor
	if err := json.Unmarshal(raw, &d); err != nil {
		return ocispecs.Descriptor{}, fmt.Errorf("the exporter's descriptor is no JSON: %w", err)
	}
	return d, nil
}
