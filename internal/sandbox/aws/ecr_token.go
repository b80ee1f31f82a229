package aws

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"strings"
	"time"
)

// token is an authorization token of ECR, the password of the user "AWS".
type token struct {
	by      *principal
	expires time.Time
}

type authorization struct {
	AuthorizationToken string  `json:"authorizationToken"`
	ExpiresAt          seconds `json:"expiresAt"`
	ProxyEndpoint      string  `json:"proxyEndpoint"`
}

type tokenResult struct {
	AuthorizationData []authorization `json:"authorizationData"`
}

// getAuthorizationToken gives a token that is good for as long as the credentials it was got with, and not longer than its own life.
func (c *Cloud) getAuthorizationToken(call *call) (any, error) {
	expires := c.now.Add(c.tokenLife)
	if session := call.by.expires; !session.IsZero() && session.Before(expires) {
		expires = session
	}
	password := c.newPassword(expires)
	c.tokens[password] = token{call.by, expires.Add(c.options.TokenGrace)}
	return tokenResult{[]authorization{{
		AuthorizationToken: base64.StdEncoding.EncodeToString([]byte("AWS:" + password)),
		ExpiresAt:          seconds(expires),
		ProxyEndpoint:      c.proxyEndpoint(),
	}}}, nil
}

// newPassword has the form of ECR's: JSON with an encrypted payload, in base64, about two thousand characters.
func (c *Cloud) newPassword(expires time.Time) string {
	payload := make([]byte, 1200)
	for i := range payload {
		payload[i] = byte(c.random.UintN(256))
	}
	text, err := json.Marshal(map[string]any{
		"payload": payload, "datakey": payload[:128], "version": "2", "type": "DATA_KEY", "expiration": expires.Unix(),
	})
	if err != nil {
		panic(err) // it is text and numbers
	}
	return base64.StdEncoding.EncodeToString(text)
}

// proxyEndpoint is the URL of the registry.
func (c *Cloud) proxyEndpoint() string {
	host, _, err := net.SplitHostPort(c.options.Host)
	if ip := net.ParseIP(host); err == nil && (host == "localhost" || ip.IsLoopback()) {
		return "http://" + c.options.Host
	}
	return "https://" + c.options.Host
}

// SetTokenLife changes how long the authorization tokens live that are given from now on.
func (c *Cloud) SetTokenLife(life time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokenLife = life
}

// ExpireTokens ends the life of all authorization tokens there are.
func (c *Cloud) ExpireTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for password, t := range c.tokens {
		t.expires = c.options.Clock()
		c.tokens[password] = t
	}
}

// password tells whose token a password is. Known means that it is a token, expired or not.
func (c *Cloud) bearer(user, password string) (by *principal, known, good bool) {
	t, known := c.tokens[password]
	return t.by, known && strings.EqualFold(user, "AWS"), c.now.Before(t.expires)
}
