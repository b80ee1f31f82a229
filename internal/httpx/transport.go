package httpx

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Trust says whose certificates are accepted.
type Trust struct {
	// CAFile is a PEM file with certificate authorities to trust in addition to the system's. Empty adds none.
	CAFile string
	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool
}

// NewTransport makes the innermost link: connections, TLS from version 1.2 on, proxies from the environment. It bounds how long a connection may
// take to come about; bounding and repeating requests is left to the other links. An error is about the CA file.
func NewTransport(trust Trust) (*http.Transport, error) {
	tlsConfig := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: trust.InsecureSkipVerify, // What the user asked for; documented as for experiments only.
	}
	if trust.CAFile != "" {
		roots, err := trustAlso(trust.CAFile)
		if err != nil {
			return nil, err
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
