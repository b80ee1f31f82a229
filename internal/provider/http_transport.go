package provider

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// newTransport makes the transport that the attribute `http` describes. Bounding and repeating requests is left to the clients, which
// know which requests may be repeated.
func newTransport(config *httpModel) (http.RoundTripper, error) {
	tlsConfig := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: config.InsecureSkipVerify.ValueBool(), // What the user asked for; documented as for experiments only.
	}
	if file := config.CAFile.ValueString(); file != "" {
		roots, err := trustAlso(file)
		if err != nil {
			return nil, fmt.Errorf("http.ca_file: %w", err)
		}
		tlsConfig.RootCAs = roots
	}
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16, // Terraform reads ten resources at a time.
		ForceAttemptHTTP2:     true,
	}, nil
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
