package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// newTransport makes the transport that the attribute `http` describes. Repeating requests is left to the client, which knows
// which of them may be.
func newTransport(config *httpModel) (http.RoundTripper, error) {
	timeout, err := time.ParseDuration(config.RequestTimeout.ValueString())
	if err != nil {
		return nil, fmt.Errorf("http.request_timeout: %w", err)
	}
	tlsConfig := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: config.InsecureSkipVerify.ValueBool(), // What the user asked for; documented as for experiments only.
	}
	if file := config.CAFile.ValueString(); file != "" {
		if tlsConfig.RootCAs, err = trustAlso(file); err != nil {
			return nil, fmt.Errorf("http.ca_file: %w", err)
		}
	}
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &timedTransport{timeout: timeout, next: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16, // Terraform reads ten resources at a time.
		ForceAttemptHTTP2:     true,
	}}, nil
}

// trustAlso is the system's certificate authorities and those of the file.
func trustAlso(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", file)
	}
	return pool, nil
}

// timedTransport bounds the time of each request, until its answer has been read.
type timedTransport struct {
	next    http.RoundTripper
	timeout time.Duration
}

// RoundTrip implements http.RoundTripper.
func (t *timedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	tooLong := &diags.TimeoutError{Setting: "http.request_timeout", After: t.timeout}
	ctx, cancel := context.WithTimeoutCause(req.Context(), t.timeout, tooLong)
	// A bare end of a context would look like the end of the caller's patience, after which nothing is tried again.
	explain := func(err error) error {
		if errors.Is(context.Cause(ctx), tooLong) {
			return tooLong
		}
		return err
	}
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		defer cancel()
		return nil, explain(err)
	}
	resp.Body = &timedBody{ReadCloser: resp.Body, explain: explain, cancel: cancel}
	return resp, nil
}

// timedBody ends the timer of its request when it is closed.
type timedBody struct {
	io.ReadCloser
	explain func(error) error
	cancel  context.CancelFunc
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.explain(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
