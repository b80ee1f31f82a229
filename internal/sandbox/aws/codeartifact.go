package aws

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// codeArtifactPath is that of the only operation of CodeArtifact that there is. The service speaks REST: operations are methods and paths,
// what they take is in the query, and the code of an error is in a header.
const codeArtifactPath = "/v1/authorization-token"

func (c *Cloud) codeArtifactOperations() map[string]operation {
	return map[string]operation{"/codeartifact/GetAuthorizationToken": c.getIndexToken}
}

// indexTokenResult has the end of the token as JSON has it there: seconds, with a fraction.
type indexTokenResult struct {
	AuthorizationToken string  `json:"authorizationToken"`
	Expiration         seconds `json:"expiration"`
}

// getIndexToken gives a token for the package indexes of a domain. It is good for as long as was asked for, twelve hours if nothing was,
// and no longer than the session of a role. It takes a permission of STS as well.
func (c *Cloud) getIndexToken(call *call) (any, error) {
	domain, owner := call.form.Get("domain"), call.form.Get("domain-owner")
	if owner != "" && owner != c.options.Account || !slices.Contains(c.options.Domains, domain) {
		return nil, call.refuse("", "ResourceNotFoundException", "Domain not found. Domain: %s, account: %s", domain, orDefault(owner, c.options.Account))
	}
	if sentence := c.denied(call.by, "sts:GetServiceBearerToken", "*"); sentence != "" {
		return nil, call.refuse("", "AccessDeniedException", "%s", sentence)
	}
	life := 12 * time.Hour
	if text := call.form.Get("duration"); text != "" && text != "0" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 900 || n > 43200 {
			return nil, call.refuse("", "ValidationException", "Duration must be 0, or between 900 and 43200 seconds")
		}
		life = time.Duration(n) * time.Second
	}
	if c.tokenLife < life {
		life = c.tokenLife
	}
	expires := c.now.Add(life)
	if session := call.by.expires; !session.IsZero() && session.Before(expires) {
		expires = session
	}
	token := c.newPassword(expires)
	c.indexTokens[token] = expires
	return indexTokenResult{token, seconds(expires)}, nil
}

// IndexToken tells whether these are what CodeArtifact's indexes take as user and password.
func (c *Cloud) IndexToken(user, password string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	expires, known := c.indexTokens[password]
	return known && user == "aws" && c.options.Clock().Before(expires)
}

// domainARN is that of a domain of CodeArtifact.
func (c *Cloud) domainARN(name string) string {
	return strings.Join([]string{"arn", c.options.Partition, codeArtifactService, c.options.Region, c.options.Account, "domain/" + name}, ":")
}

// restBody is an error of a service that speaks REST.
func (r *refusal) restBody() []byte {
	body, _ := json.Marshal(struct { // strings are always encoded
		Message string `json:"message"`
	}{r.message})
	return body
}

// restStatus is the status of an error code of a service that speaks REST.
func restStatus(code string) int {
	switch code {
	case "ResourceNotFoundException", "UnknownOperationException":
		return http.StatusNotFound
	case "ThrottlingException":
		return http.StatusTooManyRequests
	case "ValidationException":
		return http.StatusBadRequest
	case "ServerException", "InternalServerException":
		return http.StatusInternalServerError
	}
	return http.StatusForbidden
}
