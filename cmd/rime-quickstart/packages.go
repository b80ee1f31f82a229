package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// packages says where builds get Python packages from, and which.
type packages struct {
	// url is empty for the public index, images is nil for those of the example.
	url    string
	images map[string]image
	server *http.Server
}

// image has the form of the example's variable.
type image struct {
	Pip []string `json:"pip"`
}

const publicIndex = "https://pypi.org/simple/"

// find takes the index of PIP_INDEX_URL or the public one if it answers within a few seconds, and a local one with tiny packages otherwise.
func (p *packages) find(ctx context.Context, r *reporter) error {
	configured := os.Getenv("PIP_INDEX_URL")
	if err := indexAnswers(ctx, cmp.Or(configured, publicIndex)); err == nil {
		p.url = configured
		return nil
	} else if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.note("none answers: tiny local packages")
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a local bind does not block
	if err != nil {
		return err
	}
	p.server = &http.Server{Handler: pypi.New(sandbox.Packages()...), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // it ends with ErrServerClosed, by stop
	p.url = "http://" + listener.Addr().String() + "/simple/"
	p.images = map[string]image{
		"sandbox-serving": {Pip: []string{"sandbox-learn>=1", "sandbox-frames"}},
		"sandbox-train":   {Pip: []string{"sandbox-arrays~=1.0"}},
	}
	return nil
}

func indexAnswers(ctx context.Context, index string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, index+"pip/", nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", index, response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

func (p *packages) stop() {
	if p.server != nil {
		_ = p.server.Close() // nothing can be done about it, and the process ends
	}
}
